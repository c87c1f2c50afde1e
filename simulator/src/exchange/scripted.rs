//! What the venue does to accounts of its own accord, when a fault script says so.

use crate::amount::Amount;
use crate::config::Venue;
use crate::exchange::event::News;
use crate::exchange::funds::Share;
use crate::exchange::order::{Ending, Fill, Side, Size, Ticket, TimeInForce};
use crate::exchange::rules::Grid;
use crate::exchange::twist::Twist;
use crate::exchange::{Exchange, Turn};
use crate::fault::verb::{ForcedClose, PostOnlyFault};

impl Exchange {
    /// Sets what every account has free of an asset; returns how many accounts there are.
    pub(crate) fn set_balance(&mut self, asset: &str, free: Amount, turn: &mut Turn<'_>) -> usize {
        for number in 0..self.accounts.len() {
            let Some(account) = self.accounts.get_mut(number) else { break };
            let change = free - account.balance(asset).free();
            account.credit(asset, change, Amount::ZERO);
            let asset = asset.to_owned();
            self.push(number, News::Transfer { asset, change }, 0, turn.venue_ns);
        }
        self.tell_holdings(turn, "ADJUSTMENT");
        self.accounts.len()
    }

    /// Closes every position in a listing at the best price against it, as orders of the venue's own; returns how many.
    pub(crate) fn force_close(&mut self, listing: usize, kind: ForcedClose, turn: &mut Turn<'_>) -> usize {
        let mut closed = 0;
        for account in 0..self.accounts.len() {
            let qty = self.position(account, listing).qty;
            if qty.is_zero() {
                continue;
            }
            let side = if qty.is_positive() { Side::Sell } else { Side::Buy };
            let client_id = self.forced_id(kind, turn);
            let ticket =
                Ticket { reduce_only: true, forced: Some(kind), ..bare(account, listing, side, client_id, qty) };
            closed += usize::from(self.close(&ticket, turn));
        }
        self.tell_holdings(turn, "ORDER");
        closed
    }

    /// An order appears on every account that none of its clients sent: a small bid well below the market.
    pub(crate) fn foreign_order(&mut self, listing: usize, turn: &mut Turn<'_>) -> usize {
        let grid = Grid::of(turn.market.listing(listing));
        let Some((px, _)) = turn.market.book(listing).bid() else { return 0 };
        let price = grid.price((px / 10 * 9).max(1));
        // worth about fifty quote coins
        let qty = grid.qty(grid.lots(Amount::whole(50) / (price * grid.contract)).max(1));
        let mut placed = 0;
        for account in 0..self.accounts.len() {
            // an order of the venue's own pages has an id at Binance only
            let web = || format!("web_{:016x}", turn.venue_ns.wrapping_add(account as u64));
            let client_id = if self.names_its_own() { web() } else { String::new() };
            let ticket = Ticket {
                price: Some(price),
                tif: TimeInForce::Gtc,
                ..bare(account, listing, Side::Buy, client_id, qty)
            };
            placed += usize::from(self.place(&ticket, &Twist::default(), turn).is_ok());
        }
        placed
    }

    /// Every private stream ends and says so, `times` times; returns how many accounts there are.
    pub(crate) fn end_streams(&mut self, times: usize, turn: &Turn<'_>) -> usize {
        self.stream_keys.clear();
        for account in 0..self.accounts.len() {
            (0..times).for_each(|_| self.push(account, News::Ended(None), 0, turn.venue_ns));
        }
        self.accounts.len()
    }

    /// Does with an order that may only rest what it should not have come to.
    pub(super) fn mistreat(&mut self, id: u64, how: PostOnlyFault, twist: &Twist, turn: &mut Turn<'_>) -> Vec<Fill> {
        if how == PostOnlyFault::Cancel {
            self.end(id, Ending::Venue, None, turn);
            return Vec::new();
        }
        let Some(order) = self.orders.get(&id).cloned() else { return Vec::new() };
        let (grid, price) = (Grid::of(turn.market.listing(order.listing)), order.price.unwrap_or_default());
        let (px, lots) = (price.units(grid.px_dp), grid.lots(order.rest()));
        let book = turn.market.book_mut(order.listing);
        let trade = book.trade_outside(px, lots, order.side == Side::Buy, turn.venue_ns);
        let share = Share { trade, price, qty: order.rest(), maker: false };
        self.settle(id, share, twist, turn).into_iter().collect()
    }

    /// Whether the venue gives client ids to orders that no client sent.
    const fn names_its_own(&self) -> bool {
        matches!(self.venue, Venue::BinanceSpot | Venue::BinanceUsdm)
    }

    fn forced_id(&self, kind: ForcedClose, turn: &Turn<'_>) -> String {
        if !self.names_its_own() {
            return String::new();
        }
        let ms = turn.venue_ns / 1_000_000;
        match kind {
            ForcedClose::Liquidation => format!("autoclose-{ms}-{}", self.next_order),
            ForcedClose::Adl => "adl_autoclose".to_owned(),
            ForcedClose::Settlement => format!("settlement_autoclose-{ms}-{}", self.next_order),
        }
    }

    fn close(&mut self, ticket: &Ticket, turn: &mut Turn<'_>) -> bool {
        // the venue's own order passes every filter but the grid
        let twist = Twist { id_rule: Some(crate::fault::verb::IdRule::None), ..Twist::default() };
        let Ok(order) = self.judge(ticket, &twist, turn) else { return false };
        let (id, listing) = (order.id, order.listing);
        let grid = Grid::of(turn.market.listing(listing));
        let book = turn.market.book(listing);
        let best = if ticket.side == Side::Buy { book.ask() } else { book.bid() };
        let Some((px, _)) = best else { return false };
        let qty = order.qty;
        self.admit(order, &twist, turn);
        let trade =
            turn.market.book_mut(listing).trade_outside(px, grid.lots(qty), ticket.side == Side::Buy, turn.venue_ns);
        let share = Share { trade, price: grid.price(px), qty, maker: false };
        self.settle(id, share, &twist, turn);
        true
    }
}

/// A market order for a quantity, whatever its sign.
fn bare(account: usize, listing: usize, side: Side, client_id: String, qty: Amount) -> Ticket {
    Ticket {
        account,
        listing,
        client_id,
        side,
        price: None,
        size: Size::Quantity(qty.abs()),
        tif: TimeInForce::Ioc,
        reduce_only: false,
        self_trade: None,
        word: String::new(),
        forced: None,
    }
}
