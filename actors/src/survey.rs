//! Asks a venue for everything that a comparison with our own figures needs: orders by id, open orders, trades since a
//! time, balances, positions. What is asked last is the newest: trades before balances, so that a balance is never
//! held against trades that it does not know.

use crate::account::{Account, AskError};
use highwire_engine::clock::Clock;
use highwire_links::fixed::Amount;
use highwire_links::order::Order;
use highwire_links::rate::{Priority, RateBudget};
use highwire_links::{InstrumentId, Nanos};
use highwire_supervision::reconcile::{Answer, Resting, Theirs, Traded};
use highwire_venues::orders::Listed;
use highwire_venues::private::{OrderState, OrderStatus, Query, Refusal, Reply, TradeState, Why};
use highwire_venues::spec::Kind;
use highwire_venues::venue::Venue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Trades are asked for from so long before the time that is wanted: the venue's clock is not ours.
const MARGIN_MS: i64 = 60_000;
/// Between two tries to get room in the budget, at least and at most.
const BREATH_NS: u64 = 10_000_000;
const WAIT_MAX_NS: u64 = 1_000_000_000;
/// Pages of one list that are read at most; a longer one is not believed to end.
const PAGES_MAX: usize = 100;

/// Up to so many orders in doubt are asked about one by one; more are looked for in the list of ended ones, where a venue
/// has one of all.
const ALONE_MAX: usize = 8;
/// An order that is in no list was never there, if it was sent since: orders without a trade leave the list after two
/// hours.
const LISTED_NS: Nanos = 3_600_000_000_000;

/// What to ask about.
#[derive(Clone, Debug)]
pub struct Question {
    /// What may be traded there.
    pub listed: Arc<[Listed]>,
    /// Orders whose end is not known.
    pub doubts: Vec<Order>,
    /// Trades since then; `None` for none at all.
    pub since_ns: Option<Nanos>,
    /// Trades that are known: nobody asks whose they are.
    pub told: BTreeSet<(InstrumentId, u64)>,
}

/// What a venue said.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// For the comparison.
    pub theirs: Theirs,
    /// The trades as they were told, each at the place that it has there.
    pub trades: Vec<TradeState>,
    /// Orders of ours, by id.
    pub orders: BTreeMap<u64, OrderState>,
    /// Mean prices of the positions that are not flat.
    pub entries: BTreeMap<InstrumentId, Amount>,
}

/// Asks everything; with a budget, no more of it at a time than that allows.
///
/// # Errors
/// Something has no answer: then nothing is known.
pub async fn survey(
    account: &Account,
    question: &Question,
    budget: Option<&mut RateBudget>,
) -> Result<Survey, AskError> {
    let mut asking = Asking { account, question, budget, found: Survey::default(), by_venue: BTreeMap::new() };
    // What rests is asked for before what has ended: between the two no order can hide.
    let listed_since_ns = account.clock.now().saturating_sub(LISTED_NS);
    let (listed, alone): (Vec<&Order>, Vec<&Order>) = question.doubts.iter().partition(|order| {
        account.venue == Venue::Okx && question.doubts.len() > ALONE_MAX && order.decided_ns >= listed_since_ns
    });
    for order in alone {
        asking.order(order).await?;
    }
    let each = question.listed.iter().map(Some);
    // A list of everything costs one of the few questions that OKX allows, whatever is traded there.
    let asked: Vec<Option<&Listed>> = if account.venue == Venue::Okx { vec![None] } else { each.collect() };
    for of in asked {
        asking.open(of).await?;
        asking.ended(&listed).await?;
        if let Some(since_ns) = question.since_ns {
            asking.trades(of, since_ns).await?;
        }
    }
    asking.holdings().await?;
    Ok(asking.found)
}

struct Asking<'a> {
    account: &'a Account,
    question: &'a Question,
    budget: Option<&'a mut RateBudget>,
    found: Survey,
    /// Whose an order is, by the venue's own id.
    by_venue: BTreeMap<String, Option<u64>>,
}

impl Asking<'_> {
    /// Asks when there is room for it.
    async fn ask(&mut self, query: &Query<'_>) -> Result<Reply, AskError> {
        self.wait_room(query).await;
        self.account.ask(query).await
    }

    async fn wait_room(&mut self, query: &Query<'_>) {
        let Some(budget) = &mut self.budget else { return };
        let cost = self.account.cost(query);
        while let Err(at_ns) = budget.ask(self.account.clock.now(), Priority::Reconcile, &cost) {
            let wait_ns = at_ns.saturating_sub(self.account.clock.now()).clamp(BREATH_NS, WAIT_MAX_NS);
            tokio::time::sleep(Duration::from_nanos(wait_ns)).await;
        }
    }

    fn listed(&self, instrument: InstrumentId) -> Option<Listed> {
        self.question.listed.iter().find(|listed| listed.entry.id == instrument).cloned()
    }

    fn named(&self, symbol: &str) -> Option<Listed> {
        self.question.listed.iter().find(|listed| listed.symbol == symbol).cloned()
    }

    fn keep(&mut self, order: OrderState) {
        self.by_venue.insert(order.venue_id.clone(), order.id);
        if let Some(id) = order.id {
            self.found.orders.insert(id, order);
        }
    }

    /// One order by our id. An instrument that is not traded any more, or a question that the venue does not have,
    /// leaves it without an answer.
    async fn order(&mut self, order: &Order) -> Result<(), AskError> {
        let Some(listed) = self.listed(order.instrument) else { return Ok(()) };
        if self.account.venue == Venue::Polymarket {
            // It names orders by hashes that follow from what was kept of them.
            let recalled = self.account.keys.get().wallet().ok().and_then(|wallet| wallet.recall(&listed, order));
            if recalled.is_none() {
                return Ok(());
            }
        }
        let answer = self.ask(&Query::Order { symbol: &listed.symbol, id: order.id }).await;
        match absent(answer)? {
            None => _ = self.found.theirs.asked.insert(order.id, Answer::Absent),
            Some(Reply::Orders { orders, .. }) => {
                for state in orders.into_iter().filter(|state| state.id == Some(order.id)) {
                    if let Some(answer) = standing(&state) {
                        self.found.theirs.asked.insert(order.id, answer);
                    }
                    self.keep(state);
                }
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Orders that rest: of one instrument, or of all that are listed here.
    async fn open(&mut self, of: Option<&Listed>) -> Result<(), AskError> {
        let mut pages = Pages::default();
        loop {
            let query = Query::OpenOrders { symbol: of.map(|of| of.symbol.as_str()), page: pages.at() };
            let Reply::Orders { orders, next } = self.ask(&query).await? else { return Err(astray()) };
            for order in orders {
                let Some(listed) = of.cloned().or_else(|| self.named(&order.symbol)) else { continue };
                let resting = Resting { id: order.id, instrument: listed.entry.id, venue_id: order.venue_id.clone() };
                self.found.theirs.open.push(resting);
                self.keep(order);
            }
            if !pages.turn(next)? {
                return Ok(());
            }
        }
    }

    /// Looks for these orders in the list of ended ones, of each kind of instrument. Called after what rests is known.
    async fn ended(&mut self, doubts: &[&Order]) -> Result<(), AskError> {
        let Some(since_ns) = doubts.iter().map(|order| order.decided_ns).min() else { return Ok(()) };
        let since_ms = self.account.venue_ms(since_ns) - MARGIN_MS;
        let mut kinds: Vec<Listed> = doubts.iter().filter_map(|order| self.listed(order.instrument)).collect();
        kinds.sort_by_key(|listed| listed.kind as u8);
        kinds.dedup_by_key(|listed| listed.kind);
        for Listed { symbol, .. } in &kinds {
            self.ended_like(symbol, since_ms).await?;
        }
        for order in doubts {
            let answer = self.found.orders.get(&order.id).map_or(Some(Answer::Absent), standing);
            if let Some(answer) = answer.filter(|_| self.listed(order.instrument).is_some()) {
                self.found.theirs.asked.insert(order.id, answer);
            }
        }
        Ok(())
    }

    /// Keeps every ended order since then of instruments of that one's kind.
    async fn ended_like(&mut self, symbol: &str, since_ms: i64) -> Result<(), AskError> {
        let mut pages = Pages::default();
        loop {
            let query = Query::EndedOrders { symbol, since_ms, page: pages.at() };
            let Reply::Orders { orders, next } = self.ask(&query).await? else { return Err(astray()) };
            orders.into_iter().for_each(|order| self.keep(order));
            if !pages.turn(next)? {
                return Ok(());
            }
        }
    }

    /// Trades since then: of one instrument, or of all that are listed here.
    async fn trades(&mut self, of: Option<&Listed>, since_ns: Nanos) -> Result<(), AskError> {
        let since_ms = self.account.venue_ms(since_ns) - MARGIN_MS;
        let mut pages = Pages::default();
        loop {
            let page = pages.at();
            let query = match of {
                Some(of) => Query::Fills { symbol: &of.symbol, since_ms, page },
                None => Query::FillsOfAll { since_ms, page },
            };
            let Reply::Fills { fills, next } = self.ask(&query).await? else { return Err(astray()) };
            for trade in fills.into_iter().filter(|trade| trade.at_ms >= since_ms) {
                let Some(listed) = of.cloned().or_else(|| self.named(&trade.symbol)) else { continue };
                self.trade(&listed, trade).await?;
            }
            if !pages.turn(next)? {
                return Ok(());
            }
        }
    }

    /// Notes a trade, with the order that it is of where that is not known yet.
    async fn trade(&mut self, listed: &Listed, trade: TradeState) -> Result<(), AskError> {
        let instrument = listed.entry.id;
        let is_told = self.question.told.contains(&(instrument, trade.trade));
        let mut id = trade.id.or_else(|| self.by_venue.get(&trade.venue_order).copied().flatten());
        if !is_told && !self.by_venue.contains_key(&trade.venue_order) {
            id = self.whose(listed, &trade).await?;
        }
        let (settlement, qty) = (trade.settlement, trade.qty);
        self.found.theirs.trades.push(Traded { id, instrument, trade: trade.trade, qty, settlement });
        self.found.trades.push(trade);
        Ok(())
    }

    /// Asks for the order of a trade.
    async fn whose(&mut self, listed: &Listed, trade: &TradeState) -> Result<Option<u64>, AskError> {
        let query = Query::OrderOf { symbol: &listed.symbol, venue_id: &trade.venue_order };
        let id = match absent(self.ask(&query).await)? {
            Some(Reply::Orders { orders, .. }) => {
                let order = orders.into_iter().find(|order| order.venue_id == trade.venue_order);
                let id = order.as_ref().and_then(|order| order.id);
                order.into_iter().for_each(|order| self.keep(order));
                id
            }
            _ => None,
        };
        let id = id.or(trade.id);
        self.by_venue.insert(trade.venue_order.clone(), id);
        Ok(id)
    }

    async fn holdings(&mut self) -> Result<(), AskError> {
        self.wait_room(&Query::Balances).await;
        let balances = self.account.balances(&self.question.listed).await?;
        let whole = |free: Amount, locked: Amount| free.checked_add(locked).unwrap_or(free);
        self.found.theirs.balances =
            balances.into_iter().map(|held| (held.asset, whole(held.free, held.locked))).collect();
        let listed = &self.question.listed;
        if self.account.venue == Venue::Polymarket || listed.iter().all(|listed| listed.kind == Kind::Spot) {
            return Ok(());
        }
        let Reply::Positions(positions) = self.ask(&Query::Positions).await? else { return Err(astray()) };
        let numbered = |symbol: &str| Some(listed.iter().find(|listed| listed.symbol == symbol)?.entry.id);
        let told = positions.iter().filter_map(|position| Some((numbered(&position.symbol)?, position)));
        let told: Vec<_> = told.collect();
        self.found.theirs.positions = Some(told.iter().map(|(of, position)| (*of, position.qty)).collect());
        self.found.entries = told.iter().map(|(of, position)| (*of, position.entry)).collect();
        Ok(())
    }
}

/// Where the reading of one list is.
#[derive(Default)]
struct Pages {
    at: Option<String>,
    read: usize,
}

impl Pages {
    /// The page to ask for; `None` for the first.
    fn at(&self) -> Option<&str> {
        self.at.as_deref()
    }

    /// Goes on to the next page; false when there is none.
    ///
    /// # Errors
    /// The list has more pages than one is believed to have.
    fn turn(&mut self, next: Option<String>) -> Result<bool, AskError> {
        (self.at, self.read) = (next, self.read + 1);
        match self.at {
            None => Ok(false),
            Some(_) if self.read >= PAGES_MAX => Err(AskError::Unanswered("its list does not end".to_owned())),
            Some(_) => Ok(true),
        }
    }
}

/// What an order's state says; `None` for a word that we do not know.
fn standing(order: &OrderState) -> Option<Answer> {
    match order.status {
        OrderStatus::Open => Some(Answer::Open),
        OrderStatus::Filled | OrderStatus::Cancelled | OrderStatus::Rejected => Some(Answer::Ended(order.filled)),
        OrderStatus::Unknown => None,
    }
}

/// `None` where the venue says that there is no such order.
fn absent(answer: Result<Reply, AskError>) -> Result<Option<Reply>, AskError> {
    match answer {
        Ok(reply) => Ok(Some(reply)),
        Err(AskError::Refused(Refusal { why: Why::NotFound, .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

fn astray() -> AskError {
    AskError::Unanswered("the answer is about something else".to_owned())
}
