//! The ground truth: everything that was asked, answered, traded and moved, in order, never changed.

use std::collections::VecDeque;

use serde::Serialize;

/// Entries kept; a run that writes more forgets its oldest.
const KEPT: usize = 500_000;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number, from 0.
    pub number: u64,
    /// Simulated wall time in ns.
    pub at_ns: u64,
    /// What happened.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What happened. Amounts are decimals without trailing zeros, accounts are numbered from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the members are named as in the venue's own messages")]
pub enum Fact {
    /// A private request was answered.
    Request { method: String, path: String, status: u16 },
    /// An order was taken in.
    Accepted {
        order: String,
        account: usize,
        token: String,
        side: &'static str,
        price: String,
        size: String,
        kind: &'static str,
    },
    /// An order was refused.
    Refused { account: usize, why: String },
    /// Part of a trade.
    Fill {
        trade: String,
        order: String,
        account: usize,
        token: String,
        maker: bool,
        side: &'static str,
        price: String,
        size: String,
        fee: String,
    },
    /// An order ended unfilled.
    Canceled { order: String, account: usize, why: String },
    /// A trade came further on its way to the chain.
    Settlement { trade: String, stage: &'static str },
    /// Collateral at an address after a move.
    Collateral { account: usize, address: String, total: String },
    /// Shares at an address after a move.
    Shares { account: usize, address: String, token: String, total: String },
}

/// The entries.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: VecDeque<Entry>,
    next: u64,
}

impl Ledger {
    /// Writes a fact down.
    pub(super) fn note(&mut self, at_ns: u64, fact: Fact) {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { number: self.next, at_ns, fact });
        self.next += 1;
    }

    /// Entries from number `from` on.
    pub(super) fn since(&self, from: u64) -> Vec<Entry> {
        self.entries.iter().filter(|entry| entry.number >= from).cloned().collect()
    }
}
