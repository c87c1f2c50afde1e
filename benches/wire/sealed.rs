//! The sealed allocator: the program's own, which counts this thread's allocations, so that "none on the wire" is a
//! fact; and the kernel's count of this thread's voluntary context switches, which every futex wait would raise.

pub use highwire::allocator::Counting as Sealed;
pub use highwire_links::allocation::here as allocations;

/// Times that this thread gave up the processor by itself (waits, sleeps, futex calls).
pub fn voluntary_switches() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}
