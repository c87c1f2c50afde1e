//! Rule `length`: a function has at most 70 code lines, the median function at most 8, a file at most
//! 500. Code lines are those neither blank nor comment. A function is counted from its `fn` to its
//! closing brace; the median is over functions that are not tests, by the lines between their braces
//! (a one-line body is 1); a file is counted without its `#[cfg(test)]` items.

use super::finding::Finding;
use super::source::Source;

/// Most code lines of a function.
const FUNCTION_MAX: usize = 70;
/// Most lines of the median function's body.
const MEDIAN_MAX: usize = 8;
/// Most code lines of a file.
const FILE_MAX: usize = 500;

/// Checks one file and its functions.
pub fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for function in &source.functions {
        let lines = source.code_lines(function.lines.clone());
        if lines > FUNCTION_MAX {
            let why =
                format!("`{}` has {lines} code lines; at most {FUNCTION_MAX}: give its steps names", function.name);
            findings.push(Finding::at(&source.path, function.lines.start + 1, "length", why));
        }
    }
    let lines = source.own_code_lines();
    if lines > FILE_MAX {
        let why = format!("{lines} code lines; at most {FILE_MAX}: one noun per file");
        findings.push(Finding::in_file(&source.path, "length", why));
    }
    findings
}

/// Checks the median over the whole tree.
pub fn check_median(sources: &[Source]) -> Option<Finding> {
    let median = median(sources);
    let why = format!("the median function has {median} lines; at most {MEDIAN_MAX}");
    (median > MEDIAN_MAX).then(|| Finding::in_file(".", "length", why))
}

/// The figures, for the closing line.
pub fn summary(sources: &[Source]) -> String {
    let code: usize = sources.iter().map(Source::own_code_lines).sum();
    format!("{code} code lines without tests, {} functions, median {} lines", bodies(sources).len(), median(sources))
}

fn median(sources: &[Source]) -> usize {
    let mut lengths = bodies(sources);
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

fn bodies(sources: &[Source]) -> Vec<usize> {
    let of_file = |source: &Source| {
        let own = source.functions.iter().filter(|function| !source.is_test(function.lines.start));
        own.map(|function| source.code_lines(function.lines.clone()).saturating_sub(2).max(1)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of_file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(lines: usize) -> String {
        format!("//! A.\nfn f() {{\n{}}}\n", "    g();\n\n    // why\n".repeat(lines - 2))
    }

    #[test]
    fn seventy_code_lines_are_the_limit() {
        let check = |lines: usize, expect: usize| {
            assert_eq!(check(&Source::new("a.rs", &function(lines))).len(), expect, "{lines}");
        };
        check(70, 0);
        check(71, 1);
    }

    #[test]
    fn five_hundred_code_lines_are_the_limit_without_tests() {
        let file = |own: usize, test: usize| {
            let code = "const A: u8 = 1;\n".repeat(own);
            format!("//! A.\n{code}#[cfg(test)]\nmod tests {{\n{}}}\n", "const B: u8 = 1;\n".repeat(test))
        };
        let check = |own, test, expect| assert_eq!(check(&Source::new("a.rs", &file(own, test))).len(), expect);
        check(500, 100, 0);
        check(501, 0, 1);
    }

    #[test]
    fn the_median_is_over_functions_that_are_not_tests() {
        let long = Source::new("a.rs", &function(20));
        assert!(check_median(&[long]).is_some());
        let tests = Source::new("tests/a.rs", &function(20));
        assert!(check_median(&[tests, Source::new("b.rs", &function(5))]).is_none());
    }
}
