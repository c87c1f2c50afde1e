//! One Rust file, prepared for the rules: its text, its code without prose, its functions, and which
//! of its lines are tests.

use super::functions::{self, Function, is_word, line_of, matching};
use super::lexer;
use std::ops::Range;

/// One Rust file.
#[derive(Debug)]
pub struct Source {
    /// Path relative to the root, with `/`.
    pub path: String,
    /// As written.
    pub text: String,
    /// Comments and literals blanked; same lines.
    pub code: String,
    /// Functions with a body.
    pub functions: Vec<Function>,
    /// Lines, from 0, of items under `#[cfg(test)]`.
    tests: Vec<Range<usize>>,
}

impl Source {
    /// Prepares a file.
    pub fn new(path: &str, text: &str) -> Self {
        let code = lexer::blank(text);
        let (functions, tests) = (functions::find(&code), test_items(&code));
        Self { path: path.to_owned(), text: text.to_owned(), code, functions, tests }
    }

    /// Whether a line (from 0) is test code: a test file, or an item under `#[cfg(test)]`.
    pub fn is_test(&self, line: usize) -> bool {
        self.is_test_file() || self.tests.iter().any(|range| range.contains(&line))
    }

    /// Whether the file is nothing but tests or benches.
    pub fn is_test_file(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
    }

    /// Code lines (neither blank nor comment) among `lines`.
    pub fn code_lines(&self, lines: Range<usize>) -> usize {
        self.code.lines().skip(lines.start).take(lines.len()).filter(|line| !line.trim().is_empty()).count()
    }

    /// Code lines outside of `#[cfg(test)]` items.
    pub fn own_code_lines(&self) -> usize {
        let lines = self.code.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines.filter(|(at, _)| !self.tests.iter().any(|range| range.contains(at))).count()
    }

    /// Lines (from 0) outside of tests on which `word` stands. A word that begins or ends in a letter
    /// does not match inside a longer one.
    pub fn lines_with(&self, word: &str) -> Vec<usize> {
        let lines = self.code.lines().enumerate().filter(|(_, line)| contains_word(line, word));
        lines.map(|(at, _)| at).filter(|&at| !self.is_test(at)).collect()
    }

    /// The comment lines directly above a line, attributes skipped, joined.
    pub fn comment_above(&self, line: usize) -> String {
        let lines: Vec<&str> = self.text.lines().take(line).collect();
        let near = lines.iter().rev().map(|line| line.trim_start());
        let near = near.take_while(|line| line.starts_with("//") || line.starts_with("#["));
        near.filter(|line| line.starts_with("//")).collect::<Vec<_>>().join("\n")
    }
}

/// Whether `word` stands in `line`, not as part of a longer word.
pub fn contains_word(line: &str, word: &str) -> bool {
    let bytes = line.as_bytes();
    line.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).is_some_and(|i| is_word(bytes[i])) && is_word(word.as_bytes()[0]);
        let after = bytes.get(at + word.len()).is_some_and(|&b| is_word(b)) && is_word(word.as_bytes()[word.len() - 1]);
        !before && !after
    })
}

/// The items under an attribute such as `#[cfg(test)]` or `#[cfg(all(test, …))]`.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let attributes = code.match_indices("#[cfg(").filter(|(at, _)| {
        let line = code[*at..].lines().next().unwrap_or("");
        contains_word(line, "test") && !line.contains("not(test")
    });
    attributes.map(|(at, _)| line_of(code, at)..line_of(code, item_end(code, at)) + 1).collect()
}

fn item_end(code: &str, at: usize) -> usize {
    let stop = code[at..].find(['{', ';']).map_or(code.len() - 1, |offset| at + offset);
    if code.as_bytes()[stop] == b'{' { matching(code, stop).unwrap_or(code.len() - 1) } else { stop }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_items_are_told_from_code() {
        let text = "fn a() {\n    tokio();\n}\n\n#[cfg(test)]\nmod tests {\n    fn b() { tokio() }\n}\n";
        let source = Source::new("engine/src/x.rs", text);
        assert_eq!(source.lines_with("tokio"), [1]);
        assert_eq!((source.own_code_lines(), source.is_test(6), source.is_test(1)), (3, true, false));
        assert!(Source::new("engine/src/x/tests.rs", text).lines_with("tokio").is_empty());
    }

    #[test]
    fn words_match_whole() {
        let check = |line: &str, word: &str, expect: bool| assert_eq!(contains_word(line, word), expect, "{line}");
        check("let x: Mutex<u8>", "Mutex", true);
        check("let x: MutexLike", "Mutex", false);
        check("eprintln!()", "println!", false);
        check("x.collect::<Vec<_>>()", ".collect", true);
        check("x.collector()", ".collect", false);
    }
}
