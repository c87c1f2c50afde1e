//! Whether a venue's private line still tells what its order line proves. A trade that an answer told must be
//! heard of on the private line as well; when it is not, the line is mute, however many bytes it carries.

use highwire_links::Nanos;

/// So long may the private line take.
const ECHO_NS: Nanos = 2_000_000_000;

/// One venue's echo.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Echo {
    /// When the private line must have spoken; 0 while nothing is awaited.
    due_ns: Nanos,
    /// When it last spoke of an order.
    heard_ns: Nanos,
}

impl Echo {
    /// The private line told something of an order.
    pub fn on_news(&mut self, now: Nanos) {
        *self = Self { due_ns: 0, heard_ns: now };
    }

    /// An answer proved a trade of an order that was sent at `sent_ns`.
    pub fn on_trade(&mut self, sent_ns: Nanos, now: Nanos) {
        if self.heard_ns < sent_ns && self.due_ns == 0 {
            self.due_ns = now.saturating_add(ECHO_NS).max(1);
        }
    }

    /// Whether the line is mute: said once, and again after the next trade that it does not tell.
    pub fn is_mute(&mut self, now: Nanos) -> bool {
        let is_mute = self.due_ns != 0 && now >= self.due_ns && !cfg!(mutant = "mute-line");
        if is_mute {
            self.due_ns = 0;
        }
        is_mute
    }

    /// The line is gone; what it owes is asked for by whoever brings the next.
    pub fn on_line_gone(&mut self) {
        self.due_ns = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trade_without_news_in_time_is_told_once() {
        let mut echo = Echo::default();
        echo.on_trade(1, 10);
        assert!(!echo.is_mute(9 + ECHO_NS));
        assert!(echo.is_mute(10 + ECHO_NS) && !echo.is_mute(20 + ECHO_NS));
    }

    #[test]
    fn news_before_the_answer_and_after_it_count() {
        let mut echo = Echo::default();
        echo.on_news(5);
        echo.on_trade(4, 10);
        assert!(!echo.is_mute(Nanos::MAX), "it was told before the answer came");
        echo.on_trade(6, 10);
        echo.on_news(11);
        assert!(!echo.is_mute(Nanos::MAX));
    }
}
