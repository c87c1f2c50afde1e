//! When a line that still works is to be replaced: the venue announced its end, or it nears the age at
//! which the venue ends it. The successor is live before the old one goes (make before break), and ages
//! are staggered so that lines never expire together (faults.md C04).

use highwire_links::Nanos;

/// The ages of one feed's lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationRule {
    /// The venue ends a connection at this age.
    pub life_ns: Nanos,
    /// A line is replaced so long before.
    pub margin_ns: Nanos,
    /// Each further line is replaced so much earlier than the one before it.
    pub stagger_ns: Nanos,
    /// A successor that is not live within this is given up, and tried again.
    pub successor_ns: Nanos,
}

impl Default for RotationRule {
    /// 24 h less an hour, as Binance's own client does, half an hour apart.
    fn default() -> Self {
        const MINUTE_NS: Nanos = 60_000_000_000;
        Self {
            life_ns: 1440 * MINUTE_NS,
            margin_ns: 60 * MINUTE_NS,
            stagger_ns: 30 * MINUTE_NS,
            successor_ns: MINUTE_NS,
        }
    }
}

/// Where a line stands.
///
/// ```text
/// Down ──up──▶ Up ──announced, aged──▶ Replacing ──successor up──▶ Up (the successor)
///   ▲           │                        │    ▲ └─successor late──▶ Up, due again at once
///   └──down─────┴────────down────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No connection.
    Down,
    /// One connection.
    Up {
        /// When it is to be replaced.
        due_ns: Nanos,
    },
    /// The successor is on its way.
    Replacing {
        /// It must be up by then.
        until_ns: Nanos,
    },
}

/// What happened to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It, or its successor, is live.
    Up,
    /// It ended.
    Down,
    /// The venue said that it will end.
    Announced,
    /// Time passed.
    Tick,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Rest,
    /// Open a successor beside it.
    Replace,
    /// The successor is live: let the old one go.
    Retire,
    /// The successor took too long: give it up.
    DropSuccessor,
}

/// One line's rotation.
#[derive(Clone, Debug)]
pub struct Rotation {
    rule: RotationRule,
    index: u32,
    state: State,
}

impl Rotation {
    /// Line number `index` of its feed, down.
    pub fn new(rule: RotationRule, index: u32) -> Self {
        Self { rule, index, state: State::Down }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether it has a successor on its way.
    pub fn is_replacing(&self) -> bool {
        matches!(self.state, State::Replacing { .. })
    }

    /// When a [`Event::Tick`] can next make a difference.
    pub fn wake_ns(&self) -> Option<Nanos> {
        match self.state {
            State::Down => None,
            State::Up { due_ns } => Some(due_ns),
            State::Replacing { until_ns } => Some(until_ns),
        }
    }

    /// Takes an event.
    pub fn on(&mut self, event: Event, now: Nanos) -> Act {
        let (state, act) = match (self.state, event) {
            (State::Replacing { .. }, Event::Up) => (State::Up { due_ns: self.due(now) }, Act::Retire),
            (State::Down, Event::Up) => (State::Up { due_ns: self.due(now) }, Act::Rest),
            (_, Event::Down) => (State::Down, Act::Rest),
            (State::Up { .. }, Event::Announced) => self.replace(now),
            (State::Up { due_ns }, Event::Tick) if due_ns <= now => self.replace(now),
            (State::Replacing { until_ns }, Event::Tick) if until_ns <= now => {
                (State::Up { due_ns: now }, Act::DropSuccessor)
            }
            (state, _) => (state, Act::Rest),
        };
        self.state = state;
        act
    }

    fn replace(&self, now: Nanos) -> (State, Act) {
        (State::Replacing { until_ns: now.saturating_add(self.rule.successor_ns) }, Act::Replace)
    }

    /// Lines are staggered by at most half of their life, however many there are.
    fn due(&self, now: Nanos) -> Nanos {
        let usable_ns = self.rule.life_ns.saturating_sub(self.rule.margin_ns);
        let earlier_ns = self.rule.stagger_ns.saturating_mul(self.index.into());
        let earlier_ns = if usable_ns < 2 { 0 } else { earlier_ns % (usable_ns / 2) };
        now.saturating_add(usable_ns - earlier_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: RotationRule = RotationRule { life_ns: 1_000, margin_ns: 100, stagger_ns: 60, successor_ns: 20 };

    proptest! {
        #[test]
        fn a_line_that_lives_is_replaced_before_its_end_and_no_two_at_the_same_age(lines in 1..6u32) {
            let mut ages: Vec<u64> = (0..lines).map(|index| {
                let mut line = Rotation::new(RULE, index);
                line.on(Event::Up, 0);
                (0..RULE.life_ns).find(|&now| line.on(Event::Tick, now) == Act::Replace).expect("never replaced")
            }).collect();
            ages.sort_unstable();
            prop_assert!(ages.windows(2).all(|pair| pair[1] - pair[0] >= RULE.stagger_ns));
            prop_assert!(ages.iter().all(|&age| age <= RULE.life_ns - RULE.margin_ns));
        }

        #[test]
        fn the_old_one_goes_only_when_the_successor_is_up_and_no_state_is_kept_for_ever(
            events in prop::collection::vec((0..4u8, 0..50u64), 0..80),
        ) {
            let (mut line, mut now) = (Rotation::new(RULE, 0), 0);
            for (event, step) in events {
                now += step;
                let event = [Event::Up, Event::Down, Event::Announced, Event::Tick][usize::from(event)];
                let before = line.state();
                let act = line.on(event, now);
                prop_assert_eq!(act == Act::Retire, matches!(before, State::Replacing { .. }) && event == Event::Up);
            }
            if line.is_replacing() {
                prop_assert_eq!(line.on(Event::Tick, now + RULE.successor_ns), Act::DropSuccessor);
                prop_assert_eq!(line.on(Event::Tick, now + RULE.successor_ns), Act::Replace, "due again at once");
            }
        }
    }

    #[test]
    fn an_announced_end_is_answered_once_and_a_life_shorter_than_its_margin_does_not_overflow() {
        let mut line = Rotation::new(RULE, 0);
        line.on(Event::Up, 0);
        assert_eq!([line.on(Event::Announced, 1), line.on(Event::Announced, 2)], [Act::Replace, Act::Rest]);
        let mut short = Rotation::new(RotationRule { life_ns: 1, margin_ns: 9, ..RULE }, 7);
        short.on(Event::Up, 0);
        assert_eq!(short.on(Event::Tick, 0), Act::Replace);
    }
}
