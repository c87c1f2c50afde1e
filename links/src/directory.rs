//! A venue's symbols → instruments: built once by the cold side, looked up per frame without allocation.

use crate::fixed::Scale;
use crate::ids::InstrumentId;

/// What a decoder needs of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The instrument.
    pub id: InstrumentId,
    /// Decimals of its prices and quantities.
    pub scale: Scale,
}

/// Symbols of one venue. Open addressing, power-of-two slots, at most half full.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    slots: Vec<Option<Slot>>,
    len: usize,
}

#[derive(Clone, Debug)]
struct Slot {
    key: Key,
    symbol: Box<[u8]>,
    entry: Entry,
}

impl Directory {
    /// A directory of these symbols (exact bytes as the venue writes them). A later duplicate wins.
    pub fn new<'a>(symbols: impl IntoIterator<Item = (&'a str, Entry)>) -> Self {
        let listed: Vec<_> = symbols.into_iter().collect();
        let mut directory = Self { slots: vec![None; (listed.len().max(1) * 2).next_power_of_two()], len: 0 };
        for (symbol, entry) in listed {
            directory.insert(symbol.as_bytes(), entry);
        }
        directory
    }

    fn insert(&mut self, symbol: &[u8], entry: Entry) {
        let key = Key::of(symbol);
        let at = self.place(key, symbol);
        self.len += usize::from(self.slots[at].is_none());
        self.slots[at] = Some(Slot { key, symbol: symbol.into(), entry });
    }

    /// The entry of `symbol`, if it is listed.
    pub fn find(&self, symbol: &[u8]) -> Option<Entry> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots[self.place(Key::of(symbol), symbol)].as_ref().map(|slot| slot.entry)
    }

    /// The only entry, when the venue's frames name no symbol because there is just one.
    pub fn only(&self) -> Option<Entry> {
        if self.len != 1 {
            return None;
        }
        self.slots.iter().flatten().next().map(|slot| slot.entry)
    }

    /// Symbols listed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is listed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The place that holds `symbol`, or the free one where it belongs.
    fn place(&self, key: Key, symbol: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = key.hash() & mask;
        while self.slots[at].as_ref().is_some_and(|slot| !slot.is(key, symbol)) {
            at = (at + 1) & mask;
        }
        at
    }
}

impl Slot {
    /// A key tells symbols of up to 16 bytes apart by itself.
    fn is(&self, key: Key, symbol: &[u8]) -> bool {
        self.key == key && (key.len <= Key::WHOLE || *self.symbol == *symbol)
    }
}

/// The first and the last bytes of a symbol and its length, read with whole loads: symbols are short,
/// and a copy of variable length would cost more than the look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    len: usize,
}

impl Key {
    /// Longest symbol of which a key holds every byte.
    const WHOLE: usize = 16;

    fn of(symbol: &[u8]) -> Self {
        let len = symbol.len();
        let (first, last) = match (symbol.first_chunk::<8>(), symbol.last_chunk::<8>()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => short(symbol),
        };
        Self { first, last, len }
    }

    fn hash(self) -> usize {
        let mixed = (self.first ^ self.last.rotate_left(32) ^ self.len as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as usize
    }
}

/// Up to seven bytes.
fn short(symbol: &[u8]) -> (u64, u64) {
    match (symbol.first_chunk::<4>(), symbol.last_chunk::<4>()) {
        (Some(first), Some(last)) => (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()),
        _ => (symbol.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u16) -> Entry {
        Entry { id: InstrumentId(id), scale: Scale::new(2, 8).unwrap() }
    }

    #[test]
    fn finds_what_is_listed_and_nothing_else() {
        let symbols: Vec<String> = (0..500).map(|i| format!("COIN{i}USDT")).collect();
        let directory = Directory::new(symbols.iter().zip(0u16..).map(|(s, i)| (s.as_str(), entry(i))));
        assert_eq!(directory.len(), 500);
        for (symbol, id) in symbols.iter().zip(0u16..) {
            assert_eq!(directory.find(symbol.as_bytes()), Some(entry(id)));
        }
        assert_eq!(directory.find(b"COIN5USD"), None);
        assert_eq!(directory.find(b"COIN499USDT "), None);
        assert_eq!(directory.find(b""), None);
        assert_eq!(Directory::default().find(b"BTCUSDT"), None);
    }

    #[test]
    fn symbols_of_every_length_are_told_apart_to_the_last_byte() {
        let whole = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        let symbols: Vec<&str> = (1..=whole.len()).map(|len| &whole[..len]).collect();
        let directory = Directory::new(symbols.iter().zip(0u16..).map(|(s, i)| (*s, entry(i))));
        for (symbol, id) in symbols.iter().zip(0u16..) {
            assert_eq!(directory.find(symbol.as_bytes()), Some(entry(id)));
            for at in 0..symbol.len() {
                let mut other = symbol.as_bytes().to_vec();
                other[at] = b'_';
                assert_eq!(directory.find(&other), None, "{symbol} with byte {at} changed");
            }
        }
    }

    #[test]
    fn knows_when_there_is_only_one() {
        let one = Directory::new([("BTCUSDT", entry(7))]);
        assert_eq!(one.only(), Some(entry(7)));
        assert_eq!(Directory::new([("A", entry(1)), ("B", entry(2))]).only(), None);
    }
}
