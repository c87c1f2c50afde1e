//! One order of a saga, a leg or a hedge: what it did to the exposure, and what is known of its end.

use super::{Action, Terms};
use crate::life::Stage;
use highwire_links::Nanos;

/// What is known of an order's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Standing {
    /// On its way.
    #[default]
    Sent,
    /// The venue has it.
    Acked,
    /// It may live or not: nothing is sent in its stead.
    Doubt,
    /// Nothing more is to be expected of it.
    Ended,
}

impl From<Stage> for Standing {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Intent | Stage::Sent => Self::Sent,
            Stage::Unknown if cfg!(mutant = "doubt") => Self::Ended,
            Stage::Unknown => Self::Doubt,
            Stage::Acked | Stage::Partial => Self::Acked,
            Stage::Filled | Stage::Cancelled | Stage::Rejected | Stage::Absent => Self::Ended,
        }
    }
}

/// An order of a saga.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Part {
    /// Its client order id.
    pub order: u64,
    /// By how much its fills moved the exposure.
    pub moved: i64,
    /// What is known of its end.
    pub standing: Standing,
    /// Whether the venue confirmed its end when asked.
    pub is_verified: bool,
    /// When it was sent.
    pub sent_ns: Nanos,
    /// When its venue is asked about it next.
    pub ask_at_ns: Nanos,
    /// Whether it was withdrawn already.
    pub is_cancelled: bool,
    /// Whether its market only said that it takes no orders for now.
    pub is_put_off: bool,
}

impl Part {
    /// An order that goes out now.
    pub fn new(order: u64, now: Nanos, terms: &Terms) -> Self {
        Self { order, sent_ns: now, ask_at_ns: now.saturating_add(terms.leg_delay_ns), ..Self::default() }
    }

    /// Takes in a report. An end is never taken back; doubt is asked about at once.
    pub(super) fn absorb(&mut self, standing: Standing, moved: i64, is_answer: bool, now: Nanos) {
        self.moved = self.moved.saturating_add(moved);
        if self.standing != Standing::Ended {
            if standing == Standing::Doubt && self.standing != Standing::Doubt {
                self.ask_at_ns = self.ask_at_ns.min(now);
            }
            self.standing = standing;
        }
        self.is_verified |= is_answer && standing == Standing::Ended;
        // A fill that the answer did not know of makes it worthless.
        self.is_verified &= is_answer || moved == 0;
    }

    /// What is asked next: an order that rests is withdrawn first.
    pub(super) fn ask(&mut self) -> Action {
        if self.standing == Standing::Acked && !self.is_cancelled {
            self.is_cancelled = true;
            return Action::Cancel(self.order);
        }
        Action::Ask(self.order)
    }
}
