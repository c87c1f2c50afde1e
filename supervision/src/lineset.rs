//! What a venue may do while some or all of its lines are down, and what follows when every venue is
//! cut off. A venue without market data, or without a way to send orders, is Halted and its orders are
//! cancelled by whatever path is left; without private news only what reduces exposure is sent.

use highwire_links::{Mode, Nanos};

/// What a line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Public market data.
    Market = 0,
    /// Our orders.
    Orders = 1,
    /// News of our account.
    Private = 2,
}

/// Kinds of [`Kind`].
const KINDS: usize = 3;

impl Kind {
    /// Every kind, in the order of its number, with its name in metric labels.
    pub const ALL: [(Self, &'static str); KINDS] =
        [(Self::Market, "market"), (Self::Orders, "orders"), (Self::Private, "private")];
}

/// The times of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSetRule {
    /// A kind without a line is told after so long: a hot standby takes over without being noticed.
    pub grace_ns: Nanos,
    /// After so long with every kind back, the venue is as it was.
    pub settle_ns: Nanos,
    /// At the start lines may take so long before their absence is told.
    pub start_ns: Nanos,
}

impl Default for LineSetRule {
    fn default() -> Self {
        Self { grace_ns: 0, settle_ns: 1_000_000_000, start_ns: 10_000_000_000 }
    }
}

/// Where a venue's lines stand.
///
/// ```text
/// Starting ──all kinds up──▶ Up ◀──settled── Returning ──a kind down──▶ Down
///     │ too long              │ a kind down      ▲ all kinds up          │
///     └───────────▶ Down ◀────┴─────────         └───────────────────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not yet all up for the first time.
    Starting,
    /// Every kind has a line.
    Up,
    /// These kinds have none.
    Down {
        /// The strictest mode that they ask for.
        mode: Mode,
    },
    /// All are back; whether they stay is not known yet.
    Returning {
        /// Since when.
        since_ns: Nanos,
        /// What holds meanwhile.
        mode: Mode,
    },
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Rest,
    /// Hold the venue at this mode; with `cancel`, withdraw its orders by whatever path is left.
    Hold {
        /// The mode.
        mode: Mode,
        /// Withdraw its orders.
        cancel: bool,
    },
    /// The lines do not hold it any more.
    Release,
}

/// One venue's lines.
#[derive(Clone, Debug)]
pub struct LineSet {
    rule: LineSetRule,
    wanted: [bool; KINDS],
    live: [u32; KINDS],
    empty_since_ns: [Nanos; KINDS],
    state: State,
    started_ns: Nanos,
}

impl LineSet {
    /// A venue with lines of these kinds, none of them up.
    pub fn new(rule: LineSetRule, kinds: &[Kind], now: Nanos) -> Self {
        let mut wanted = [false; KINDS];
        kinds.iter().for_each(|&kind| wanted[kind as usize] = true);
        Self { rule, wanted, live: [0; KINDS], empty_since_ns: [now; KINDS], state: State::Starting, started_ns: now }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Live lines of a kind.
    pub fn live(&self, kind: Kind) -> u32 {
        self.live[kind as usize]
    }

    /// Live lines of each kind that the venue has, by the kind's name.
    pub fn census(&self) -> Vec<(&'static str, u32)> {
        let wanted = Kind::ALL.into_iter().filter(|(kind, _)| self.wanted[*kind as usize]);
        wanted.map(|(kind, name)| (name, self.live(kind))).collect()
    }

    /// Live lines of all kinds.
    pub fn live_all(&self) -> u32 {
        self.live.iter().sum()
    }

    /// Whether no line of the venue is live at all.
    pub fn is_cut_off(&self) -> bool {
        self.live.iter().all(|&live| live == 0)
    }

    /// A line came up.
    pub fn on_up(&mut self, kind: Kind, now: Nanos) -> Verdict {
        self.live[kind as usize] += 1;
        self.on_tick(now)
    }

    /// A line went down.
    pub fn on_down(&mut self, kind: Kind, now: Nanos) -> Verdict {
        let live = &mut self.live[kind as usize];
        *live = live.saturating_sub(1);
        if *live == 0 {
            self.empty_since_ns[kind as usize] = now;
        }
        self.on_tick(now)
    }

    /// Time passed.
    pub fn on_tick(&mut self, now: Nanos) -> Verdict {
        let asked = self.asked(now);
        let (state, verdict) = match (self.state, asked) {
            (State::Starting, Some(_)) if now.saturating_sub(self.started_ns) < self.rule.start_ns => {
                (State::Starting, Verdict::Rest)
            }
            (State::Starting, None) if self.has_every_kind() => (State::Up, Verdict::Release),
            (State::Down { mode } | State::Returning { mode, .. }, Some(now_asked)) if mode == now_asked => {
                (State::Down { mode }, Verdict::Rest)
            }
            (_, Some(mode)) => (State::Down { mode }, Verdict::Hold { mode, cancel: mode == Mode::Halted }),
            (State::Down { mode }, None) if self.has_every_kind() => {
                (State::Returning { since_ns: now, mode }, Verdict::Rest)
            }
            (State::Returning { since_ns, .. }, None) if now.saturating_sub(since_ns) >= self.rule.settle_ns => {
                (State::Up, Verdict::Release)
            }
            (state, None) => (state, Verdict::Rest),
        };
        self.state = state;
        verdict
    }

    fn has_every_kind(&self) -> bool {
        (0..KINDS).all(|kind| !self.wanted[kind] || self.live[kind] > 0)
    }

    /// The strictest mode that a kind without a line asks for.
    fn asked(&self, now: Nanos) -> Option<Mode> {
        let gone = |kind: Kind| {
            let kind = kind as usize;
            self.wanted[kind]
                && self.live[kind] == 0
                && now.saturating_sub(self.empty_since_ns[kind]) >= self.rule.grace_ns
        };
        if gone(Kind::Market) || gone(Kind::Orders) {
            Some(Mode::Halted)
        } else {
            gone(Kind::Private).then_some(Mode::HedgeOnly)
        }
    }
}

/// Whether any venue can still be reached. Told once, when for so long there was none.
#[derive(Clone, Debug)]
pub struct Reach {
    limit_ns: Nanos,
    cut_since_ns: Option<Nanos>,
    told: bool,
}

impl Reach {
    /// All venues gone for `limit_ns` is the end.
    pub fn new(limit_ns: Nanos) -> Self {
        Self { limit_ns, cut_since_ns: None, told: false }
    }

    /// Judges the venues that have been up before; true when the kill switch is due.
    pub fn judge<'a>(&mut self, venues: impl IntoIterator<Item = &'a LineSet>, now: Nanos) -> bool {
        let mut known = venues.into_iter().filter(|venue| venue.state() != State::Starting).peekable();
        let cut_off = known.peek().is_some() && known.all(LineSet::is_cut_off);
        if !cut_off {
            (self.cut_since_ns, self.told) = (None, false);
            return false;
        }
        let since_ns = *self.cut_since_ns.get_or_insert(now);
        let due = now.saturating_sub(since_ns) >= self.limit_ns && !self.told;
        self.told |= due;
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: LineSetRule = LineSetRule { grace_ns: 0, settle_ns: 10, start_ns: 100 };
    const KINDS_ALL: [Kind; 3] = [Kind::Market, Kind::Orders, Kind::Private];
    const HALT: Verdict = Verdict::Hold { mode: Mode::Halted, cancel: true };

    proptest! {
        #[test]
        fn whatever_happened_lines_that_stay_release_the_venue_and_lines_that_go_hold_it(
            events in prop::collection::vec((0..3usize, any::<bool>(), 0..30u64), 0..80),
        ) {
            let mut set = LineSet::new(RULE, &KINDS_ALL, 0);
            let (mut now, mut held) = (0, false);
            let note = |verdict, held: &mut bool| match verdict {
                Verdict::Hold { .. } => *held = true,
                Verdict::Release => *held = false,
                Verdict::Rest => {}
            };
            for (kind, up, step) in events {
                now += step;
                let kind = KINDS_ALL[kind];
                note(if up { set.on_up(kind, now) } else { set.on_down(kind, now) }, &mut held);
                let missing = KINDS_ALL.into_iter().any(|kind| set.live(kind) == 0);
                prop_assert!(!missing || held || set.state() == State::Starting);
            }
            for kind in KINDS_ALL {
                note(set.on_up(kind, now), &mut held);
            }
            note(set.on_tick(now + RULE.settle_ns), &mut held);
            prop_assert!(!held && set.state() == State::Up);
        }
    }

    #[test]
    fn one_line_of_two_lost_is_no_matter_and_the_last_halts_and_cancels() {
        let mut set = LineSet::new(RULE, &[Kind::Market], 0);
        assert_eq!(set.on_up(Kind::Market, 1), Verdict::Release);
        set.on_up(Kind::Market, 1);
        assert_eq!([set.on_down(Kind::Market, 2), set.on_down(Kind::Market, 3)], [Verdict::Rest, HALT]);
        assert_eq!([set.on_up(Kind::Market, 4), set.on_tick(14)], [Verdict::Rest, Verdict::Release]);
    }

    #[test]
    fn without_private_news_only_hedges_go_and_without_an_order_line_nothing() {
        let mut set = LineSet::new(RULE, &KINDS_ALL, 0);
        KINDS_ALL.iter().for_each(|&kind| _ = set.on_up(kind, 0));
        assert_eq!(set.on_down(Kind::Private, 1), Verdict::Hold { mode: Mode::HedgeOnly, cancel: false });
        assert_eq!(set.on_down(Kind::Orders, 2), HALT);
    }

    #[test]
    fn a_start_that_never_succeeds_is_told_in_time() {
        let mut set = LineSet::new(RULE, &[Kind::Market], 0);
        assert_eq!([set.on_tick(99), set.on_tick(100)], [Verdict::Rest, HALT]);
    }

    #[test]
    fn the_kill_switch_is_due_once_when_every_venue_stays_gone() {
        let mut venues = [0; 2].map(|_| LineSet::new(RULE, &[Kind::Market], 0));
        let mut reach = Reach::new(50);
        assert!(!reach.judge(&venues, 0), "nothing has been up yet");
        venues.iter_mut().for_each(|venue| _ = venue.on_up(Kind::Market, 1));
        venues[0].on_down(Kind::Market, 2);
        assert!(!reach.judge(&venues, 90));
        venues[1].on_down(Kind::Market, 90);
        let due: Vec<_> = [90, 139, 140, 141].map(|now| reach.judge(&venues, now)).into();
        assert_eq!(due, [false, false, true, false]);
    }
}
