//! How often a member may ask for one thing in a span of time, over every transport together.

use std::collections::BTreeMap;

use crate::window::Window;

/// What is asked for: by whom, what, about which listing where each has a limit of its own.
type Key = (usize, &'static str, Option<usize>);

/// The requests of the members.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    used: BTreeMap<Key, Window>,
    /// Times as much is borne; 0 counts as 1.
    patience: u32,
}

impl Limits {
    /// Limits that bear so many times as much.
    pub(crate) fn patient(times: u32) -> Self {
        Self { patience: times, ..Self::default() }
    }

    /// Counts `times` requests of at most `limit` in `span_ns`: whether all are allowed, and how many are left.
    pub(crate) fn allow(&mut self, key: Key, times: usize, (limit, span_ns): (u32, u64), now_ns: u64) -> (bool, u32) {
        let limit = limit.saturating_mul(self.patience.max(1));
        let window = self.used.entry(key).or_insert_with(|| Window::new(limit, span_ns));
        let allowed = (0..times).all(|_| window.allow(now_ns));
        (allowed, limit.saturating_sub(window.len() as u32) / self.patience.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_and_thing_has_a_window_of_its_own() {
        let (mut limits, rule) = (Limits::default(), (3, 10));
        assert_eq!(limits.allow((0, "order", Some(1)), 2, rule, 100), (true, 1));
        assert_eq!(limits.allow((0, "order", Some(2)), 1, rule, 100), (true, 2));
        assert_eq!(limits.allow((1, "order", Some(1)), 1, rule, 100), (true, 2));
        assert_eq!(limits.allow((0, "order", Some(1)), 2, rule, 101), (false, 0));
        assert_eq!(limits.allow((0, "order", Some(1)), 1, rule, 111), (true, 2));
    }
}
