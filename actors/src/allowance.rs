//! What a venue lets our address ask beside the wire, shared by everything that asks it: its rate budget, of which what
//! matters less leaves the last part to what matters more, and for how long it wants to be left alone. One that does
//! not answer is spared what can wait, by a breaker; what hedges, withdraws and keeps books and clock goes on asking.

use highwire_links::Nanos;
use highwire_links::breaker::{Breaker, Moved, Outcome, Settings, Stand};
use highwire_links::rate::{Cost, Priority, RateBudget, RateNotice, Scope};
use highwire_venues::http::{Headers, retry_after};
use highwire_venues::venue::Venue;
use highwire_venues::{private, rest};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Wait after a refusal that names none, and that the venue's documents do not name.
const WAIT_NS: Nanos = 60_000_000_000;
/// Refusals for asking too much; 403 is how firewalls before a venue, and Bybit itself, say it.
const REFUSALS: [u16; 3] = [403, 418, 429];

/// Refusals of our key in a row after which nothing that is signed is asked any more: who goes on is locked out.
const KEY_REFUSALS_MAX: u32 = 2;

/// A time for which a venue wants to be left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// How much of it is left.
    pub left: Duration,
    /// It is a ban: whoever does not keep it is banned for longer.
    pub is_ban: bool,
}

/// Whether a request can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It is asked for even while the breaker is tripped.
    Now,
    /// It waits until the venue answers again.
    Later,
}

/// What a venue allows: the budget and the waits are its address's, the breaker its own.
#[derive(Clone, Debug)]
pub struct Allowance {
    held: Arc<Mutex<Held>>,
    breaker: Arc<Mutex<Breaker>>,
    /// Refusals of our key in a row.
    key: Arc<AtomicU32>,
    /// Where the time of both begins.
    born: Instant,
}

#[derive(Debug)]
struct Held {
    venue: Venue,
    budget: RateBudget,
    is_ban: bool,
}

impl Held {
    fn leave_alone(&mut self, wait_ns: Nanos, is_ban: bool, now: Nanos) {
        let was_resting = self.budget.banned_until_ns() > now;
        self.is_ban = is_ban || (was_resting && self.is_ban);
        self.budget.on_notice(RateNotice::Banned { wait_ns }, now);
    }
}

impl Allowance {
    /// Nothing was asked yet.
    pub fn new(venue: Venue, settings: Settings) -> Self {
        let held = Held { venue, budget: RateBudget::new(&rest::address_rules(venue)), is_ban: false };
        let breaker = Arc::new(Mutex::new(Breaker::new(settings)));
        Self { held: Arc::new(Mutex::new(held)), breaker, key: Arc::default(), born: Instant::now() }
    }

    /// The same with the usual breaker.
    pub fn of(venue: Venue) -> Self {
        Self::new(venue, Settings::default())
    }

    /// Another venue at the same address.
    #[must_use]
    pub fn beside(&self, settings: Settings) -> Self {
        Self { breaker: Arc::new(Mutex::new(Breaker::new(settings))), key: Arc::default(), ..self.clone() }
    }

    /// Whether the venue took our key. One that was refused for good stays so until there is another.
    pub fn on_key(&self, is_taken: bool) {
        if !is_taken {
            self.key.fetch_add(1, Ordering::Relaxed);
        } else if !self.is_key_refused() {
            self.key.store(0, Ordering::Relaxed);
        }
    }

    /// There is another key now: what was said of the one before does not count.
    pub fn take_another_key(&self) {
        self.key.store(0, Ordering::Relaxed);
    }

    /// Whether our key was refused too often to be shown again.
    pub fn is_key_refused(&self) -> bool {
        self.key.load(Ordering::Relaxed) >= KEY_REFUSALS_MAX && !cfg!(mutant = "key-refused")
    }

    /// Where its breaker for questions stands, and how often it tripped.
    pub fn stand(&self) -> (Stand, u64) {
        let (mut breaker, now) = (lock(&self.breaker), self.now());
        let _told_by_its_stand = breaker.on_time(now);
        (breaker.stand(), breaker.trips())
    }

    /// When it is asked; `None` when it is not, since it does not answer.
    pub fn ask(&self, need: Need) -> Option<Nanos> {
        let (mut breaker, now) = (lock(&self.breaker), self.now());
        let _told_by_its_stand = breaker.on_time(now);
        (need == Need::Now || breaker.ask(now)).then_some(now)
    }

    /// What came of asking then.
    pub fn on_outcome(&self, outcome: Outcome, asked_ns: Nanos) -> Option<Moved> {
        lock(&self.breaker).on_outcome(outcome, asked_ns, self.now())
    }

    fn now(&self) -> Nanos {
        nanos(self.born.elapsed())
    }

    /// Takes what a request costs.
    ///
    /// # Errors
    /// After how long to ask again; nothing is taken.
    pub fn take(&self, priority: Priority, cost: &Cost) -> Result<(), Duration> {
        let (mut held, now) = (lock(&self.held), self.now());
        held.budget.ask(now, priority, cost).map_err(|at_ns| Duration::from_nanos(at_ns.saturating_sub(now)))
    }

    /// Heeds what an answer's status and headers say; the wait, if it was a refusal for asking too much.
    pub fn heed(&self, status: u16, headers: Headers<'_>) -> Option<Duration> {
        let (mut held, now) = (lock(&self.held), self.now());
        let wall_ns = nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        let mut wait_ns = None;
        for notice in private::notices(held.venue, status, headers, wall_ns) {
            match notice {
                RateNotice::Wait { wait_ns: told, .. } | RateNotice::Banned { wait_ns: told } => {
                    wait_ns = wait_ns.max(Some(told));
                }
                // Of orders the wire keeps count.
                RateNotice::Used { scope: Scope::Weight, .. } | RateNotice::Limit(_) => {
                    held.budget.on_notice(notice, now);
                }
                RateNotice::Used { .. } => {}
            }
        }
        let refused = REFUSALS.contains(&status);
        let wait_ns = wait_ns.or_else(|| refused.then(|| retry_after(headers("retry-after"), wall_ns, WAIT_NS)))?;
        held.leave_alone(wait_ns, status == 418, now);
        Some(Duration::from_nanos(wait_ns))
    }

    /// The venue said elsewhere that it wants to be left alone.
    pub fn leave_alone(&self, wait_ns: Nanos, is_ban: bool) {
        lock(&self.held).leave_alone(wait_ns, is_ban, self.now());
    }

    /// Whether it wants to be left alone.
    pub fn rest(&self) -> Option<Rest> {
        let held = lock(&self.held);
        let left_ns = held.budget.banned_until_ns().saturating_sub(self.now());
        (left_ns > 0).then_some(Rest { left: Duration::from_nanos(left_ns), is_ban: held.is_ban })
    }
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

fn nanos(time: Duration) -> Nanos {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(units: u32) -> Cost {
        Cost::default().with(Scope::Weight, units)
    }

    #[test]
    fn the_last_of_it_is_for_what_matters_and_what_the_venue_counts_is_believed() {
        let allowance = Allowance::of(Venue::BinanceSpot);
        assert_eq!(allowance.heed(200, &|name| (name == "x-mbx-used-weight-1m").then_some("4501")), None);
        assert!(allowance.take(Priority::Open, &weight(1)).is_err());
        assert_eq!(allowance.take(Priority::Reconcile, &weight(590)), Ok(()));
        assert!(allowance.take(Priority::Reconcile, &weight(20)).is_err());
        assert_eq!(allowance.take(Priority::Cancel, &weight(20)), Ok(()));
    }

    #[test]
    fn a_key_that_is_refused_twice_in_a_row_is_shown_no_more() {
        let spot = Allowance::of(Venue::BybitSpot);
        let linear = spot.beside(Settings::default());
        [false, true, false].into_iter().for_each(|is_taken| spot.on_key(is_taken));
        assert!(!spot.is_key_refused());
        [false, true].into_iter().for_each(|is_taken| spot.on_key(is_taken));
        assert!(spot.is_key_refused() && !linear.is_key_refused(), "and no late answer takes that back");
    }

    #[test]
    fn a_refusal_is_kept_by_all_markets_of_the_address_and_a_ban_stays_one() {
        let spot = Allowance::of(Venue::BybitSpot);
        let linear = spot.beside(Settings::default());
        assert_eq!(spot.heed(429, &|name| (name == "retry-after").then_some("7")), Some(Duration::from_secs(7)));
        assert!(linear.take(Priority::Cancel, &weight(1)).is_err_and(|wait| wait > Duration::from_secs(6)));
        assert_eq!(linear.heed(418, &|_| None), Some(Duration::from_secs(600)));
        spot.leave_alone(1_000, false);
        let rest = spot.rest().unwrap();
        assert!(rest.is_ban && rest.left > Duration::from_secs(590), "{rest:?}");
        assert_eq!(Allowance::of(Venue::Polymarket).heed(403, &|_| None), Some(Duration::from_secs(60)));
    }
}
