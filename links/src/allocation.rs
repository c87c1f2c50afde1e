//! What each thread takes from the heap, counted: the program's allocator counts here, and a pinned thread publishes
//! its own count, so that "none on the wire" is seen and not believed.

use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// This thread takes memory; for the global allocator.
#[inline]
pub fn count() {
    COUNT.set(COUNT.get().wrapping_add(1));
}

/// Times that this thread took memory; 0 unless the program's allocator counts.
pub fn here() -> u64 {
    COUNT.get()
}
