//! Tier 2's reading of JSON: simd-json's tape with reused buffers, and typed access to it.
//!
//! Any valid JSON is read: white space, escapes, any order. simd-json unescapes in place, so the
//! frame is spent afterwards.

use highwire_links::decode::Reject;
use highwire_links::fixed::{Scale, parse};
use highwire_links::limits::BOOK_LEVELS_MAX;
use highwire_links::update::Level;
use simd_json::{Buffers, Node, StaticNode, Tape};

/// A JSON parser and its buffers.
pub(crate) struct Parser {
    buffers: Buffers,
    tape: Option<Tape<'static>>,
}

impl Default for Parser {
    fn default() -> Self {
        Self { buffers: Buffers::new(64 * 1024), tape: Some(Tape(Vec::with_capacity(4096))) }
    }
}

impl Parser {
    /// Parses `json` and hands its root to `read`; `None` when it is not valid JSON.
    pub(crate) fn with<R>(&mut self, json: &mut [u8], read: impl FnOnce(Value<'_, '_>) -> R) -> Option<R> {
        let mut tape = self.tape.take().map_or_else(Tape::null, Tape::reset);
        let parsed = simd_json::fill_tape(json, &mut self.buffers, &mut tape).is_ok();
        let result = parsed.then(|| read(Value { nodes: &tape.0 }));
        self.tape = Some(tape.reset());
        result
    }
}

/// A value on the tape: its own node first, then everything after it.
#[derive(Clone, Copy)]
pub(crate) struct Value<'t, 'i> {
    nodes: &'t [Node<'i>],
}

/// The children of an object or an array, keys included.
struct Children<'t, 'i> {
    nodes: &'t [Node<'i>],
}

impl<'t, 'i> Iterator for Children<'t, 'i> {
    type Item = Value<'t, 'i>;

    fn next(&mut self) -> Option<Self::Item> {
        let span = match self.nodes.first()? {
            Node::Object { count, .. } | Node::Array { count, .. } => count + 1,
            Node::String(_) | Node::Static(_) => 1,
        };
        let value = Value { nodes: self.nodes };
        self.nodes = self.nodes.get(span..).unwrap_or_default();
        Some(value)
    }
}

impl<'t, 'i> Value<'t, 'i> {
    /// Keys and values, when it is an object.
    pub(crate) fn fields(self) -> Option<impl Iterator<Item = (&'i str, Self)>> {
        let Some(Node::Object { count, .. }) = self.nodes.first() else { return None };
        let mut children = Children { nodes: self.nodes.get(1..=*count).unwrap_or_default() };
        Some(std::iter::from_fn(move || {
            let key = children.next()?.text().ok()?;
            Some((key, children.next()?))
        }))
    }

    /// Its values, when it is an array.
    pub(crate) fn items(self) -> Option<impl Iterator<Item = Self>> {
        let Some(Node::Array { count, .. }) = self.nodes.first() else { return None };
        Some(Children { nodes: self.nodes.get(1..=*count).unwrap_or_default() })
    }

    /// How many values an array has; 0 for anything else.
    pub(crate) fn len(self) -> usize {
        if let Some(Node::Array { len, .. }) = self.nodes.first() { *len } else { 0 }
    }

    /// A string.
    pub(crate) fn text(self) -> Result<&'i str, Reject> {
        if let Some(Node::String(text)) = self.nodes.first() { Ok(text) } else { Err(Reject::Malformed) }
    }

    /// A boolean.
    pub(crate) fn flag(self) -> Result<bool, Reject> {
        if let Some(Node::Static(StaticNode::Bool(flag))) = self.nodes.first() {
            Ok(*flag)
        } else {
            Err(Reject::Malformed)
        }
    }

    /// An integer that is not negative.
    pub(crate) fn unsigned(self) -> Result<u64, Reject> {
        match self.nodes.first() {
            Some(Node::Static(StaticNode::U64(number))) => Ok(*number),
            Some(Node::Static(StaticNode::I64(number))) => u64::try_from(*number).map_err(|_| Reject::BadNumber),
            Some(Node::Static(StaticNode::F64(_))) => Err(Reject::BadNumber),
            _ => Err(Reject::Malformed),
        }
    }

    /// An integer.
    pub(crate) fn signed(self) -> Result<i64, Reject> {
        match self.nodes.first() {
            Some(Node::Static(StaticNode::I64(number))) => Ok(*number),
            _ => i64::try_from(self.unsigned()?).map_err(|_| Reject::Overflow),
        }
    }

    /// An unsigned integer written as a string of digits.
    pub(crate) fn digits(self) -> Result<u64, Reject> {
        let text = self.text()?;
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
        if !plain || text.is_empty() {
            return Err(Reject::BadNumber);
        }
        text.parse().map_err(|_| Reject::Overflow)
    }

    /// A string of digits as a decimal at `dp`, with the decimals shown.
    pub(crate) fn decimal(self, dp: u8) -> Result<(i64, u8), Reject> {
        let read = parse(self.text()?.as_bytes(), dp)?;
        Ok((read.mantissa, read.shown))
    }

    /// Levels `[[price, size, ...], ...]` into `out`; what follows the size in a level is ignored.
    pub(crate) fn levels(self, scale: Scale, out: &mut Vec<Level>) -> Result<(), Reject> {
        out.clear();
        let levels = self.items().ok_or(Reject::Malformed)?;
        if self.len() > BOOK_LEVELS_MAX {
            return Err(Reject::TooDeep);
        }
        for level in levels {
            let mut pair = level.items().ok_or(Reject::Malformed)?;
            let (px, px_shown) = pair.next().ok_or(Reject::MissingField)?.decimal(scale.px_dp)?;
            let (qty, qty_shown) = pair.next().ok_or(Reject::MissingField)?.decimal(scale.qty_dp)?;
            out.push(Level { px, qty, px_shown, qty_shown });
        }
        Ok(())
    }
}

/// The fields of one or more objects by name, each at most once.
pub(crate) struct Fields<'t, 'i, const N: usize> {
    keys: &'static [&'static str; N],
    slots: [Option<Value<'t, 'i>>; N],
}

impl<'t, 'i, const N: usize> Fields<'t, 'i, N> {
    /// None read yet.
    pub(crate) fn new(keys: &'static [&'static str; N]) -> Self {
        Self { keys, slots: [None; N] }
    }

    /// The fields of `object`.
    ///
    /// # Errors
    /// `Malformed` when it is no object, `DuplicateKey` when it names one of the keys twice.
    pub(crate) fn of(keys: &'static [&'static str; N], object: Value<'t, 'i>) -> Result<Self, Reject> {
        let mut fields = Self::new(keys);
        for (key, value) in object.fields().ok_or(Reject::Malformed)? {
            fields.put(key, value)?;
        }
        Ok(fields)
    }

    /// Takes a field if it is one of the keys.
    pub(crate) fn put(&mut self, key: &str, value: Value<'t, 'i>) -> Result<(), Reject> {
        if let Some(at) = self.keys.iter().position(|known| *known == key)
            && self.slots[at].replace(value).is_some()
        {
            return Err(Reject::DuplicateKey);
        }
        Ok(())
    }

    /// The field of this key, if it was there. A key that is not in the list is never there.
    pub(crate) fn get(&self, key: &str) -> Option<Value<'t, 'i>> {
        self.keys.iter().position(|known| *known == key).and_then(|at| self.slots[at])
    }

    /// The field of this key.
    ///
    /// # Errors
    /// `MissingField`.
    pub(crate) fn need(&self, key: &str) -> Result<Value<'t, 'i>, Reject> {
        self.get(key).ok_or(Reject::MissingField)
    }

    /// A string field, if it is there and a string.
    pub(crate) fn text(&self, key: &str) -> Option<&'i str> {
        self.get(key).and_then(|value| value.text().ok())
    }

    /// An unsigned integer field, if it is there.
    ///
    /// # Errors
    /// As [`Value::unsigned`].
    pub(crate) fn unsigned(&self, key: &str) -> Result<Option<u64>, Reject> {
        self.get(key).map(Value::unsigned).transpose()
    }
}
