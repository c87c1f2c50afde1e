//! Rule `leftovers`: nothing half-done is kept, in tests neither.

use super::finding::Finding;
use super::source::{Source, contains_word};

const LEFTOVERS: &[(&str, &str)] = &[
    ("todo!", "finish it"),
    ("unimplemented!", "finish it"),
    ("dbg!", "take it out"),
    ("#[ignore", "a test that does not run proves nothing: repair it or take it out"),
    ("allow(dead_code", "take out what nobody uses"),
    ("allow(unused", "take out what nobody uses"),
];

/// Checks one source.
pub fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in source.code.lines().enumerate() {
        for (word, instead) in LEFTOVERS.iter().filter(|(word, _)| contains_word(line, word)) {
            findings.push(Finding::at(&source.path, at + 1, "leftovers", format!("`{word}`: {instead}")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_half_done_is_found() {
        let check = |text: &str, expect: usize| assert_eq!(check(&Source::new("a.rs", text)).len(), expect, "{text}");
        check("fn a() {\n    todo!()\n}\n", 1);
        check("#[ignore = \"slow\"]\nfn a() {}\n", 1);
        check("#[allow(dead_code)]\nfn a() {}\n", 1);
        check("fn a() {\n    b(\"todo!\") // dbg!\n}\n", 0);
    }
}
