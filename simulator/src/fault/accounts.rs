//! Faults that venues do to accounts of their own accord, at once: balances, forced closes, foreign orders,
//! switches that fire, private streams that end.

use crate::amount::Amount;
use crate::desk::Desk;
use crate::exchange::{Exchange, Turn};
use crate::fault::script::Injection;
use crate::fault::verb::Verb;
use crate::world::State;

impl State {
    /// Does what the verb says to the accounts at the target; `None` when it says nothing about accounts.
    pub(super) fn accounts(&mut self, injection: &Injection) -> Option<Result<usize, String>> {
        Some(match &injection.verb {
            Verb::Balance { asset, value } => match Amount::parse(value) {
                Some(value) => Ok(self.exchanges(injection, |exchange, turn| exchange.set_balance(asset, value, turn))),
                None => Err(format!("`value` is not a decimal: `{value}`")),
            },
            Verb::DeadmanFire {} => Ok(self.exchanges(injection, Exchange::fire_deadmen)),
            Verb::Expire {} | Verb::Terminate {} => {
                Ok(self.exchanges(injection, |exchange, turn| exchange.end_streams(1, turn)))
            }
            Verb::DoubleExpire {} => Ok(self.exchanges(injection, |exchange, turn| exchange.end_streams(2, turn))),
            Verb::ForceClose { kind } => {
                let kind = *kind;
                self.instrument(injection, |exchange, listing, turn| exchange.force_close(listing, kind, turn))
            }
            Verb::ForeignOrder {} => self.instrument(injection, Exchange::foreign_order),
            _ => return None,
        })
    }

    /// Every exchange at the target; returns how much was touched.
    fn exchanges(&mut self, injection: &Injection, act: impl Fn(&mut Exchange, &mut Turn<'_>) -> usize) -> usize {
        let mut touched = 0;
        let Self { market, desks, faults, ledger, now_ns, .. } = self;
        let fits = |desk: &&mut Desk| injection.target.venue.is_none_or(|venue| venue == desk.venue);
        for desk in desks.iter_mut().filter(fits) {
            let venue_ns = now_ns.saturating_add_signed(faults.skew_ns(desk.venue, *now_ns));
            touched += act(&mut desk.exchange, &mut Turn { market, faults, ledger, now_ns: *now_ns, venue_ns });
        }
        touched
    }

    /// The instrument at the target, at every exchange there; the symbol must be named.
    fn instrument(
        &mut self,
        injection: &Injection,
        act: impl Fn(&mut Exchange, usize, &mut Turn<'_>) -> usize,
    ) -> Result<usize, String> {
        let symbol = injection.target.symbol.as_ref().ok_or("this verb needs a `symbol`")?;
        let touched = self.exchanges(injection, |exchange, turn| {
            let boards = exchange.venue.boards().iter();
            let listings: Vec<usize> = boards.filter_map(|&board| turn.market.find(board, symbol)).collect();
            listings.into_iter().map(|listing| act(exchange, listing, turn)).sum()
        });
        if touched == 0 { Err(format!("nothing of `{symbol}` to touch there")) } else { Ok(touched) }
    }
}
