//! Blanks comments and the inside of literals out of Rust source, byte for byte and line for line,
//! so that the rules can search for words without meeting them in prose.

/// What stands in for the inside of a literal: not blank, so that the line still counts as code,
/// and part of no word.
const FILLER: u8 = b'~';

/// The source with comments as spaces and literal contents as `~`; newlines stay where they are.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    while out.len() < bytes.len() {
        let (length, fill) = token(&bytes[out.len()..], out.last().copied());
        let end = (out.len() + length).min(bytes.len());
        let filled = bytes[out.len()..end].iter().map(|&b| match fill {
            Some(fill) if b != b'\n' => fill,
            _ => b,
        });
        out.extend(filled.collect::<Vec<_>>());
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The length of the token at the start of `rest`, and what to fill it with (nothing: keep it).
fn token(rest: &[u8], before: Option<u8>) -> (usize, Option<u8>) {
    let in_word = before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    match rest {
        [b'/', b'/', ..] => (line_end(rest), Some(b' ')),
        [b'/', b'*', ..] => (block_comment(rest), Some(b' ')),
        [b'"', ..] => (quoted(rest, b'"'), Some(FILLER)),
        [b'r', b'"' | b'#', ..] | [b'b' | b'c', b'r', b'"' | b'#', ..] if !in_word => match raw_string(rest) {
            Some(length) => (length, Some(FILLER)),
            None => (1, None),
        },
        [b'\'', b'\\', ..] => (quoted(rest, b'\''), Some(FILLER)),
        [b'\'', ..] => match char_literal(rest) {
            Some(length) => (length, Some(FILLER)),
            None => (1, None),
        },
        // Bytes of other alphabets only stand in literals and comments.
        _ => (1, None),
    }
}

fn line_end(rest: &[u8]) -> usize {
    rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len())
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0usize, 0usize);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8]) -> Option<usize> {
    let start = rest.iter().position(|&b| b == b'r')? + 1;
    let hashes = rest[start..].iter().take_while(|&&b| b == b'#').count();
    if rest.get(start + hashes) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let body = start + hashes + 1;
    let end = rest[body..].windows(close.len()).position(|window| window == close)?;
    Some(body + end + close.len())
}

/// `'x'` is a literal, `'x` a lifetime.
fn char_literal(rest: &[u8]) -> Option<usize> {
    let text =
        std::str::from_utf8(&rest[..rest.len().min(6)]).or_else(|e| std::str::from_utf8(&rest[..e.valid_up_to()]));
    let mut chars = text.ok()?.char_indices().skip(2);
    chars.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(blank(text), expect);
    }

    #[test]
    fn comments_and_literals_are_blanked_and_the_rest_kept() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check("f(\"tokio // x\") // y", "f(~~~~~~~~~~~~)     ");
        check(r#"f("a\"b", 1)"#, "f(~~~~~~, 1)");
        check("f(r#\"a\"b\"#, 1)", "f(~~~~~~~~, 1)");
        check("fn f<'a>(x: &'a str) -> char { '{' }", "fn f<'a>(x: &'a str) -> char { ~~~ }");
        check("['\\'', b'\"', '\\u{1F600}']", "[~~~~, b~~~, ~~~~~~~~~~~]");
        check("for r in x { r#type }", "for r in x { r#type }");
        check("\"one\ntwo\"", "~~~~\n~~~~");
    }
}
