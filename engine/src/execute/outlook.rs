//! What is expected of a trade that goes out, and how long it may stay exposed on purpose.

use crate::saga::Terms;
use highwire_links::Nanos;

/// What is expected of a trade that goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Its edge, parts per billion.
    pub edge_ppb: i64,
    /// Until when its pair rests.
    pub rests_until_ns: Nanos,
    /// How what it leaves open on purpose is to be closed; `None` when it means to leave nothing.
    pub patience: Option<Patience>,
    /// How its legs rest; `None` when they are immediate.
    pub rest: Option<Rest>,
}

/// How legs wait to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// How long.
    pub rest_ns: Nanos,
    /// Rest of the pair after it was taken.
    pub cooldown_ns: Nanos,
    /// How often in a row the pair is priced anew when a venue says that its order would have taken.
    pub reprices_max: u8,
}

impl Rest {
    /// The bounds of a trade whose legs rest so. What is taken is known, so it is hedged without waiting for the rest.
    pub(super) fn on(&self, terms: Terms) -> Terms {
        Terms { rest_ns: self.rest_ns.max(1), blind_ns: 0, ..terms }
    }
}

/// How long and at what prices the exposure of a trade is borne that is meant to be exposed: it is closed at a gain,
/// or when its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long.
    pub hold_ns: Nanos,
    /// A gain against the price paid that is taken before, parts per billion.
    pub gain_ppb: i64,
    /// The most that may be lost against it, parts per billion.
    pub loss_max_ppb: i64,
    /// The price paid, as the trade counts it: at the pair's decimals, of the yes side of a binary market.
    pub paid_px: i64,
}

impl Patience {
    /// The bounds of a trade with this patience.
    pub(super) fn on(&self, terms: Terms) -> Terms {
        Terms {
            hold_ns: self.hold_ns,
            exposed_ns: terms.exposed_ns.saturating_add(self.hold_ns),
            // What is meant to be closed is not borne in the end.
            bound: 0,
            cost_hold_ppb: self.gain_ppb.saturating_neg(),
            cost_max_ppb: self.loss_max_ppb,
            ..terms
        }
    }
}
