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
    slots: Vec<Option<(Box<[u8]>, Entry)>>,
    len: usize,
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
        let slot = self.slot(symbol);
        self.len += usize::from(self.slots[slot].is_none());
        self.slots[slot] = Some((symbol.into(), entry));
    }

    /// The entry of `symbol`, if it is listed.
    pub fn find(&self, symbol: &[u8]) -> Option<Entry> {
        if self.slots.is_empty() {
            return None;
        }
        self.slots[self.slot(symbol)].as_ref().map(|(_, entry)| *entry)
    }

    /// The only entry, when the venue's frames name no symbol because there is just one.
    pub fn only(&self) -> Option<Entry> {
        if self.len != 1 {
            return None;
        }
        self.slots.iter().flatten().next().map(|(_, entry)| *entry)
    }

    /// Symbols listed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none is listed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The slot that holds `symbol`, or the free one where it belongs.
    fn slot(&self, symbol: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = hash(symbol) & mask;
        while self.slots[at].as_ref().is_some_and(|(held, _)| **held != *symbol) {
            at = (at + 1) & mask;
        }
        at
    }
}

/// FNV-1a over 8-byte words: symbols are short, so one or two steps.
fn hash(symbol: &[u8]) -> usize {
    let mut state = 0xcbf2_9ce4_8422_2325u64 ^ symbol.len() as u64;
    for chunk in symbol.chunks(8) {
        let mut word = [0u8; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = (state ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    (state >> 32) as usize
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
        assert_eq!(directory.find(b""), None);
        assert_eq!(Directory::default().find(b"BTCUSDT"), None);
    }

    #[test]
    fn knows_when_there_is_only_one() {
        let one = Directory::new([("BTCUSDT", entry(7))]);
        assert_eq!(one.only(), Some(entry(7)));
        assert_eq!(Directory::new([("A", entry(1)), ("B", entry(2))]).only(), None);
    }
}
