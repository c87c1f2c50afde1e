//! The end of a question: what is held of an outcome is paid out at what it was decided to pay, and nothing of it is exposed
//! any more.

use super::Executor;
use crate::context::Context;
use crate::position::Trade;
use highwire_links::audit::Record;
use highwire_links::counter::Counter;
use highwire_links::fill::{Report, ReportKind};
use highwire_links::fixed::{Px, Qty};
use highwire_links::ids::{InstrumentId, Side};
use highwire_links::lifecycle;

impl Executor {
    /// It was decided that each unit pays `px`. The payment is recorded like a sale that nobody ordered.
    pub fn on_decided(&mut self, cx: &mut Context<'_>, id: InstrumentId, px: Px) {
        let Some(instrument) = self.instruments.get(id.index()).copied() else { return };
        let position = self.wallets.account(id).map_or(0, |account| account.standing.position);
        if position <= 0 {
            return;
        }
        let paid = Report {
            px,
            qty: Qty(position),
            flags: Report::SOLD | Report::PAID_OUT,
            ..Report::about(0, id, ReportKind::Foreign, cx.now)
        };
        if self.wallets.on_fill(&instrument, &Trade::new(Side::Sell, &paid)).is_none() {
            return cx.tally.add(Counter::Overflows);
        }
        cx.ports.audit.write(Record::Settled(paid));
        cx.tell(lifecycle::Event::PaidOut { instrument: id, position, px: px.0, at_ns: cx.now });
        let scale = self.scales[instrument.pair.index()];
        let base = instrument.base_qty(px, Qty(position), scale.qty_dp).unwrap_or(0);
        let moved = if self.is_inverse[id.index()] { base } else { -base };
        let berth = &mut self.berths[self.homes[instrument.pair.index()].index()];
        berth.dust = berth.dust.saturating_add(moved);
    }
}
