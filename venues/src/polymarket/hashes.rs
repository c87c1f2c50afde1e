//! Order hashes and our ids: the venue has no client order ids, an order is known by its EIP-712 hash.
//!
//! The hash is computed and noted before an order's bytes leave, so every answer, event and query can be
//! attributed. The table is shared by all lines of an account: the order lines write, the private line
//! reads, from whatever threads they are on, without a lock. Old rows are written over in turn; after a
//! restart rows are computed anew from the orders that were kept (`Wallet::recall`).

use super::eip712::Word;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

/// Orders remembered: thirty-two times as many as may be open at once, since trades settle late.
const KEPT: usize = 4096;

/// A row is free while its id is 0, and unreadable while it is being written.
#[derive(Debug, Default)]
struct Row {
    id: AtomicU64,
    words: [AtomicU64; 4],
}

/// The table.
#[derive(Debug)]
pub(super) struct Hashes {
    rows: Box<[Row]>,
    next: AtomicUsize,
}

impl Hashes {
    pub(super) fn new() -> Self {
        Self { rows: (0..KEPT).map(|_| Row::default()).collect(), next: AtomicUsize::new(0) }
    }

    /// Notes an order; does nothing when it is noted already.
    pub(super) fn note(&self, id: u64, hash: &Word) {
        if self.id_of(hash) == Some(id) {
            return;
        }
        let row = &self.rows[self.next.fetch_add(1, SeqCst) % KEPT];
        row.id.store(0, SeqCst);
        row.words.iter().zip(words(hash)).for_each(|(word, value)| word.store(value, SeqCst));
        row.id.store(id, SeqCst);
    }

    /// Our id of an order.
    pub(super) fn id_of(&self, hash: &Word) -> Option<u64> {
        let wanted = words(hash);
        self.newest_first().find_map(|row| row.read().filter(|(_, found)| *found == wanted)).map(|(id, _)| id)
    }

    /// The hash of our order.
    pub(super) fn hash_of(&self, id: u64) -> Option<Word> {
        let found = self.newest_first().find_map(|row| row.read().filter(|(of, _)| *of == id))?;
        let mut hash = [0; 32];
        for (bytes, word) in hash.chunks_exact_mut(8).zip(found.1) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        Some(hash)
    }

    fn newest_first(&self) -> impl Iterator<Item = &Row> {
        let next = self.next.load(SeqCst);
        (1..=KEPT.min(next)).map(move |back| &self.rows[(next - back) % KEPT])
    }
}

impl Row {
    /// Id and hash, unless the row is free or changed meanwhile.
    fn read(&self) -> Option<(u64, [u64; 4])> {
        let id = self.id.load(SeqCst);
        if id == 0 {
            return None;
        }
        let found = self.words.each_ref().map(|word| word.load(SeqCst));
        (self.id.load(SeqCst) == id).then_some((id, found))
    }
}

fn words(hash: &Word) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(hash.as_chunks::<8>().0) {
        *word = u64::from_be_bytes(*bytes);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::polymarket::eip712::keccak;

    #[test]
    fn the_last_orders_are_found_both_ways_and_the_oldest_is_written_over() {
        let hashes = Hashes::new();
        let hash = |id: u64| keccak(&id.to_be_bytes());
        for id in 1..=KEPT as u64 + 1 {
            hashes.note(id, &hash(id));
            hashes.note(id, &hash(id));
        }
        assert_eq!((hashes.id_of(&hash(1)), hashes.hash_of(1)), (None, None));
        for id in [2, 77, KEPT as u64 + 1] {
            assert_eq!((hashes.id_of(&hash(id)), hashes.hash_of(id)), (Some(id), Some(hash(id))));
        }
        assert_eq!(hashes.hash_of(0), None);
    }
}
