//! A venue's health as one figure, from what is wrong with it and what was wrong within the last minute. Each sign has a
//! cause of its own that answers to it; together they say what none says alone: a venue that is half there and keeps
//! falling is not to be traded at.
//!
//! ```text
//! missing = half of the share of books that are not live      at most 500 thousandths
//!         + 60 for each line that fell within a minute        at most 400
//!         + 150 while questions fail, 300 while orders do     (what its breakers say)
//! ```

use highwire_links::Nanos;
use std::collections::VecDeque;

/// How long a fall is remembered.
const MEMORY_NS: Nanos = 60_000_000_000;
/// What a fall costs, thousandths of full health.
const FALL: i64 = 60;
/// What all falls together cost at most: alone they never halt a venue.
const FALLS_MAX: i64 = 400;
/// What each step of the breakers costs.
const BREAKER: i64 = 150;

/// One venue's.
#[derive(Clone, Debug, Default)]
pub struct Health {
    falls: VecDeque<Nanos>,
    books_missing: i64,
    breaker: i64,
}

impl Health {
    /// A line of the venue fell.
    pub fn on_fall(&mut self, now: Nanos) {
        self.falls.push_back(now);
        // More than count need not be remembered.
        if self.falls.len() as i64 > FALLS_MAX / FALL + 1 {
            self.falls.pop_front();
        }
    }

    /// Share of its books that are not live, thousandths.
    pub fn on_books(&mut self, missing: i64) {
        self.books_missing = missing.clamp(0, 1_000);
    }

    /// What its breakers say: 0 closed, 1 tried again or no answers to questions, 2 no answers to orders.
    pub fn on_breaker(&mut self, value: i64) {
        self.breaker = value.clamp(0, 2);
    }

    /// Thousandths that are missing to full health, 0 to 1000.
    pub fn missing(&mut self, now: Nanos) -> i64 {
        while self.falls.front().is_some_and(|&at| now.saturating_sub(at) > MEMORY_NS) {
            self.falls.pop_front();
        }
        let falls = (self.falls.len() as i64 * FALL).min(FALLS_MAX);
        (self.books_missing / 2 + falls + self.breaker * BREAKER).min(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Nanos = 1_000_000_000;

    #[test]
    fn no_sign_alone_is_half_of_health_and_two_bad_ones_are() {
        let of = |falls: u64, books: i64, breaker: i64| {
            let mut health = Health::default();
            (0..falls).for_each(|at| health.on_fall(at * S));
            health.on_books(books);
            health.on_breaker(breaker);
            health.missing(falls * S)
        };
        assert_eq!(of(0, 0, 0), 0);
        assert!([of(50, 0, 0), of(0, 1_000, 0), of(0, 0, 2)].iter().all(|&missing| missing <= 500));
        assert!([of(5, 500, 0), of(5, 0, 2), of(0, 500, 2), of(50, 1_000, 2)].iter().all(|&missing| missing > 500));
    }

    #[test]
    fn falls_are_forgotten_after_a_minute() {
        let mut health = Health::default();
        (0..5).for_each(|at| health.on_fall(at * S));
        assert_eq!(health.missing(60 * S), 300);
        assert_eq!(health.missing(62 * S), 180);
        assert_eq!(health.missing(100 * S), 0);
    }
}
