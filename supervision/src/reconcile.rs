//! What we have against what a venue says: orders whose end we do not know, trades that we did not hear of,
//! balances, positions. A difference is *explained* when the venue's own trades and answers account for it, and
//! then it is booked; an amount that nothing accounts for is *adopted* with a label and told; what only a human
//! can judge *stops* the venue; and what the venue cannot know yet *waits*.
//!
//! Absence is weak evidence: an order that the venue does not know has ended only when it was sent longer ago
//! than the venue's queries lag, is not open, and its trades add up to what is booked.

use highwire_links::fill::Settlement;
use highwire_links::fixed::Amount;
use highwire_links::{InstrumentId, Nanos};
use std::collections::{BTreeMap, BTreeSet};

/// An order of ours whose end we do not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Client order id.
    pub id: u64,
    /// What it trades.
    pub instrument: InstrumentId,
    /// How much of it is booked.
    pub booked: Amount,
    /// The venue has said that it has it.
    pub is_taken: bool,
    /// When it was decided on.
    pub decided_ns: Nanos,
    /// Whoever sent it still follows it: it is nobody else's business yet.
    pub is_followed: bool,
}

/// What we have at a venue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ours {
    /// Orders whose end we do not know.
    pub doubts: Vec<Doubt>,
    /// Trades that are booked, by the venue's ids.
    pub told: BTreeSet<(InstrumentId, u64)>,
    /// Of these, what waits to be settled.
    pub settling: BTreeSet<(InstrumentId, u64)>,
    /// What was booked by a venue's count, without trade ids, by order.
    pub counted: BTreeMap<u64, Amount>,
    /// Balances by asset.
    pub balances: BTreeMap<String, Amount>,
    /// Positions of derivatives.
    pub positions: BTreeMap<InstrumentId, Amount>,
}

/// What a venue answers about one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It rests.
    Open,
    /// It has ended; so much of it traded.
    Ended(Amount),
    /// There is no such order.
    Absent,
}

/// An order that rests at the venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Its id, if it is ours.
    pub id: Option<u64>,
    /// What it trades.
    pub instrument: InstrumentId,
    /// The venue's own id.
    pub venue_id: String,
}

/// A trade as the venue tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traded {
    /// The id of its order, if that is ours.
    pub id: Option<u64>,
    /// What was traded.
    pub instrument: InstrumentId,
    /// The venue's id of it.
    pub trade: u64,
    /// How much.
    pub qty: Amount,
    /// How far it has settled.
    pub settlement: Settlement,
}

/// What a venue says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Theirs {
    /// Orders that rest.
    pub open: Vec<Resting>,
    /// What it answered about single orders; an order that it did not answer about is not here.
    pub asked: BTreeMap<u64, Answer>,
    /// Trades since a time before anything could have been missed.
    pub trades: Vec<Traded>,
    /// Balances by asset, bound parts with them.
    pub balances: BTreeMap<String, Amount>,
    /// Positions that are not flat; `None` where there are none to be had.
    pub positions: Option<BTreeMap<InstrumentId, Amount>>,
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The venue says so, and something of it traded.
    Traded,
    /// The venue says so, and nothing of it traded.
    Untraded,
    /// The venue never had it.
    Never,
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A trade, by its place in [`Theirs::trades`], that is not booked.
    Trade {
        /// Its place.
        at: usize,
        /// Our order, unless somebody else's traded on the account.
        id: Option<u64>,
    },
    /// A trade that is booked, by its place in [`Theirs::trades`], has settled or failed to, and that was not told.
    Settled {
        /// Its place.
        at: usize,
    },
    /// An order of ours that we have no record of.
    Lost {
        /// Its id.
        id: u64,
        /// What it trades.
        instrument: InstrumentId,
    },
    /// An order of ours has ended, and all of it is booked with the trades found.
    Ended {
        /// Its id.
        id: u64,
        /// How.
        how: How,
    },
    /// An order of ours rests, and nobody follows it.
    Lingers {
        /// Its id.
        id: u64,
        /// What it trades.
        instrument: InstrumentId,
        /// The venue's own id, where the list of open orders has it.
        venue_id: String,
    },
    /// The venue cannot be believed about this order yet.
    Wait {
        /// Its id.
        id: u64,
        /// Why.
        why: &'static str,
    },
    /// More is booked of an order than the venue says traded.
    Beyond {
        /// Its id.
        id: u64,
        /// So much is booked.
        ours: Amount,
        /// So much traded.
        theirs: Amount,
    },
    /// An order that is not ours rests.
    Stranger {
        /// What it trades.
        instrument: InstrumentId,
        /// The venue's own id.
        venue_id: String,
    },
    /// A balance differs, and no trade accounts for it.
    Balance {
        /// Of which asset.
        asset: String,
        /// What we have.
        ours: Amount,
        /// What the venue says.
        theirs: Amount,
    },
    /// A position differs, and no trade accounts for it.
    Position {
        /// Of what.
        instrument: InstrumentId,
        /// What we have.
        ours: Amount,
        /// What the venue says.
        theirs: Amount,
    },
}

/// Below this, in units of the asset, a balance does not differ: venues tell eight decimals.
const SHOWN: Amount = Amount(10i128.pow(12));
/// Up to this a difference is what venues round, trade by trade.
const ROUNDED: Amount = Amount(10i128.pow(14));

/// What is to be done about a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The venue's answers account for it: it is booked.
    Explained,
    /// It is asked about again.
    Wait,
    /// It is adopted with a label, and told.
    Adopt,
    /// An operator must look.
    Stop,
}

impl Finding {
    /// What is to be done about it.
    pub fn class(&self) -> Class {
        match self {
            Self::Trade { id: Some(_), .. } | Self::Settled { .. } | Self::Lost { .. } | Self::Ended { .. } => {
                Class::Explained
            }
            Self::Lingers { .. } | Self::Wait { .. } => Class::Wait,
            Self::Balance { ours, theirs, .. } if apart(*ours, *theirs) <= ROUNDED => Class::Explained,
            Self::Trade { id: None, .. } | Self::Balance { .. } => Class::Adopt,
            Self::Beyond { .. } | Self::Stranger { .. } | Self::Position { .. } => Class::Stop,
        }
    }
}

/// Believes a difference that two looks in a row have seen: one look may fall between a trade and its report.
#[derive(Clone, Debug, Default)]
pub struct Twice {
    before: Vec<Finding>,
}

impl Twice {
    /// The differences of the newest look that the one before it had too.
    pub fn on(&mut self, found: Vec<Finding>) -> Vec<Finding> {
        let confirmed = found.iter().filter(|finding| self.before.contains(finding)).cloned().collect();
        self.before = found;
        confirmed
    }
}

/// The differences of orders and trades. A venue's queries show an order `lag_ns` after it was sent at the latest.
pub fn orders(ours: &Ours, theirs: &Theirs, now: Nanos, lag_ns: Nanos) -> Vec<Finding> {
    let known: BTreeMap<u64, &Doubt> = ours.doubts.iter().map(|doubt| (doubt.id, doubt)).collect();
    let fresh = fresh(ours, theirs, &known);
    let mut findings: Vec<Finding> = lost(theirs, &fresh, &known);
    findings.extend(fresh.iter().map(|&at| Finding::Trade { at, id: theirs.trades[at].id }));
    findings.extend(settled(ours, theirs).map(|at| Finding::Settled { at }));
    for doubt in ours.doubts.iter().filter(|doubt| !doubt.is_followed) {
        let booked = fresh.iter().map(|&at| &theirs.trades[at]).filter(|trade| trade.id == Some(doubt.id));
        let booked = booked.fold(doubt.booked, |sum, trade| plus(sum, trade.qty));
        findings.push(end_of(doubt, booked, theirs, now.saturating_sub(doubt.decided_ns) >= lag_ns));
    }
    findings.extend(theirs.open.iter().filter_map(|resting| stray(resting, &known)));
    findings
}

/// The differences of balances and positions, once every trade is booked.
pub fn holdings(ours: &Ours, theirs: &Theirs) -> Vec<Finding> {
    let balance = |(asset, &mine): (&String, &Amount)| {
        let theirs = theirs.balances.get(asset).copied().unwrap_or_default();
        (apart(mine, theirs) >= SHOWN).then(|| Finding::Balance { asset: asset.clone(), ours: mine, theirs })
    };
    let mut findings: Vec<Finding> = ours.balances.iter().filter_map(balance).collect();
    if let Some(positions) = &theirs.positions {
        let all: BTreeSet<InstrumentId> = ours.positions.keys().chain(positions.keys()).copied().collect();
        findings.extend(all.into_iter().filter_map(|instrument| {
            let of = |map: &BTreeMap<InstrumentId, Amount>| map.get(&instrument).copied().unwrap_or_default();
            let (ours, theirs) = (of(&ours.positions), of(positions));
            (ours != theirs).then_some(Finding::Position { instrument, ours, theirs })
        }));
    }
    findings
}

/// Places of the trades that wait here to be settled, and do not wait there.
fn settled(ours: &Ours, theirs: &Theirs) -> impl Iterator<Item = usize> {
    let has_ended = |trade: &Traded| matches!(trade.settlement, Settlement::Settled | Settlement::Failed);
    let waits = |trade: &Traded| ours.settling.contains(&(trade.instrument, trade.trade));
    (0..theirs.trades.len()).filter(move |&at| has_ended(&theirs.trades[at]) && waits(&theirs.trades[at]))
}

/// Places of the trades that are not booked and that nobody else is about to book.
fn fresh(ours: &Ours, theirs: &Theirs, known: &BTreeMap<u64, &Doubt>) -> Vec<usize> {
    let mut counted = ours.counted.clone();
    let mut is_fresh = |trade: &Traded| {
        // One that failed is undone: there is nothing to book.
        if trade.settlement == Settlement::Failed || ours.told.contains(&(trade.instrument, trade.trade)) {
            return false;
        }
        let Some(id) = trade.id else { return true };
        // What was booked by count is told now: it is booked already.
        if let Some(left) = counted.get_mut(&id).filter(|left| **left >= trade.qty) {
            *left = Amount(left.0 - trade.qty.0);
            return false;
        }
        known.get(&id).is_none_or(|doubt| !doubt.is_followed)
    };
    (0..theirs.trades.len()).filter(|&at| is_fresh(&theirs.trades[at])).collect()
}

/// Orders of ours that only the venue knows of, in the order of their ids.
fn lost(theirs: &Theirs, fresh: &[usize], known: &BTreeMap<u64, &Doubt>) -> Vec<Finding> {
    let traded = fresh.iter().map(|&at| &theirs.trades[at]).filter_map(|trade| Some((trade.id?, trade.instrument)));
    let resting = theirs.open.iter().filter_map(|resting| Some((resting.id?, resting.instrument)));
    let all: BTreeMap<u64, InstrumentId> = traded.chain(resting).filter(|(id, _)| !known.contains_key(id)).collect();
    all.into_iter().map(|(id, instrument)| Finding::Lost { id, instrument }).collect()
}

/// Where an order of ours stands, with `booked` of it booked when all that was found is.
fn end_of(doubt: &Doubt, booked: Amount, theirs: &Theirs, has_lagged: bool) -> Finding {
    let &Doubt { id, instrument, is_taken, .. } = doubt;
    let resting = theirs.open.iter().find(|resting| resting.id == Some(id));
    let lingers = |venue_id| Finding::Lingers { id, instrument, venue_id };
    if let Some(resting) = resting {
        return lingers(resting.venue_id.clone());
    }
    match theirs.asked.get(&id) {
        None => Finding::Wait { id, why: "the venue did not answer about it" },
        Some(Answer::Open) => lingers(String::new()),
        Some(&Answer::Ended(filled)) if booked < filled => Finding::Wait { id, why: "its trades are not all told" },
        Some(&Answer::Ended(theirs)) if booked > theirs => Finding::Beyond { id, ours: booked, theirs },
        Some(Answer::Ended(Amount::ZERO)) => Finding::Ended { id, how: How::Untraded },
        Some(Answer::Ended(_)) => Finding::Ended { id, how: How::Traded },
        Some(Answer::Absent) if !has_lagged => Finding::Wait { id, why: "the venue may not show it yet" },
        Some(Answer::Absent) if booked > Amount::ZERO => Finding::Ended { id, how: How::Traded },
        Some(Answer::Absent) if is_taken => Finding::Ended { id, how: How::Untraded },
        Some(Answer::Absent) => Finding::Ended { id, how: How::Never },
    }
}

/// A resting order that stands in no list of ours.
fn stray(resting: &Resting, known: &BTreeMap<u64, &Doubt>) -> Option<Finding> {
    let &Resting { id, instrument, ref venue_id } = resting;
    match id {
        None => Some(Finding::Stranger { instrument, venue_id: venue_id.clone() }),
        Some(id) if known.contains_key(&id) => None,
        Some(id) => Some(Finding::Lingers { id, instrument, venue_id: venue_id.clone() }),
    }
}

fn apart(a: Amount, b: Amount) -> Amount {
    Amount(a.0.saturating_sub(b.0).saturating_abs())
}

fn plus(a: Amount, b: Amount) -> Amount {
    Amount(a.0.saturating_add(b.0))
}

#[cfg(test)]
mod tests;
