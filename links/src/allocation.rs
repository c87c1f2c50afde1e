//! What each thread takes from the heap, counted: the program's allocator counts here, and a pinned thread publishes
//! its own count, so that "none on the wire" is seen and not believed.

use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
}

/// This thread takes so many bytes; for the global allocator.
#[inline]
pub fn take(bytes: usize) {
    COUNT.set(COUNT.get().wrapping_add(1));
    HELD.set(HELD.get().wrapping_add(bytes.cast_signed() as i64));
}

/// This thread gives so many bytes back; for the global allocator.
#[inline]
pub fn give_back(bytes: usize) {
    HELD.set(HELD.get().wrapping_sub(bytes.cast_signed() as i64));
}

/// Times that this thread took memory; 0 unless the program's allocator counts.
pub fn here() -> u64 {
    COUNT.get()
}

/// Bytes that this thread took and has not given back: what it holds, as long as no other thread gives back what it
/// took. 0 unless the program's allocator counts.
pub fn held_bytes() -> i64 {
    HELD.get()
}
