//! Rule `whitespace`: no tabs, no carriage returns, no trailing spaces, one newline at the end.

use super::finding::Finding;

/// Checks one text.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        let why = if line.contains('\t') {
            "a tab"
        } else if line.ends_with('\r') {
            "a carriage return"
        } else if line.ends_with(' ') {
            "trailing space"
        } else {
            continue;
        };
        findings.push(Finding::at(path, at + 1, "whitespace", why));
    }
    if !text.is_empty() && (!text.ends_with('\n') || text.ends_with("\n\n")) {
        findings.push(Finding::in_file(path, "whitespace", "must end in exactly one newline"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stray_white_space_is_found() {
        let check = |text: &str, expect: usize| assert_eq!(check("a.md", text).len(), expect, "{text:?}");
        check("a\nb\n", 0);
        check("a \nb\tc\nd\r\n", 3);
        check("a", 1);
        check("a\n\n", 1);
    }
}
