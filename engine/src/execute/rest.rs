//! Coming to rest: every order withdrawn, what is exposed closed, and how things stand, told when asked.

use super::Executor;
use crate::context::Context;
use highwire_links::ids::PairId;
use highwire_links::lifecycle::Event;
use highwire_links::limits::AUDIT_PER_REPORT_MAX;
use highwire_links::order::{Action as Verb, OrderTx};

impl Executor {
    /// Every open order is to be withdrawn, also one that was asked to be before: requests get lost.
    pub fn on_cancel_all(&mut self) {
        self.withdrawing = (!cfg!(mutant = "withdraw-own")).then_some(0);
    }

    /// Withdraws as many as there is room for; returns how many.
    pub fn cancel_on(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx) -> usize {
        let (Some(mut place), mut done) = (self.withdrawing, 0) else { return 0 };
        while place < self.orders.places() {
            let id = self.orders.open_at(place).map(|order| order.id);
            if let Some(id) = id {
                if tx.room() == 0 || cx.ports.audit.room() < AUDIT_PER_REPORT_MAX {
                    self.withdrawing = Some(place);
                    return done;
                }
                self.request(cx, tx, id, Verb::Cancel);
                done += 1;
            }
            place += 1;
        }
        self.withdrawing = None;
        done
    }

    /// Closes what is exposed and followed by no trade, also what was left to a human: one asked for it.
    pub fn on_flatten(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx) {
        for index in 0..self.berths.len() {
            if self.is_exposed(index) {
                let pair = PairId(index as u16);
                self.berths[index].is_blocked = false;
                let venues = self.members[index].iter().fold(0, |venues, &id| venues | self.venue_bit(id));
                self.rescue(cx, tx, pair, venues);
            }
        }
    }

    /// How things stand.
    pub fn standing(&self) -> Event {
        // The tables are far smaller than a u32.
        let exposed = (0..self.berths.len()).filter(|&index| self.is_exposed(index)).count() as u32;
        Event::Standing { orders: self.orders.open() as u32, trades: self.active.len() as u32, exposed }
    }

    fn is_exposed(&self, index: usize) -> bool {
        let berth = &self.berths[index];
        berth.active.is_none() && berth.dust.unsigned_abs() >= berth.least.max(1).unsigned_abs()
    }
}
