//! Rule `allocation`: the engine allocates only while it is built. A token below in `engine/src` is
//! refused unless it stands in a test, outside of any function, in a function named `new`, `start`,
//! `default`, `spawn` or `at`, or in one whose doc comment has a line that begins `cold:` and says
//! when it runs (`/// cold: once per connection, on the actor's thread`). Containing functions count.
//! What this cannot see (a `push` beyond capacity) the sealed allocator of the benches does.

use super::finding::Finding;
use super::source::Source;

const TOKENS: &[&str] = &[
    "Vec::new(",
    "Vec::with_capacity(",
    "Vec::from",
    "vec![",
    "Box::new(",
    "Box::from(",
    "Rc::new(",
    "Arc::new(",
    "Arc::from(",
    "String::",
    "BTreeMap::new(",
    "VecDeque::new(",
    "VecDeque::with_capacity(",
    "format!",
    ".to_vec()",
    ".to_string()",
    ".to_owned()",
    ".collect()",
    ".collect::<",
    ".into_boxed_slice()",
];

/// Functions that run while the wire is built.
const BUILDERS: [&str; 5] = ["new", "start", "default", "spawn", "at"];

/// Checks one source of the engine.
pub fn check(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("engine/src/") {
        return Vec::new();
    }
    let hot = |at: &usize| {
        let mut around = source.functions.iter().filter(|function| function.lines.contains(at)).peekable();
        around.peek().is_some()
            && !around.any(|f| BUILDERS.contains(&f.name.as_str()) || is_cold(source, f.lines.start))
    };
    let mut findings = Vec::new();
    for token in TOKENS {
        for at in source.lines_with(token).into_iter().filter(hot) {
            let why = format!(
                "`{token}` may allocate on the wire: do it in `new`, or mark the function `cold:` and say when it runs"
            );
            findings.push(Finding::at(&source.path, at + 1, "allocation", why));
        }
    }
    findings
}

fn is_cold(source: &Source, line: usize) -> bool {
    source.comment_above(line).lines().any(|line| line.trim_start_matches('/').trim_start().starts_with("cold:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(text: &str, expect: usize) {
        assert_eq!(check(&Source::new("engine/src/book.rs", text)).len(), expect, "{text}");
    }

    #[test]
    fn an_allocation_outside_of_construction_is_found() {
        check_text("fn poll() {\n    let v = vec![1];\n}\n", 1);
        check_text("fn poll() {\n    x.iter().collect::<Vec<_>>();\n}\n", 1);
        check_text("pub fn new() -> Self {\n    Self { v: Vec::new() }\n}\n", 0);
        check_text("/// Ends it.\n///\n/// cold: once, at the end\n#[must_use]\nfn end() {\n    Box::new(1);\n}\n", 0);
        check_text("/// A scold: no marker.\nfn end() {\n    Box::new(1);\n}\n", 1);
        check_text("fn new() {\n    fn inner() {\n        vec![1];\n    }\n}\n", 0);
        check_text("#[cfg(test)]\nmod tests {\n    fn a() {\n        vec![1];\n    }\n}\n", 0);
    }
}
