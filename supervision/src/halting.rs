//! The kill path: how a service that trades comes to rest, whoever asked for it.
//!
//! ```text
//! begin ──stop word──▶ Settling ──no trade under way, or too late──▶ Flattening (if asked)
//!                                                                         │ flat, or too late
//!                      Done ◀──checked at the venues, or too late── Cancelling
//! ```
//!
//! Nothing that opens leaves from the first step on. While it settles, trades under way may end their own way:
//! halted between two legs they would stay naked. Then orders are cancelled again and again until none is
//! open by our count and by the venues', or its time is over; what is left is said.

use highwire_links::Nanos;
use highwire_links::cnc::StopWord;

/// Between two rounds of cancelling, and of asking how things stand.
const AGAIN_NS: Nanos = 500_000_000;

/// How much patience there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// For trades under way to end their own way; 0: they are cut.
    pub settle_ns: Nanos,
    /// For closing what is exposed; 0: it is left as it is.
    pub flatten_ns: Nanos,
    /// For orders to be gone.
    pub cancel_ns: Nanos,
}

/// How things stand, by the engine's count and the venues'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stand {
    /// Orders whose end is not known.
    pub orders: u32,
    /// Trades under way.
    pub trades: u32,
    /// Pairs with an exposure that no trade is closing.
    pub exposed: u32,
    /// Orders of ours that venues say are open; `None` while that is not known.
    pub at_venues: Option<u32>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Raise the stop word.
    Stop(StopWord),
    /// Everything below only hedges.
    HedgeOnly,
    /// Nothing but cancels.
    Halt,
    /// Ask for the stand.
    Ask,
    /// Close what is exposed.
    Flatten,
    /// Withdraw every order, by every path.
    CancelAll,
    /// Count the open orders at the venues.
    CountAtVenues,
}

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Settling { until_ns: Nanos },
    Flattening { until_ns: Nanos },
    Cancelling { until_ns: Nanos },
    Done,
}

/// A halt under way.
#[derive(Clone, Debug)]
pub struct Halting {
    plan: Plan,
    phase: Phase,
    stand: Option<Stand>,
    again_ns: Nanos,
}

impl Halting {
    /// Begins; the first steps to take come with it.
    pub fn begin(plan: Plan, now: Nanos) -> (Self, Vec<Step>) {
        let mut halting = Self { plan, phase: Phase::Done, stand: None, again_ns: now.saturating_add(AGAIN_NS) };
        let steps = if plan.settle_ns > 0 {
            halting.phase = Phase::Settling { until_ns: now.saturating_add(plan.settle_ns) };
            vec![Step::Stop(StopWord::NoOpening), Step::HedgeOnly, Step::Ask]
        } else {
            let mut steps = vec![Step::Stop(StopWord::NoOpening)];
            steps.extend(halting.after_settling(now));
            steps
        };
        (halting, steps)
    }

    /// How things stand. The stand is of now: whoever calls drops answers from before the last step.
    pub fn on_stand(&mut self, stand: Stand, now: Nanos) -> Vec<Step> {
        self.stand = Some(stand);
        match self.phase {
            Phase::Settling { .. } if stand.trades == 0 && stand.orders == 0 => self.after_settling(now),
            Phase::Flattening { .. } if stand.trades == 0 && stand.exposed == 0 => self.cancel(now),
            Phase::Cancelling { .. } if stand.orders == 0 => match stand.at_venues {
                Some(0) => self.finish(),
                _ => vec![],
            },
            _ => vec![],
        }
    }

    /// Time passed.
    pub fn on_time(&mut self, now: Nanos) -> Vec<Step> {
        let again = now >= self.again_ns;
        if again {
            self.again_ns = now.saturating_add(AGAIN_NS);
        }
        match self.phase {
            Phase::Settling { until_ns } if now >= until_ns => self.after_settling(now),
            Phase::Flattening { until_ns } if now >= until_ns => self.cancel(now),
            Phase::Cancelling { until_ns } if now >= until_ns => self.finish(),
            Phase::Cancelling { .. } if again => vec![Step::CancelAll, Step::CountAtVenues, Step::Ask],
            Phase::Done => vec![],
            _ => vec![Step::Ask],
        }
    }

    /// Whether it is over.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// The last stand that was told; `None` when nobody ever told one.
    pub fn stand(&self) -> Option<Stand> {
        self.stand
    }

    /// Whether nothing is left: no order here or there, no trade, no exposure.
    pub fn is_clean(&self) -> bool {
        if cfg!(mutant = "halt-unproved") {
            return true;
        }
        let clean = Stand { at_venues: Some(0), ..Stand::default() };
        self.stand == Some(clean)
    }

    fn after_settling(&mut self, now: Nanos) -> Vec<Step> {
        if self.plan.flatten_ns == 0 {
            return self.cancel(now);
        }
        self.phase = Phase::Flattening { until_ns: now.saturating_add(self.plan.flatten_ns) };
        vec![Step::HedgeOnly, Step::Flatten, Step::Ask]
    }

    fn cancel(&mut self, now: Nanos) -> Vec<Step> {
        self.phase = Phase::Cancelling { until_ns: now.saturating_add(self.plan.cancel_ns) };
        self.again_ns = now.saturating_add(AGAIN_NS);
        vec![Step::Stop(StopWord::CancelsOnly), Step::Halt, Step::CancelAll, Step::CountAtVenues, Step::Ask]
    }

    fn finish(&mut self) -> Vec<Step> {
        self.phase = Phase::Done;
        vec![]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: Nanos = 1_000_000_000;
    const PLAN: Plan = Plan { settle_ns: 2 * S, flatten_ns: 0, cancel_ns: 5 * S };
    const BUSY: Stand = Stand { orders: 2, trades: 1, exposed: 0, at_venues: None };
    const QUIET: Stand = Stand { orders: 0, trades: 0, exposed: 0, at_venues: Some(0) };

    #[test]
    fn trades_under_way_end_their_own_way_before_all_is_cancelled_and_counted() {
        let (mut halting, steps) = Halting::begin(PLAN, 0);
        assert_eq!(steps, [Step::Stop(StopWord::NoOpening), Step::HedgeOnly, Step::Ask]);
        assert_eq!(halting.on_stand(BUSY, S), []);
        let steps = halting.on_stand(Stand { at_venues: None, ..QUIET }, S);
        assert_eq!(steps[..3], [Step::Stop(StopWord::CancelsOnly), Step::Halt, Step::CancelAll]);
        assert!(!halting.is_done(), "the venues have not said so");
        halting.on_stand(QUIET, S);
        assert!(halting.is_done() && halting.is_clean());
    }

    #[test]
    fn a_halt_at_once_cuts_and_one_that_flattens_closes_first() {
        let (_, steps) = Halting::begin(Plan { settle_ns: 0, ..PLAN }, 0);
        assert!(steps.contains(&Step::Stop(StopWord::CancelsOnly)) && steps.contains(&Step::CancelAll));
        let (mut halting, _) = Halting::begin(Plan { flatten_ns: S, ..PLAN }, 0);
        assert!(halting.on_time(2 * S).contains(&Step::Flatten));
        assert_eq!(halting.on_stand(Stand { exposed: 1, ..QUIET }, 2 * S), []);
        assert!(halting.on_stand(QUIET, 2 * S).contains(&Step::Halt));
    }

    proptest! {
        #[test]
        fn it_always_ends_in_its_time_and_never_calls_clean_what_is_not(
            stands in prop::collection::vec((0..3u32, 0..3u32, 0..2u32, prop::option::of(0..2u32)), 0..40),
            flatten_ns in 0..3 * S,
        ) {
            let plan = Plan { flatten_ns, ..PLAN };
            let (mut halting, _) = Halting::begin(plan, 0);
            let mut now = 0;
            for (orders, trades, exposed, at_venues) in stands {
                let stand = Stand { orders, trades, exposed, at_venues };
                halting.on_stand(stand, now);
                prop_assert!(!halting.is_clean() || stand == QUIET);
                now += S / 10;
                halting.on_time(now);
            }
            for _ in 0..3 {
                now += plan.settle_ns + plan.flatten_ns + plan.cancel_ns;
                halting.on_time(now);
            }
            prop_assert!(halting.is_done());
        }
    }
}
