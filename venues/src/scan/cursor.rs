//! The cursor: walks a frame by the positions of its quotes.

use super::decimal::{decimal, unsigned};
use super::{quotes, simd};
use highwire_links::decode::Frame;
use highwire_links::limits::{BOOK_LEVELS_MAX, FRAME_HEAD};
use highwire_links::update::Level;

/// Where a walk over a frame stands.
pub(crate) struct Cursor<'a> {
    /// The whole buffer, so that loads may reach past the payload's end.
    bytes: &'a [u8],
    marks: &'a [u32],
    end: usize,
    at: usize,
    mark: usize,
}

/// Fills a slot that must be empty.
#[inline]
pub(crate) fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

impl<'a> Cursor<'a> {
    /// At the start of a frame's payload; `None` when the frame is not for tier 1.
    #[inline]
    pub(crate) fn new(frame: &'a Frame<'_>, marks: &'a mut Vec<u32>) -> Option<Self> {
        let end = quotes::index(frame, marks)?;
        Some(Self { bytes: frame.buffer(), marks, end, at: FRAME_HEAD, mark: 0 })
    }

    /// Whether all of the payload was walked, and all of its quotes.
    #[inline]
    pub(crate) fn finished(&self) -> Option<()> {
        (self.at == self.end && self.mark == self.marks.len()).then_some(())
    }

    /// The byte that comes next.
    #[inline(always)]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline(always)]
    fn eat(&mut self, byte: u8) -> Option<()> {
        let found = self.peek()? == byte;
        self.at += 1;
        found.then_some(())
    }

    /// After a value: whether another follows, or `close` does.
    #[inline(always)]
    fn more(&mut self, close: u8) -> Option<bool> {
        let byte = self.peek()?;
        self.at += 1;
        if byte == b',' { Some(true) } else { (byte == close).then_some(false) }
    }

    /// An object with at least one field; `field` must take each field's value.
    #[inline(always)]
    pub(crate) fn object(&mut self, mut field: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.eat(b'{')?;
        loop {
            let key = self.text()?;
            self.eat(b':')?;
            field(self, key)?;
            if !self.more(b'}')? {
                return Some(());
            }
        }
    }

    /// As [`Self::object`], but a space may follow each comma (Polymarket's changes).
    #[inline(always)]
    pub(crate) fn loose_object(&mut self, mut field: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        self.eat(b'{')?;
        loop {
            let key = self.text()?;
            self.eat(b':')?;
            field(self, key)?;
            if !self.more(b'}')? {
                return Some(());
            }
            self.space()?;
        }
    }

    /// An array, perhaps empty, with perhaps a space after each comma; `item` must take each value.
    #[inline(always)]
    pub(crate) fn loose_array(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.eat(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            item(self)?;
            if !self.more(b']')? {
                return Some(());
            }
            self.space()?;
        }
    }

    #[inline(always)]
    fn space(&mut self) -> Option<()> {
        self.at += usize::from(self.peek()? == b' ');
        Some(())
    }

    /// As [`Self::object`], but `field` may answer `Some(true)` instead of taking a value: then the
    /// value is an object, and its fields are walked next, as if they were this one's.
    #[inline(always)]
    pub(crate) fn nested(&mut self, mut field: impl FnMut(&mut Self, &'a [u8]) -> Option<bool>) -> Option<()> {
        self.eat(b'{')?;
        let mut depth = 1usize;
        loop {
            let key = self.text()?;
            self.eat(b':')?;
            if field(self, key)? {
                self.eat(b'{')?;
                depth += 1;
                continue;
            }
            while !self.more(b'}')? {
                depth -= 1;
                if depth == 0 {
                    return Some(());
                }
            }
        }
    }

    /// An array with at least one value; `item` must take each.
    #[inline]
    pub(crate) fn array(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.eat(b'[')?;
        loop {
            item(self)?;
            if !self.more(b']')? {
                return Some(());
            }
        }
    }

    #[inline(always)]
    fn span(&mut self) -> Option<(usize, usize)> {
        let [open, close] = *self.marks.get(self.mark..)?.first_chunk()?;
        if open as usize != self.at {
            return None;
        }
        self.mark += 2;
        self.at = close as usize + 1;
        Some((open as usize + 1, close as usize))
    }

    /// A string.
    #[inline(always)]
    pub(crate) fn text(&mut self) -> Option<&'a [u8]> {
        let (start, end) = self.span()?;
        self.bytes.get(start..end)
    }

    /// A string that holds a decimal: its digits, and how many of them are decimals.
    #[inline(always)]
    pub(crate) fn decimal(&mut self) -> Option<(i64, u8)> {
        let (start, end) = self.span()?;
        simd::number(self.bytes, start, end).unwrap_or_else(|| decimal(self.bytes, start, end))
    }

    /// A string of digits.
    #[inline]
    pub(crate) fn digits(&mut self) -> Option<u64> {
        let (value, shown) = self.decimal()?;
        if shown == 0 { u64::try_from(value).ok() } else { None }
    }

    /// An integer that is not negative.
    #[inline(always)]
    pub(crate) fn unsigned(&mut self) -> Option<u64> {
        let (value, at) = unsigned(self.bytes, self.at)?;
        self.at = at;
        Some(value)
    }

    /// An integer.
    #[inline]
    pub(crate) fn signed(&mut self) -> Option<i64> {
        if self.peek()? != b'-' {
            return i64::try_from(self.unsigned()?).ok();
        }
        self.at += 1;
        let value = i64::try_from(self.unsigned()?).ok()?;
        (value != 0).then_some(-value)
    }

    /// `true` or `false`.
    #[inline]
    pub(crate) fn flag(&mut self) -> Option<bool> {
        let value = self.peek()? == b't';
        self.literal(if value { b"true" } else { b"false" })?;
        Some(value)
    }

    #[inline]
    fn literal(&mut self, word: &[u8]) -> Option<()> {
        let found = self.bytes.get(self.at..)?.starts_with(word);
        self.at += word.len();
        found.then_some(())
    }

    /// A value that nobody asked for: a string, an unsigned integer or a literal.
    #[inline]
    pub(crate) fn skip(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.span().map(drop),
            b't' | b'f' => self.flag().map(drop),
            b'n' => self.literal(b"null"),
            _ => self.unsigned().map(drop),
        }
    }

    /// Levels: an array, perhaps empty, of arrays of `QUOTES / 2` strings each (2 or 4), of which the
    /// first two are price and quantity. They come with their own decimals.
    #[inline]
    pub(crate) fn levels<const QUOTES: usize>(&mut self, out: &mut Vec<Level>) -> Option<()> {
        out.clear();
        match simd::levels::<QUOTES>(self, out) {
            Some(read) => read,
            None => self.levels_with::<QUOTES>(out, decimal),
        }
    }

    /// As [`Self::levels`], with this reader of decimals.
    #[inline(always)]
    pub(crate) fn levels_with<const QUOTES: usize>(
        &mut self,
        out: &mut Vec<Level>,
        decimal: impl Fn(&[u8], usize, usize) -> Option<(i64, u8)>,
    ) -> Option<()> {
        self.eat(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            let marks: &[u32; QUOTES] = self.marks.get(self.mark..)?.first_chunk()?;
            let close = self.shape(marks)?;
            let (px, px_shown) = decimal(self.bytes, marks[0] as usize + 1, marks[1] as usize)?;
            let (qty, qty_shown) = decimal(self.bytes, marks[2] as usize + 1, marks[3] as usize)?;
            if out.len() == BOOK_LEVELS_MAX {
                return None;
            }
            out.push(Level { px, qty, px_shown, qty_shown });
            self.mark += QUOTES;
            self.at = close + 1;
            if !self.more(b']')? {
                return Some(());
            }
        }
    }

    /// Whether a level's strings stand as `["...","..."]` from here on: where it closes.
    #[inline(always)]
    fn shape<const QUOTES: usize>(&self, marks: &[u32; QUOTES]) -> Option<usize> {
        let close = marks[QUOTES - 1] as usize + 1;
        let mut right = marks[0] as usize == self.at + 1;
        right &= self.bytes.get(self.at) == Some(&b'[') && self.bytes.get(close) == Some(&b']');
        for comma in (1..QUOTES - 1).step_by(2) {
            let after = marks[comma] as usize + 1;
            right &= marks[comma + 1] as usize == after + 1 && self.bytes.get(after) == Some(&b',');
        }
        right.then_some(close)
    }
}
