//! What a message looked like that a venue sent and we cannot read: its fields and their types, never a value. Keys,
//! signatures, account numbers and amounts are values; so is a field name that does not look like one. A shape is taken
//! on a pinned thread: it reads a bounded part of the message into an array of its own.

use crate::decode::{REJECTS, Reject};
use crate::ids::{Nanos, VenueId};
use std::fmt;

/// Bytes that a shape holds.
pub const SHAPE_BYTES: usize = 240;
/// Bytes of a message that are looked at.
const LOOKED_AT: usize = 4096;
/// Bytes of a word that is shown.
const WORD_BYTES: usize = 40;
/// Letters between two separators of a word that is shown; keys are longer.
const RUN_MAX: usize = 20;
/// And when there is a digit among them.
const MIXED_RUN_MAX: usize = 8;
/// Objects and arrays within one another.
const DEPTH_MAX: usize = 8;
/// What stands where a shape was cut off.
const CUT: &str = "…";
/// What stands for a name that is not shown.
const HIDDEN: &str = "?";

/// What of a message we do not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DriftKind {
    /// It was refused.
    Refused(Reject),
    /// A kind of message, or of change of an order, that we have no name for.
    Event,
    /// A state of an order or a trade that we have no name for.
    Status,
}

/// Kinds of [`DriftKind`].
pub const DRIFT_KINDS: usize = REJECTS + 2;

impl DriftKind {
    /// A refusal that another version of the venue's protocol explains; what is only too large or about an instrument of
    /// nobody's is none.
    pub const fn of(reason: Reject) -> Option<Self> {
        match reason {
            Reject::Truncated
            | Reject::Malformed
            | Reject::Encoding
            | Reject::DuplicateKey
            | Reject::MissingField
            | Reject::BadNumber
            | Reject::UnknownChannel => Some(Self::Refused(reason)),
            Reject::TooLarge | Reject::TooDeep | Reject::Precision | Reject::Overflow | Reject::UnknownInstrument => {
                None
            }
        }
    }

    /// Its number, below [`DRIFT_KINDS`].
    pub const fn index(self) -> usize {
        match self {
            Self::Refused(reason) => reason as usize,
            Self::Event => REJECTS,
            Self::Status => REJECTS + 1,
        }
    }

    /// Its name in the key of its incident.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused(reason) => reason.name(),
            Self::Event => "unknown_event",
            Self::Status => "unknown_status",
        }
    }
}

/// Where it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriftPlace {
    /// On a line of market data.
    Feed,
    /// On a private line.
    Private,
    /// In an answer on an order line.
    Orders,
}

/// A message that cannot be read, or not all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drift {
    /// Who said it.
    pub venue: VenueId,
    /// Where.
    pub place: DriftPlace,
    /// What of it is not known.
    pub kind: DriftKind,
    /// The venue's own word, where there is one.
    pub word: Word,
    /// What the message looked like.
    pub shape: Shape,
    /// When.
    pub at_ns: Nanos,
}

/// A venue's word for a state or an event; one that does not look like one is not kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Word {
    bytes: [u8; WORD_BYTES],
    len: u8,
}

impl Word {
    /// No word.
    pub const NONE: Self = Self { bytes: [0; WORD_BYTES], len: 0 };

    /// Keeps `text` if it may be shown.
    pub fn of(text: &str) -> Self {
        let mut word = Self::NONE;
        let shown = if is_shown(text.as_bytes()) { text } else { HIDDEN };
        word.bytes[..shown.len()].copy_from_slice(shown.as_bytes());
        word.len = shown.len() as u8;
        word
    }

    /// The word; empty when there is none.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Whether this reads like a word of a protocol: runs of the length of words that begin with a letter, with digits in short
/// ones only.
fn is_shown(text: &[u8]) -> bool {
    let is_separator = |byte: &u8| matches!(byte, b'_' | b'-' | b'.');
    let is_word = |run: &[u8]| {
        let most = if run.iter().any(u8::is_ascii_digit) { MIXED_RUN_MAX } else { RUN_MAX };
        let begins_well = run.first().is_some_and(u8::is_ascii_alphabetic);
        begins_well && run.len() <= most && run.iter().all(u8::is_ascii_alphanumeric)
    };
    cfg!(mutant = "drift-redaction") || text.len() <= WORD_BYTES && text.split(is_separator).all(is_word)
}

/// The fields of a message and their types: `{e:text,o:{X:text,q:[text×2]}}`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    bytes: [u8; SHAPE_BYTES],
    len: u8,
}

const _: () = assert!(SHAPE_BYTES <= u8::MAX as usize, "its length is a byte");

impl Shape {
    /// The shape of as much of `message` as is JSON; what follows is cut off.
    pub fn of(message: &[u8]) -> Self {
        let shape = Self { bytes: [0; SHAPE_BYTES], len: 0 };
        let mut sketch = Sketch { rest: &message[..message.len().min(LOOKED_AT)], shape };
        if sketch.value(0, true).is_none() {
            sketch.shape.cut();
        }
        sketch.shape
    }

    /// In words.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }

    /// `None` when it does not fit beside what stands where a shape is cut off.
    fn put(&mut self, piece: &str) -> Option<()> {
        let end = usize::from(self.len) + piece.len();
        if end + CUT.len() > SHAPE_BYTES {
            return None;
        }
        self.bytes[usize::from(self.len)..end].copy_from_slice(piece.as_bytes());
        self.len = end as u8;
        Some(())
    }

    fn cut(&mut self) {
        let (start, end) = (usize::from(self.len), usize::from(self.len) + CUT.len());
        self.bytes[start..end].copy_from_slice(CUT.as_bytes());
        self.len = end as u8;
    }

    /// How often the piece before it comes.
    fn put_times(&mut self, count: usize) -> Option<()> {
        let mut digits = [0; 4];
        let mut rest = count.min(LOOKED_AT);
        let mut at = digits.len();
        while rest > 0 {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.put("×")?;
        self.put(std::str::from_utf8(&digits[at..]).unwrap_or_default())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Reads a message and draws its shape; every step is `None` where the message is no JSON any more or the shape is full.
struct Sketch<'a> {
    rest: &'a [u8],
    shape: Shape,
}

impl<'a> Sketch<'a> {
    fn value(&mut self, depth: usize, shown: bool) -> Option<()> {
        match self.peek()? {
            b'{' if depth < DEPTH_MAX => self.object(depth, shown),
            b'[' if depth < DEPTH_MAX => self.array(depth, shown),
            b'"' => {
                self.string()?;
                self.put(shown, "text")
            }
            b't' => self.literal(b"true", shown, "flag"),
            b'f' => self.literal(b"false", shown, "flag"),
            b'n' => self.literal(b"null", shown, "null"),
            b'-' | b'0'..=b'9' => {
                self.number();
                self.put(shown, "number")
            }
            _ => None,
        }
    }

    fn object(&mut self, depth: usize, shown: bool) -> Option<()> {
        self.take(b'{')?;
        self.put(shown, "{")?;
        let mut separator = "";
        while self.peek()? != b'}' {
            if !separator.is_empty() {
                self.take(b',')?;
            }
            let name = self.string()?;
            self.take(b':')?;
            self.put(shown, separator)?;
            self.put_name(shown, name)?;
            self.put(shown, ":")?;
            self.value(depth + 1, shown)?;
            separator = ",";
        }
        self.take(b'}')?;
        self.put(shown, "}")
    }

    /// The first of its values stands for all.
    fn array(&mut self, depth: usize, shown: bool) -> Option<()> {
        self.take(b'[')?;
        self.put(shown, "[")?;
        let mut count = 0;
        while self.peek()? != b']' {
            if count > 0 {
                self.take(b',')?;
            }
            self.value(depth + 1, shown && count == 0)?;
            count += 1;
        }
        self.take(b']')?;
        if shown && count > 1 {
            self.shape.put_times(count)?;
        }
        self.put(shown, "]")
    }

    /// What stands between two quotes, as it is written.
    fn string(&mut self) -> Option<&'a [u8]> {
        self.take(b'"')?;
        let mut end = 0;
        loop {
            match *self.rest.get(end)? {
                b'"' => break,
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        let text = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Some(text)
    }

    fn literal(&mut self, word: &[u8], shown: bool, kind: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        self.put(shown, kind)
    }

    fn number(&mut self) {
        let is_part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let end = self.rest.iter().position(|byte| !is_part(byte)).unwrap_or(self.rest.len());
        self.rest = &self.rest[end..];
    }

    fn put(&mut self, shown: bool, piece: &str) -> Option<()> {
        if shown { self.shape.put(piece) } else { Some(()) }
    }

    fn put_name(&mut self, shown: bool, name: &[u8]) -> Option<()> {
        let name = std::str::from_utf8(name).ok().filter(|name| is_shown(name.as_bytes()));
        self.put(shown, name.unwrap_or(HIDDEN))
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.rest = &self.rest[1..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shape(message: &str) -> String {
        Shape::of(message.as_bytes()).text().to_owned()
    }

    #[test]
    fn a_shape_names_fields_and_types() {
        let cases = [
            (
                r#"{"e":"x","E":1.5e3,"m":true,"n":null,"b":[["1","2"],["3","4"]],"a":[]}"#,
                "{e:text,E:number,m:flag,n:null,b:[[text×2]×2],a:[]}",
            ),
            (r#" [ { "a" : -1 } , 2 ] "#, "[{a:number}×2]"),
            (r#"{"a":"q\"},{\"uid\":1","b":1}"#, "{a:text,b:number}"),
            ("pong", "…"),
            (r#"{"e":"x","o":{"X":"#, "{e:text,o:{X:…"),
            (r#"{"a":1 "b":2}"#, "{a:number…"),
            ("", "…"),
        ];
        for (message, wanted) in cases {
            assert_eq!(shape(message), wanted, "{message}");
        }
        assert!(shape(&"[".repeat(50)).ends_with('…'));
        let many: Vec<String> = (0..100).map(|at| format!(r#""field_{}":1"#, "x".repeat(at % 9))).collect();
        let long = shape(&format!("{{{}}}", many.join(",")));
        assert!(long.ends_with('…') && long.len() <= SHAPE_BYTES, "{long}");
    }

    /// What accounts consist of, where venues put it and where they might.
    const SECRETS: [&str; 9] = [
        "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        "614488474791936",
        "104.26.3.77",
        "15321.9905",
        "XuOJpQXb5xT1rgUVkb",
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
        "a61f3d10-5c1e-4d2a-9f4b-1c0ffee0babe",
        "Simulated-trader-passphrase-1",
    ];

    #[test]
    fn no_secret_is_shown_wherever_it_stands() {
        for secret in SECRETS {
            let messages = [
                format!(r#"{{"uid":"{secret}","B":[{{"a":"BTC","f":"{secret}"}}]}}"#),
                format!(r#"{{"{secret}":{{"{secret}":1}}}}"#),
                format!(r#"["{secret}","{secret}"]"#),
                format!(r#"{{"a":"\"{secret}\":1","b":"{secret}"#),
                secret.to_owned(),
            ];
            for message in messages {
                assert!(!shape(&message).contains(&secret[..4]), "{message} → {}", shape(&message));
            }
            assert_eq!(Word::of(secret).text(), HIDDEN, "{secret}");
        }
    }

    #[test]
    fn words_of_protocols_are_shown() {
        for word in
            ["FILLED_BY_AUCTION", "executionReport", "orders-algo", "execution.v2", "CONDITIONAL_ORDER_TRIGGER_REJECT"]
        {
            assert_eq!(Word::of(word).text(), word);
        }
        assert_eq!([Word::NONE.text(), Word::of("größe").text(), Word::of("").text()], ["", HIDDEN, HIDDEN]);
    }

    #[test]
    fn kinds_have_numbers_and_names_of_their_own() {
        let refused = Reject::ALL.iter().filter_map(|&reason| DriftKind::of(reason));
        let all: Vec<_> = refused.chain([DriftKind::Event, DriftKind::Status]).collect();
        let numbers: std::collections::BTreeSet<_> = all.iter().map(|kind| (kind.index(), kind.name())).collect();
        assert!(numbers.len() == all.len() && all.iter().all(|kind| kind.index() < DRIFT_KINDS));
    }

    proptest! {
        /// Of any bytes there is a shape, and none of their digits stands in it except as a count.
        #[test]
        fn any_bytes_have_a_shape(message in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(Shape::of(&message).text().len() <= SHAPE_BYTES);
        }

        /// A value is never shown, whatever it is.
        #[test]
        fn no_value_is_shown(value in "[A-Z]{6,30}", name in "[a-z]{1,8}") {
            let message = format!(r#"{{"{name}":"{value}","list":["{value}"],"deep":{{"{name}":"{value}"}}}}"#);
            prop_assert!(!Shape::of(message.as_bytes()).text().contains(&value));
        }
    }
}
