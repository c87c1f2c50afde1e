//! Rule `opening`: every Rust file begins with `//!`, 1 to 15 lines, that say what and why.

use super::finding::Finding;
use super::source::Source;

/// Most lines of an opening.
const LINES_MAX: usize = 15;

/// Checks one file.
pub fn check(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().take_while(|line| line.starts_with("//!")).count();
    let said = source.text.lines().take(lines).any(|line| line.len() > "//! ".len());
    match lines {
        1..=LINES_MAX if said => None,
        0 => Some(Finding::at(&source.path, 1, "opening", "begin with `//!`: what the file is and why")),
        1..=LINES_MAX => Some(Finding::at(&source.path, 1, "opening", "the opening says nothing")),
        _ => Some(Finding::at(&source.path, 1, "opening", format!("{lines} lines; at most {LINES_MAX}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_opening_is_found() {
        let check =
            |text: &str, expect: bool| assert_eq!(check(&Source::new("a.rs", text)).is_none(), expect, "{text}");
        check("//! What.\nfn a() {}\n", true);
        check("fn a() {}\n", false);
        check("\n//! Late.\n", false);
        check("//!\n", false);
        check(&"//! Long.\n".repeat(15), true);
        check(&"//! Long.\n".repeat(16), false);
    }
}
