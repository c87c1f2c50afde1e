//! What can go wrong, by the classes of the fault catalogue, and which of it a run has drawn.

use crate::dice::Dice;

/// Where a fault belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Connections.
    C,
    /// Market data.
    M,
    /// Orders and accounts.
    X,
    /// Process and machine.
    P,
    /// What people and sinks do.
    D,
}

macro_rules! verbs {
    ($($name:ident $class:ident $text:literal,)*) => {
        /// A way to go wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Verb {
            $(#[doc = $text] $name,)*
        }

        impl Verb {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its class and name.
            pub const fn told(self) -> (Class, &'static str) {
                match self {
                    $(Self::$name => (Class::$class, $text),)*
                }
            }
        }
    };
}

verbs! {
    HalfOpen C "half_open",
    Deaf C "deaf",
    Reset C "reset",
    Fin C "fin",
    Close C "close_code",
    Leaving C "announced_drop",
    FrozenTopic C "frozen_topic",
    SilentFeed C "silent_feed",
    NoPong C "no_pong",
    Refuse C "connect_refused",
    Stall C "connect_stalled",
    Flap C "flapping",
    Herd C "all_lines_at_once",
    SlowWire C "slow_wire",
    Held C "held",
    Throttled C "throttled",
    VenuePing C "venue_ping",
    HttpFail C "http_failing",
    HttpLimit C "http_429",
    VenueClock C "venue_clock",
    Gap M "gap",
    GapBoth M "gap_on_both",
    Duplicate M "duplicate",
    Reorder M "reorder",
    Replay M "replay",
    Crossed M "crossed",
    Checksum M "checksum",
    SeqReset M "sequence_reset",
    OldSnapshot M "old_snapshot",
    TickChange M "tick_change",
    Paused M "status_change",
    BadFrame M "bad_frame",
    FutureTime M "time_ahead",
    PastTime M "time_behind",
    Outlier M "outlier",
    LostRequest X "lost_request",
    LostAnswer X "lost_answer",
    LateAnswer X "late_answer",
    Unknown X "outcome_unknown",
    Reject X "reject",
    RejectAfterAck X "reject_after_ack",
    DuplicateFill X "duplicate_fill",
    FillBeforeAck X "fill_before_ack",
    Partial X "partial",
    DropFill X "dropped_fill",
    LateFill X "late_fill",
    RateLimit X "rate_limit",
    QueryLag X "query_lag",
    Foreign X "foreign_order",
    Drift X "balance_drift",
    FeeChange X "fee_change",
    MutePrivate X "mute_private",
    LoggedOut X "logged_out",
    Kill P "kill",
    PowerLoss P "power_loss",
    DiskFull P "disk_full",
    DiskError P "disk_error",
    DiskReadOnly P "disk_read_only",
    ShortWrite P "short_write",
    SlowDisk P "slow_disk",
    Pause P "pause",
    ThreadDies P "thread_dies",
    WardenSilent P "warden_silent",
    NetStall P "net_stalled",
    CommandFlood P "command_flood",
    Halt D "operator_halt",
    Flatten D "operator_flatten",
    Restart D "operator_restart",
    Limits D "limits_reload",
    SinkDown D "sink_down",
}

/// How many there are.
pub const VERBS: usize = Verb::ALL.len();

/// What a run has drawn: which verbs, how often, and how lively its markets are.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// Weight of each verb; 0: it does not occur.
    pub weights: [u16; VERBS],
    /// Virtual time between two faults, milliseconds, on average.
    pub gap_ms: u64,
    /// Milliseconds between two steps of the world, least and most.
    pub step_ms: (u64, u64),
    /// Milliseconds between two dislocations, on average.
    pub dislocation_ms: u64,
    /// Size of a dislocation, basis points.
    pub dislocation_bps: u64,
}

impl Swarm {
    /// Draws: most verbs are in, each with a weight of its own, some are out.
    pub fn draw(dice: &mut Dice) -> Self {
        let mut weights = [0; VERBS];
        for weight in &mut weights {
            *weight = if dice.one_in(5) { 0 } else { dice.between(1, 12) as u16 };
        }
        Self {
            weights,
            gap_ms: dice.between(1_500, 5_000),
            step_ms: (dice.between(2, 8), dice.between(15, 40)),
            dislocation_ms: dice.between(900, 2_400),
            dislocation_bps: dice.between(25, 80),
        }
    }

    /// The next verb.
    pub fn next(&self, dice: &mut Dice) -> Option<Verb> {
        let sum: u64 = self.weights.iter().map(|&weight| u64::from(weight)).sum();
        let mut left = dice.below(sum);
        Verb::ALL.iter().copied().zip(self.weights).find_map(|(verb, weight)| {
            let weight = u64::from(weight);
            let is_it = left < weight;
            left = left.saturating_sub(weight);
            is_it.then_some(verb)
        })
    }
}

impl std::fmt::Display for Swarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { weights, gap_ms, step_ms, dislocation_ms, dislocation_bps } = self;
        write!(f, "a fault every {gap_ms} ms, steps of {}-{} ms, ", step_ms.0, step_ms.1)?;
        write!(f, "{dislocation_bps} bps every {dislocation_ms} ms;")?;
        let drawn = Verb::ALL.iter().zip(weights).filter(|(_, weight)| **weight > 0);
        drawn.into_iter().try_for_each(|(verb, weight)| write!(f, " {}={weight}", verb.told().1))
    }
}

/// How often each verb was fired, and what came after it.
#[derive(Clone, Debug)]
pub struct Fired {
    /// Times.
    pub count: [u64; VERBS],
    /// Orders that reached a venue between a fault of this kind and the next fault of any.
    pub orders_after: [u64; VERBS],
    /// Milliseconds from a fault of this kind until the whole service was `Full` again: the longest.
    pub full_after_ms: [u64; VERBS],
}

impl Default for Fired {
    fn default() -> Self {
        Self { count: [0; VERBS], orders_after: [0; VERBS], full_after_ms: [0; VERBS] }
    }
}

impl Fired {
    /// Adds another run's.
    pub fn add(&mut self, other: &Self) {
        for at in 0..VERBS {
            self.count[at] += other.count[at];
            self.orders_after[at] += other.orders_after[at];
            self.full_after_ms[at] = self.full_after_ms[at].max(other.full_after_ms[at]);
        }
    }

    /// Verbs that were never fired.
    pub fn missing(&self) -> Vec<&'static str> {
        Verb::ALL.iter().zip(self.count).filter(|(_, count)| *count == 0).map(|(verb, _)| verb.told().1).collect()
    }

    /// All of them.
    pub fn sum(&self) -> u64 {
        self.count.iter().sum()
    }
}
