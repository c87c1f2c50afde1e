//! A sliding window that allows a number of events per span of time: the venues' rate rules.

use std::collections::VecDeque;

/// At most `limit` events in any `span_ns`.
#[derive(Debug)]
pub(crate) struct Window {
    limit: usize,
    span_ns: u64,
    events: VecDeque<u64>,
}

impl Window {
    pub(crate) fn new(limit: u32, span_ns: u64) -> Self {
        Self { limit: limit as usize, span_ns, events: VecDeque::new() }
    }

    /// Events in the window, as of the last one counted.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Counts an event at `now_ns`; `false` (and not counted) when the window is full.
    pub(crate) fn allow(&mut self, now_ns: u64) -> bool {
        let since = now_ns.saturating_sub(self.span_ns);
        while self.events.front().is_some_and(|&at| at <= since) {
            self.events.pop_front();
        }
        let room = self.events.len() < self.limit;
        if room {
            self.events.push_back(now_ns);
        }
        room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_window_refuses_until_the_oldest_event_leaves_it() {
        let mut window = Window::new(2, 10);
        assert!(window.allow(100) && window.allow(105));
        assert!(!window.allow(109));
        assert!(window.allow(110));
        assert!(!window.allow(114));
        assert!(window.allow(115));
    }
}
