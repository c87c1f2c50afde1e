//! A latest-value cell for one writer and any number of readers: no lock, no allocation, no tearing.
//!
//! The value is `W` words. The writer makes the sequence odd, stores the words, makes it even; a
//! reader that saw an odd or a changed sequence reads again. All words are atomics, so there is no
//! data race even while a read is torn and thrown away. Orderings follow Boehm, "Can seqlocks get
//! along with programming language memory models?" (MSPC 2012); `tests/loom.rs` model-checks them.

use crate::sync::{Arc, AtomicU64, Ordering, fence};

#[derive(Debug)]
struct Cell<const W: usize> {
    sequence: AtomicU64,
    words: [AtomicU64; W],
}

/// The only writer of a cell. Not clonable: one thread writes.
#[derive(Debug)]
pub struct Writer<const W: usize>(Arc<Cell<W>>);

/// A reader of a cell.
#[derive(Clone, Debug)]
pub struct Reader<const W: usize>(Arc<Cell<W>>);

/// A new cell of zeros.
pub fn cell<const W: usize>() -> (Writer<W>, Reader<W>) {
    let cell = Arc::new(Cell { sequence: AtomicU64::new(0), words: std::array::from_fn(|_| AtomicU64::new(0)) });
    (Writer(Arc::clone(&cell)), Reader(cell))
}

impl<const W: usize> Writer<W> {
    /// Publishes `value`. Wait-free. Also mends a cell whose last write was cut short by a panic.
    pub fn publish(&mut self, value: &[u64; W]) {
        let cell = &*self.0;
        let odd = cell.sequence.load(Ordering::Relaxed) | 1;
        cell.sequence.store(odd, Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, new) in cell.words.iter().zip(value) {
            word.store(*new, Ordering::Relaxed);
        }
        cell.sequence.store(odd.wrapping_add(1), Ordering::Release);
    }

    /// A further reader of this cell.
    pub fn reader(&self) -> Reader<W> {
        Reader(Arc::clone(&self.0))
    }
}

impl<const W: usize> Reader<W> {
    /// The value if no write was under way, else `None`: ask again.
    pub fn try_read(&self) -> Option<[u64; W]> {
        let cell = &*self.0;
        let before = cell.sequence.load(Ordering::Acquire);
        if before & 1 == 1 {
            return None;
        }
        let value = std::array::from_fn(|i| cell.words[i].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        (cell.sequence.load(Ordering::Relaxed) == before).then_some(value)
    }

    /// The value, reading again while a write is under way, `tries` times at most.
    pub fn read(&self, tries: u32) -> Option<[u64; W]> {
        (0..tries).find_map(|_| {
            let value = self.try_read();
            if value.is_none() {
                std::hint::spin_loop();
            }
            value
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_published() {
        let (mut writer, reader) = cell::<3>();
        assert_eq!(reader.try_read(), Some([0, 0, 0]));
        writer.publish(&[1, 2, 3]);
        assert_eq!(reader.read(1), Some([1, 2, 3]));
    }

    #[test]
    fn a_write_cut_short_hides_the_value_and_the_next_write_mends_it() {
        let (mut writer, reader) = cell::<2>();
        writer.publish(&[1, 2]);
        writer.0.sequence.fetch_add(1, Ordering::Relaxed);
        writer.0.words[0].store(9, Ordering::Relaxed);
        assert_eq!(reader.read(3), None);
        writer.publish(&[3, 4]);
        assert_eq!(reader.try_read(), Some([3, 4]));
    }

    /// Fault: P12
    #[test]
    fn a_sequence_at_its_end_begins_anew_and_nothing_is_torn_or_hidden() {
        let (mut writer, reader) = cell::<2>();
        writer.0.sequence.store(u64::MAX - 5, Ordering::Relaxed);
        for i in 1..=8 {
            writer.publish(&[i, !i]);
            assert_eq!(reader.try_read(), Some([i, !i]), "after {i} writes");
        }
        assert_eq!(writer.0.sequence.load(Ordering::Relaxed), 10, "it did begin anew");
    }

    #[test]
    fn never_tears_under_a_flat_out_writer() {
        let (mut writer, reader) = cell::<4>();
        let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut i = 0u64;
            while !flag.load(Ordering::Relaxed) {
                i += 1;
                writer.publish(&[i, !i, i ^ 0x55, i.wrapping_mul(3)]);
            }
        });
        for _ in 0..200_000 {
            let Some([a, b, c, d]) = reader.read(1000) else { continue };
            assert!((a, b, c, d) == (0, 0, 0, 0) || (b, c, d) == (!a, a ^ 0x55, a.wrapping_mul(3)));
        }
        stop.store(true, Ordering::Relaxed);
        thread.join().unwrap();
    }
}
