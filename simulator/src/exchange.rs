//! A venue's trading core: accounts, orders, matching, fees, news for private streams. It knows no venue's words;
//! what is asked is a [`Ticket`], what is refused a [`Refusal`].
//!
//! Orders match by price and time against the seeded crowd of the market (whose books lose what is taken) and
//! against each other. All turns run under the world's lock, with their surroundings in a [`Turn`].

pub(crate) mod account;
pub(crate) mod deadman;
pub(crate) mod event;
mod funds;
mod judge;
pub(crate) mod limits;
mod matching;
pub(crate) mod meter;
pub(crate) mod order;
pub(crate) mod queries;
pub(crate) mod refusal;
pub(crate) mod rules;
mod scripted;
mod streams;
#[cfg(test)]
mod tests;
pub(crate) mod twist;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use account::{Account, Balance};
use deadman::Switches;
use event::{Cause, Event, News};
use limits::Limits;
use meter::Meter;
use order::{Ending, Fill, Order, Size, Status, Ticket, TimeInForce};
use refusal::Refusal;
use rules::{BoardRules, Grid};
use twist::Twist;

use crate::amount::Amount;
use crate::config::{Board, Venue};
use crate::fault::script::Happening;
use crate::fault::verb::PostOnlyFault;
use crate::fault::{Faults, Place};
use crate::ledger::{Deed, Ledger, Refused};
use crate::market::Market;
use crate::members::Member;

/// Ended orders, and fills, that queries still find.
const KEPT: usize = 100_000;

/// What a turn of the exchange needs around it.
pub(crate) struct Turn<'a> {
    pub(crate) market: &'a mut Market,
    pub(crate) faults: &'a mut Faults,
    pub(crate) ledger: &'a mut Ledger,
    /// Time by the simulator's clock.
    pub(crate) now_ns: u64,
    /// Time by the venue's clock.
    pub(crate) venue_ns: u64,
}

/// An order that was taken in, as it stands after its first matching, and what traded at once.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) order: Order,
    pub(crate) fills: Vec<Fill>,
}

/// One venue's core.
pub(crate) struct Exchange {
    pub(crate) venue: Venue,
    rules: BTreeMap<Board, BoardRules>,
    pub(crate) accounts: Vec<Account>,
    orders: BTreeMap<u64, Order>,
    /// Resting orders by listing.
    resting: BTreeMap<usize, BTreeSet<u64>>,
    /// The latest order of a client id.
    by_client: HashMap<(usize, String), u64>,
    fills: VecDeque<Fill>,
    /// News not yet told.
    events: Vec<Event>,
    deadmen: Switches,
    /// Keys that open private streams: whose, and until when.
    stream_keys: BTreeMap<String, (usize, u64)>,
    /// What requests have weighed, where the venue weighs them.
    pub(crate) meter: Meter,
    /// How often members ask, where the venue counts that.
    pub(crate) limits: Limits,
    next_order: u64,
    next_fill: u64,
    next_event: u64,
    next_rank: u64,
}

impl Exchange {
    /// The core of a venue with one account per member, that bears `patience` times as many of their requests.
    pub(crate) fn new(venue: Venue, members: &[Member], patience: u32) -> Self {
        let rules = venue.boards().iter().map(|&board| (board, BoardRules::of(board))).collect();
        let open = |member: &Member| {
            let mut account = Account::default();
            // the futures wallet holds what margin is paid in, nothing else
            let fits = |asset: &str| venue != Venue::BinanceUsdm || asset.starts_with("USD");
            for (asset, amount) in member.deposits.iter().filter(|(asset, _)| fits(asset)) {
                account.balances.insert(asset.clone(), Balance { total: *amount, held: Amount::ZERO });
            }
            account
        };
        Self {
            venue,
            rules,
            accounts: members.iter().map(open).collect(),
            orders: BTreeMap::new(),
            resting: BTreeMap::new(),
            by_client: HashMap::new(),
            fills: VecDeque::new(),
            events: Vec::new(),
            deadmen: Switches::default(),
            stream_keys: BTreeMap::new(),
            meter: Meter::patient(patience),
            limits: Limits::patient(patience),
            next_fill: 0,
            next_order: 1_000_000 * (venue as u64 + 1) + 1,
            next_event: 1,
            next_rank: 1,
        }
    }

    /// The rules of a board of this venue.
    pub(crate) fn rules(&self, board: Board) -> BoardRules {
        self.rules.get(&board).cloned().unwrap_or_else(|| BoardRules::of(board))
    }

    /// What faults do to a request about a listing that arrives at `place`.
    pub(crate) fn twist(&self, place: &Place<'_>, turn: &mut Turn<'_>) -> Twist {
        turn.faults.happened(Happening::Order, place, turn.now_ns);
        turn.faults.twist(place)
    }

    /// Takes an order in and matches it, or says why not. A request that a fault loses must not come here.
    pub(crate) fn place(&mut self, ticket: &Ticket, twist: &Twist, turn: &mut Turn<'_>) -> Result<Placed, Refusal> {
        let order = match self.judge(ticket, twist, turn) {
            Ok(order) => order,
            Err(why) => {
                let listing = turn.market.listing(ticket.listing);
                let (board, symbol) = (listing.board, listing.symbol.clone());
                let (account, client_id) = (ticket.account, ticket.client_id.clone());
                turn.note(self.venue, Deed::Refused { account, board, symbol, client_id, why: Refused(why) });
                return Err(why);
            }
        };
        let (id, fault) = (order.id, twist.post_only(order.tif));
        self.admit(order.clone(), twist, turn);
        if fault == Some(PostOnlyFault::Vanish) {
            self.vanish(id, turn);
            return Ok(Placed { order, fills: Vec::new() });
        }
        let fills = if let Some(how @ (PostOnlyFault::Cancel | PostOnlyFault::Take)) = fault {
            self.mistreat(id, how, twist, turn)
        } else if twist.reject_after_ack {
            self.end(id, Ending::Refused, None, turn);
            Vec::new()
        } else {
            self.run(id, twist, turn)
        };
        self.tell_holdings(turn, "ORDER");
        self.prune();
        self.orders.get(&id).map(|order| Placed { order: order.clone(), fills }).ok_or(Refusal::Unknown)
    }

    /// What [`Self::place`] would say, without doing it.
    pub(crate) fn test(&mut self, ticket: &Ticket, twist: &Twist, turn: &mut Turn<'_>) -> Result<(), Refusal> {
        self.judge(ticket, twist, turn).map(|_| ())
    }

    /// Ends an open order at its owner's wish; `request` is the client id of the cancel itself.
    pub(crate) fn cancel(
        &mut self,
        id: u64,
        request: Option<String>,
        twist: &Twist,
        turn: &mut Turn<'_>,
    ) -> Result<Order, Refusal> {
        let open = self.orders.get(&id).is_some_and(Order::is_open);
        if open && twist.cancel_race_ns.is_some() {
            self.fill_by_force(id, turn);
            self.tell_holdings(turn, "ORDER");
            return Err(Refusal::Unknown);
        }
        if !open {
            return Err(Refusal::Unknown);
        }
        self.end(id, Ending::Cancelled, request, turn);
        self.tell_holdings(turn, "ORDER");
        self.orders.get(&id).cloned().ok_or(Refusal::Unknown)
    }

    /// Ends the open orders of an account on a listing, or everywhere; returns them as they then stand.
    pub(crate) fn cancel_all(
        &mut self,
        account: usize,
        listing: Option<usize>,
        why: Ending,
        turn: &mut Turn<'_>,
    ) -> Vec<Order> {
        let ids: Vec<u64> = self.resting_of(account, listing).map(|order| order.id).collect();
        for &id in &ids {
            self.end(id, why, None, turn);
        }
        self.tell_holdings(turn, "ORDER");
        ids.iter().filter_map(|id| self.orders.get(id).cloned()).collect()
    }

    /// Gives an open order another price or quantity (the whole, with what has traded). One that only gets
    /// smaller keeps its place; any other is matched anew.
    pub(crate) fn amend(
        &mut self,
        id: u64,
        price: Option<Amount>,
        qty: Option<Amount>,
        twist: &Twist,
        turn: &mut Turn<'_>,
    ) -> Result<Placed, Refusal> {
        let old = self.orders.get(&id).filter(|order| order.is_open()).cloned().ok_or(Refusal::Unknown)?;
        let mut new = old.clone();
        (new.price, new.qty) = (price.or(old.price), qty.unwrap_or(old.qty));
        new.changed_ns = turn.venue_ns;
        if new.price == old.price && new.qty == old.qty {
            return Err(Refusal::Amendment);
        }
        if new.qty <= old.filled {
            return Err(Refusal::Quantity);
        }
        self.judge_change(&old, &mut new, twist, turn)?;
        let smaller = new.price == old.price && new.qty < old.qty;
        self.hold(&new, new.held - old.held, turn);
        turn.note(
            self.venue,
            Deed::Amended { order: id, client_id: new.client_id.clone(), price: new.price, qty: new.qty },
        );
        if !smaller {
            new.rank = self.next_rank;
            self.next_rank += 1;
            self.unrest(&new);
        }
        self.orders.insert(id, new);
        self.tell(id, Cause::Amended, 0, turn);
        let fills = if smaller { Vec::new() } else { self.run(id, twist, turn) };
        self.tell_holdings(turn, "ORDER");
        self.orders.get(&id).map(|order| Placed { order: order.clone(), fills }).ok_or(Refusal::Unknown)
    }

    /// After the market has moved: resting orders trade, switches fire, what is delisted ends.
    pub(crate) fn step(&mut self, turn: &mut Turn<'_>) {
        self.fire_due(turn);
        self.expire_streams(turn);
        let listings: Vec<usize> = self.resting.keys().copied().collect();
        for listing in listings {
            if turn.market.listing(listing).gone {
                let ids: Vec<u64> = self.resting.remove(&listing).into_iter().flatten().collect();
                ids.into_iter().for_each(|id| self.end(id, Ending::Venue, None, turn));
            } else if turn.market.listing(listing).status.is_none() {
                self.flow(listing, turn);
            }
        }
        self.tell_holdings(turn, "ORDER");
    }

    /// News that has come up since the last call.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    fn admit(&mut self, order: Order, twist: &Twist, turn: &mut Turn<'_>) {
        let (id, account) = (order.id, order.account);
        turn.note(self.venue, Deed::order(&order));
        self.hold(&order, order.held, turn);
        if let (None, Some(account)) = (order.forced, self.accounts.get_mut(account)) {
            account.note_order(turn.now_ns);
        }
        self.by_client.insert((account, order.client_id.clone()), id);
        self.orders.insert(id, order);
        self.tell(id, Cause::New, twist.ack_late_ns, turn);
    }

    /// Matches an order that is not resting; then it rests or ends.
    fn run(&mut self, id: u64, twist: &Twist, turn: &mut Turn<'_>) -> Vec<Fill> {
        let Some(order) = self.orders.get(&id) else { return Vec::new() };
        let (tif, unfit) = (order.tif, self.unfit(order, twist, turn));
        if let Some(why) = unfit {
            self.end(id, why, None, turn);
            return Vec::new();
        }
        let (fills, ending) = self.execute(id, twist, turn);
        let Some(order) = self.orders.get(&id).filter(|order| order.is_open()) else { return fills };
        let rests = order.price.is_some() && matches!(tif, TimeInForce::Gtc | TimeInForce::PostOnly);
        match ending {
            Some(why) => self.end(id, why, None, turn),
            None if rests => self.rest(id, turn),
            None => self.end(id, Ending::Immediate, None, turn),
        }
        fills
    }

    /// Puts an order on the book behind the crowd at its price.
    fn rest(&mut self, id: u64, turn: &Turn<'_>) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        let grid = Grid::of(turn.market.listing(order.listing));
        let px = order.price.unwrap_or_default().units(grid.px_dp);
        order.ahead = turn.market.book(order.listing).standing(order.side == order::Side::Buy, px);
        self.resting.entry(order.listing).or_default().insert(id);
    }

    fn unrest(&mut self, order: &Order) {
        if let Some(ids) = self.resting.get_mut(&order.listing) {
            ids.remove(&order.id);
            if ids.is_empty() {
                self.resting.remove(&order.listing);
            }
        }
    }

    /// Ends an open order with what it has left.
    fn end(&mut self, id: u64, why: Ending, request: Option<String>, turn: &mut Turn<'_>) {
        let Some(order) = self.orders.get_mut(&id).filter(|order| order.is_open()) else { return };
        order.status = Status::Ended(why);
        order.changed_ns = turn.venue_ns;
        let held = std::mem::take(&mut order.held);
        let order = order.clone();
        self.unrest(&order);
        self.hold(&order, -held, turn);
        turn.note(self.venue, Deed::ended(&order, why));
        self.tell(id, Cause::Ended(request), 0, turn);
    }

    /// As [`Self::end`], and nobody is told.
    fn vanish(&mut self, id: u64, turn: &mut Turn<'_>) {
        let before = self.events.len();
        self.end(id, Ending::Venue, None, turn);
        self.events.truncate(before);
    }

    /// Keeps what queries find to a bound; the oldest ended orders go first.
    fn prune(&mut self) {
        while self.orders.len() > KEPT {
            let Some(entry) = self.orders.first_entry().filter(|entry| !entry.get().is_open()) else { return };
            let order = entry.remove();
            let key = (order.account, order.client_id);
            if self.by_client.get(&key) == Some(&order.id) {
                self.by_client.remove(&key);
            }
        }
    }

    /// News about an order as it stands.
    fn tell(&mut self, id: u64, cause: Cause, late_ns: u64, turn: &Turn<'_>) {
        let Some(order) = self.orders.get(&id).cloned() else { return };
        let account = order.account;
        self.push(account, News::Order { order: Box::new(order), cause }, late_ns, turn.venue_ns);
    }

    fn push(&mut self, account: usize, news: News, late_ns: u64, at_ns: u64) {
        let number = self.next_event;
        self.next_event += 1;
        self.events.push(Event { number, account, at_ns, late_ns, news });
    }

    /// News about every balance and position that has been touched.
    fn tell_holdings(&mut self, turn: &mut Turn<'_>, cause: &'static str) {
        for account in 0..self.accounts.len() {
            let Some(holder) = self.accounts.get_mut(account) else { return };
            let (assets, listings) = std::mem::take(&mut holder.touched);
            if assets.is_empty() && listings.is_empty() {
                continue;
            }
            let balances: Vec<_> = assets.into_iter().map(|asset| (asset.clone(), holder.balance(&asset))).collect();
            let positions: Vec<_> = listings.into_iter().map(|listing| (listing, holder.position(listing))).collect();
            for (asset, Balance { total, held }) in balances.clone() {
                turn.note(self.venue, Deed::Balance { account, asset, total, held });
            }
            for (listing, position) in &positions {
                let listing = turn.market.listing(*listing);
                let (board, symbol) = (listing.board, listing.symbol.clone());
                let (qty, cost) = (position.qty, position.cost);
                turn.note(self.venue, Deed::Position { account, board, symbol, qty, cost });
            }
            self.push(account, News::Holdings { balances, positions, cause }, 0, turn.venue_ns);
        }
    }
}

impl Turn<'_> {
    /// The same turn for a part of it.
    pub(crate) fn again(&mut self) -> Turn<'_> {
        let Self { market, faults, ledger, now_ns, venue_ns } = self;
        Turn { market, faults, ledger, now_ns: *now_ns, venue_ns: *venue_ns }
    }

    /// Writes a deed down at the present time.
    pub(crate) fn note(&mut self, venue: Venue, deed: Deed) -> u64 {
        self.ledger.note(venue, self.now_ns, deed)
    }
}

/// What a size comes to: the quantity, and the quote coins if those were named.
fn quote_of(size: Size) -> Option<Amount> {
    match size {
        Size::Quote(amount) => Some(amount),
        Size::Quantity(_) => None,
    }
}
