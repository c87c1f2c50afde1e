//! An event is a line: what others wrote (a reason, a venue's words) ends no line of a text log, so that nobody forges one.

use std::io::{self, Write};

/// Escapes control characters within each event that is written to it; colours stay, since those of an event's own text
/// have been escaped before.
#[derive(Debug)]
pub(super) struct OneLine<W>(pub(super) W);

impl<W: Write> Write for OneLine<W> {
    /// Takes an event, which comes whole.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let (body, end) = event.strip_suffix(b"\n").map_or((event, &b""[..]), |body| (body, &b"\n"[..]));
        if !body.iter().any(|&byte| is_control(byte)) || cfg!(mutant = "forged-line") {
            return self.0.write_all(event).map(|()| event.len());
        }
        let mut clean = Vec::with_capacity(event.len() + 16);
        for &byte in body {
            if is_control(byte) { clean.extend(byte.escape_ascii()) } else { clean.push(byte) }
        }
        clean.extend_from_slice(end);
        self.0.write_all(&clean).map(|()| event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

const fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t' && byte != 0x1b
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_stays_one_line_and_keeps_its_colours() {
        let mut lines = OneLine(Vec::new());
        lines.write_all("\u{1b}[31mERROR\u{1b}[0m it\tsaid\r\n2026 ERROR forged\0\u{7} ä\n".as_bytes()).unwrap();
        lines.write_all(b"plain\n").unwrap();
        let expected = "\u{1b}[31mERROR\u{1b}[0m it\tsaid\\r\\n2026 ERROR forged\\x00\\x07 ä\nplain\n";
        assert_eq!(String::from_utf8(lines.0).unwrap(), expected);
    }
}
