//! Finds the functions of blanked source by matching brackets.

use std::ops::Range;

/// A function with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Its lines from 0, from the line of `fn` to that of the closing brace.
    pub lines: Range<usize>,
}

/// Every function with a body in `code`, which must be blanked, in the order of the text.
pub fn find(code: &str) -> Vec<Function> {
    let bytes = code.as_bytes();
    let starts = code.match_indices("fn ").map(|(at, _)| at);
    let words = starts.filter(|&at| at == 0 || !is_word(bytes[at - 1]));
    words.filter_map(|at| function(code, at)).collect()
}

fn function(code: &str, at: usize) -> Option<Function> {
    let name: String = code[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let open = body(code, at).filter(|_| !name.is_empty())?;
    let close = matching(code, open)?;
    Some(Function { name, lines: line_of(code, at)..line_of(code, close) + 1 })
}

/// Where the body opens; `None` for a declaration without one.
fn body(code: &str, at: usize) -> Option<usize> {
    let mut depth = 0i32;
    for (offset, byte) in code[at..].bytes().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at + offset),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The brace that closes the one at `open`.
pub fn matching(code: &str, open: usize) -> Option<usize> {
    let mut depth = 0i32;
    for (offset, byte) in code[open..].bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return Some(open + offset);
        }
    }
    None
}

/// The line, from 0, of a byte.
pub fn line_of(code: &str, at: usize) -> usize {
    code[..at].bytes().filter(|&b| b == b'\n').count()
}

/// Whether a byte can stand inside a Rust word.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_with_their_lines() {
        let code = "trait T { fn declared(&self); }\nfn one(a: [u8; 4]) -> u8\nwhere\n    A: B,\n{\n    if x { y }\n}\n\
                    type F = fn (u8);\nfn two() {}\n";
        let found = find(code);
        let plain: Vec<_> = found.iter().map(|f| (f.name.as_str(), f.lines.clone())).collect();
        assert_eq!(plain, [("one", 1..7), ("two", 8..9)]);
    }
}
