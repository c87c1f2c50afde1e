//! One connection's life, from any state to live again: phases within one time budget, and a wait that
//! follows from how the last life ended. A success counts only once data has been stable.

use crate::backoff::Backoff;
use crate::ending::{End, Phase, Reason, Retry, SLOW_NS, policy};
use highwire_links::Nanos;

/// What no retry mends is believed when it was said this often in a row.
const GIVE_UP_AT: u32 = 3;

/// The times of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For all phases together, up to the first acknowledgement (`CONNECT_MS`).
    pub connect_ns: Nanos,
    /// From there until data flows; longer, since snapshots wait for their rate budget.
    pub sync_ns: Nanos,
    /// So long must data have flowed for the connection to count as a success.
    pub stable_ns: Nanos,
    /// Waits between tries.
    pub backoff: Backoff,
}

/// Where a connection stands.
///
/// ```text
/// Idle ──start──▶ Waiting ──granted──▶ Opening(phase…) ──data──▶ Live ──stable──▶ Stable
///   ▲                ▲  ▲                  │ end, or over time     │ end            │ end
///   └──stop (any)    │  └──────────────────┴───────────────────────┴────────────────┘
///                    └──start── GivenUp ◀── an end that no retry mends (any)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not wanted.
    Idle,
    /// It may be tried then, if it is granted.
    Waiting {
        /// When.
        until_ns: Nanos,
    },
    /// It is on its way.
    Opening {
        /// How far it is.
        phase: Phase,
        /// Past this it is given up.
        until_ns: Nanos,
    },
    /// Data flows; whether it stays is not known yet.
    Live {
        /// Since when.
        since_ns: Nanos,
    },
    /// It has counted as a success.
    Stable,
    /// Nothing is tried until it is started again.
    GivenUp {
        /// Why.
        why: Reason,
    },
}

/// What happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It is wanted, now.
    Start,
    /// Its turn to connect is granted.
    Granted,
    /// Its turn comes later.
    Deferred(Nanos),
    /// This phase began.
    Reached(Phase),
    /// Data came.
    Data,
    /// It ended, or failed to begin. The wait is at least this long (`Retry-After`; 0 without).
    Ended(End, Nanos),
    /// Time passed.
    Tick,
    /// It is not wanted any more.
    Stop,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Rest,
    /// Ask for the turn to connect.
    Ask {
        /// On another endpoint than last time.
        elsewhere: bool,
    },
    /// Connect.
    Open {
        /// With smaller subscriptions.
        smaller: bool,
    },
    /// It took too long: close what there is of it, then report the end.
    Abandon(Phase),
    /// Close it: it is not wanted any more.
    Close,
    /// Tell the operator: nothing is tried any more.
    GiveUp(Reason),
}

/// A change of state, and what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// How it was.
    pub from: State,
    /// How it is.
    pub to: State,
    /// What to do.
    pub act: Act,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Failover {
    timing: Timing,
    state: State,
    /// Failures since the last success.
    failures: u32,
    elsewhere: bool,
    smaller: bool,
}

impl Failover {
    /// Idle.
    pub fn new(timing: Timing) -> Self {
        Self { timing, state: State::Idle, failures: 0, elsewhere: false, smaller: false }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether data flows.
    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Live { .. } | State::Stable)
    }

    /// Failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// When a [`Event::Tick`] can next make a difference.
    pub fn wake_ns(&self) -> Option<Nanos> {
        match self.state {
            State::Waiting { until_ns } | State::Opening { until_ns, .. } => Some(until_ns),
            State::Live { since_ns } => Some(since_ns.saturating_add(self.timing.stable_ns)),
            State::Idle | State::Stable | State::GivenUp { .. } => None,
        }
    }

    /// Takes an event; `random` decides the jitter. An event that means nothing here changes nothing.
    pub fn on(&mut self, event: Event, now: Nanos, random: u64) -> Moved {
        let from = self.state;
        let (to, act) = self.next(event, now, random);
        self.state = to;
        Moved { from, to, act }
    }

    fn next(&mut self, event: Event, now: Nanos, random: u64) -> (State, Act) {
        match (self.state, event) {
            (State::Idle, Event::Stop) => (State::Idle, Act::Rest),
            (_, Event::Stop) => {
                self.failures = 0;
                (State::Idle, Act::Close)
            }
            (State::Idle | State::GivenUp { .. }, Event::Start) => (State::Waiting { until_ns: now }, self.ask()),
            (State::Waiting { until_ns }, Event::Tick) if until_ns <= now => (self.state, self.ask()),
            (State::Waiting { .. }, Event::Deferred(until_ns)) => (State::Waiting { until_ns }, Act::Rest),
            (State::Waiting { .. }, Event::Granted) => self.open(now),
            (State::Opening { phase, until_ns }, Event::Reached(next)) if next > phase => {
                let until_ns = if next == Phase::Snapshot { now.saturating_add(self.timing.sync_ns) } else { until_ns };
                (State::Opening { phase: next, until_ns }, Act::Rest)
            }
            (State::Opening { .. }, Event::Data) => (State::Live { since_ns: now }, Act::Rest),
            (State::Opening { phase, until_ns }, Event::Tick) if until_ns <= now => {
                let (state, _) = self.after(End::TimedOut(phase), 0, now, random);
                (state, Act::Abandon(phase))
            }
            (State::Live { since_ns }, Event::Tick | Event::Data)
                if now.saturating_sub(since_ns) >= self.timing.stable_ns =>
            {
                (self.failures, self.smaller) = (0, false);
                (State::Stable, Act::Rest)
            }
            (State::Opening { .. } | State::Live { .. } | State::Stable, Event::Ended(end, wait_ns)) => {
                self.after(end, wait_ns, now, random)
            }
            (state, _) => (state, Act::Rest),
        }
    }

    fn ask(&self) -> Act {
        Act::Ask { elsewhere: self.elsewhere }
    }

    fn open(&mut self, now: Nanos) -> (State, Act) {
        let until_ns = now.saturating_add(self.timing.connect_ns);
        self.elsewhere = false;
        (State::Opening { phase: Phase::Connect, until_ns }, Act::Open { smaller: self.smaller })
    }

    fn after(&mut self, end: End, wait_ns: Nanos, now: Nanos, random: u64) -> (State, Act) {
        let policy = policy(end);
        let stable = self.state == State::Stable;
        let backoff_ns = self.timing.backoff.delay_ns(self.failures, random);
        let delay_ns = match policy.retry {
            Retry::GiveUp(why) if self.failures + 1 >= GIVE_UP_AT => return (State::GivenUp { why }, Act::GiveUp(why)),
            Retry::GiveUp(_) => SLOW_NS.saturating_add(backoff_ns / 4),
            // What we ended ourselves is no failure: its successor comes at once.
            Retry::Immediate if stable || end == End::Ours => 0,
            Retry::Immediate | Retry::BackOff => backoff_ns,
            // Jitter on top, so that lines that were told to wait do not come back together.
            Retry::Slow(least_ns) => least_ns.saturating_add(backoff_ns / 4).max(backoff_ns),
        };
        if !stable && end != End::Ours {
            self.failures = self.failures.saturating_add(1);
        }
        self.elsewhere |= policy.elsewhere;
        self.smaller |= policy.smaller;
        (State::Waiting { until_ns: now.saturating_add(delay_ns.max(wait_ns)) }, Act::Rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::ending::{DnsFault, LoginFault, TlsFault};
    use proptest::prelude::*;

    const S: u64 = 1_000_000_000;
    const TIMING: Timing = Timing {
        connect_ns: 5 * S,
        sync_ns: 30 * S,
        stable_ns: 10 * S,
        backoff: Backoff { first_ns: S / 4, max_ns: 15 * S },
    };
    const PHASES: [Phase; 6] =
        [Phase::Connect, Phase::Tls, Phase::Upgrade, Phase::Login, Phase::Subscribe, Phase::Snapshot];

    fn ends() -> impl Strategy<Value = End> {
        prop_oneof![
            prop::option::of(any::<u16>()).prop_map(End::Close),
            Just(End::Fin),
            Just(End::Reset),
            Just(End::Silent),
            Just(End::Protocol),
            Just(End::Unreachable),
            Just(End::BadUpgrade),
            Just(End::Ours),
            Just(End::ThreadDied),
            Just(End::Dns(DnsFault::Empty)),
            Just(End::Tls(TlsFault::Alert)),
            Just(End::Login(LoginFault::Time)),
            (100..600u16).prop_filter("gives up", |status| *status != 451).prop_map(End::Http),
        ]
    }

    fn events() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::Start),
            Just(Event::Granted),
            (0..100u64).prop_map(|s| Event::Deferred(s * S)),
            (0..6usize).prop_map(|i| Event::Reached(PHASES[i])),
            Just(Event::Data),
            ends().prop_map(|end| Event::Ended(end, 0)),
            Just(Event::Tick),
            Just(Event::Stop),
        ]
    }

    fn live(failover: &mut Failover, mut now: u64) -> u64 {
        while !failover.is_live() {
            now = failover.wake_ns().map_or(now, |wake| wake.max(now));
            match failover.on(Event::Tick, now, 0).act {
                Act::Ask { .. } => _ = failover.on(Event::Granted, now, 0),
                _ => _ = failover.on(Event::Start, now, 0),
            }
            failover.on(Event::Data, now, 0);
        }
        now
    }

    proptest! {
        #[test]
        fn from_wherever_it_got_to_it_is_live_again_within_its_waits(
            steps in prop::collection::vec((events(), 0..20u64), 0..60), seed in any::<u64>(),
        ) {
            let (mut failover, mut dice, mut now) = (Failover::new(TIMING), Dice::new(seed), 0);
            for (event, step) in steps {
                now += step * S;
                failover.on(event, now, dice.roll());
            }
            let back = live(&mut failover, now);
            prop_assert!(back <= now + 130 * S + TIMING.sync_ns);
            prop_assert!(failover.is_live());
        }

        #[test]
        fn no_phase_outlasts_the_budget_and_each_state_is_left(reached in prop::collection::vec(0..5usize, 0..8), random in any::<u64>()) {
            let mut failover = Failover::new(TIMING);
            failover.on(Event::Start, 0, random);
            failover.on(Event::Granted, 0, random);
            for (i, phase) in reached.into_iter().enumerate() {
                failover.on(Event::Reached(PHASES[phase]), i as u64 * S / 2, random);
            }
            prop_assert!(matches!(failover.on(Event::Tick, TIMING.connect_ns, random).act, Act::Abandon(_)));
            prop_assert!(matches!(failover.state(), State::Waiting { .. }), "{:?}", failover.state());
        }

        #[test]
        fn without_stable_data_no_wait_is_ever_nothing(end in ends(), seed in any::<u64>()) {
            prop_assume!(end != End::Ours);
            let (mut failover, mut dice, mut now) = (Failover::new(TIMING), Dice::new(seed), 0);
            failover.on(Event::Start, 0, 0);
            for _ in 0..30 {
                failover.on(Event::Granted, now, 0);
                failover.on(Event::Data, now, 0);
                now += S / 10;
                let State::Waiting { until_ns } = failover.on(Event::Ended(end, 0), now, dice.roll()).to else { panic!() };
                prop_assert!(until_ns - now >= TIMING.backoff.first_ns / 4);
                now = until_ns;
            }
            prop_assert!(failover.failures() == 30);
        }
    }

    #[test]
    fn a_stable_line_comes_back_at_once_unless_it_was_told_to_wait() {
        let mut failover = Failover::new(TIMING);
        let wait = |failover: &mut Failover, end, wait_ns| {
            let now = live(failover, 0) + TIMING.stable_ns;
            assert_eq!(failover.on(Event::Tick, now, 0).to, State::Stable);
            let State::Waiting { until_ns } = failover.on(Event::Ended(end, wait_ns), now, 0).to else { panic!() };
            until_ns - now
        };
        assert_eq!(wait(&mut failover, End::Reset, 0), 0);
        assert!(wait(&mut failover, End::Close(Some(1008)), 0) >= SLOW_NS);
        assert_eq!(wait(&mut failover, End::Http(429), 600 * S), 600 * S);
    }

    #[test]
    fn an_end_elsewhere_opens_elsewhere_once_and_too_large_stays_small_until_it_was_stable() {
        let mut failover = Failover::new(TIMING);
        let open = |failover: &mut Failover| {
            let wake = failover.wake_ns().unwrap_or(0);
            let event = if failover.state() == State::Idle { Event::Start } else { Event::Tick };
            let Act::Ask { elsewhere } = failover.on(event, wake, 0).act else { panic!("{:?}", failover.state()) };
            let Act::Open { smaller } = failover.on(Event::Granted, wake, 0).act else { panic!() };
            (elsewhere, smaller)
        };
        assert_eq!(open(&mut failover), (false, false));
        failover.on(Event::Ended(End::Reset, 0), 0, 0);
        assert_eq!(open(&mut failover), (true, false));
        failover.on(Event::Ended(End::Close(Some(1009)), 0), 0, 0);
        assert_eq!(open(&mut failover), (false, true));
        failover.on(Event::Data, 0, 0);
        failover.on(Event::Tick, TIMING.stable_ns, 0);
        failover.on(Event::Ended(End::Close(Some(1000)), 0), TIMING.stable_ns, 0);
        assert_eq!(open(&mut failover), (false, false));
    }

    #[test]
    fn a_key_refused_three_times_is_given_up_until_it_is_started_again() {
        let mut failover = Failover::new(TIMING);
        let mut act = failover.on(Event::Start, 0, 0).act;
        for _ in 0..GIVE_UP_AT {
            let now = failover.wake_ns().unwrap();
            failover.on(Event::Granted, now, 0);
            let moved = failover.on(Event::Ended(End::Login(LoginFault::Rejected), 0), now, 0);
            assert!(
                moved.act != Act::Rest || matches!(moved.to, State::Waiting { until_ns } if until_ns >= now + SLOW_NS)
            );
            act = moved.act;
        }
        assert_eq!(act, Act::GiveUp(Reason::Key));
        assert_eq!(failover.on(Event::Tick, 1_000 * S, 0).act, Act::Rest);
        assert!(matches!(failover.on(Event::Start, 1_000 * S, 0).act, Act::Ask { .. }));
    }
}
