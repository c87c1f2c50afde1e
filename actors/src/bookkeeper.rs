//! Asks a venue beside its lines: what it holds for us, regularly and whenever it says that something moved, and which
//! trades an order had that its lines did not tell. What it says goes to the wire; a negative balance is told to people.

use crate::account::{Account, AskError};
use crate::alerter::Bell;
use crate::warden::WardenMsg;
use highwire_engine::spec::Funds;
use highwire_engine::wallets::Held;
use highwire_links::InstrumentId;
use highwire_links::fill::{Report, ReportKind, Settlement};
use highwire_links::fixed::Amount;
use highwire_supervision::incident::Severity;
use highwire_venues::orders::Listed;
use highwire_venues::private::{self, Balance, Query, Reply};
use highwire_venues::spec::Kind;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Trades are asked for from so long before the order's last change, milliseconds.
const BEFORE_MS: i64 = 60_000;
/// Times that an order's trades are asked for, and the wait between.
const TRIES: u32 = 5;
const RETRY: Duration = Duration::from_millis(500);

/// What a keeper needs.
pub struct BookkeeperArgs {
    /// Whose books.
    pub account: Account,
    /// What may be traded.
    pub listed: Arc<[Listed]>,
    /// The warden of the thread that trades.
    pub warden: ActorRef<WardenMsg>,
    /// Where incidents go.
    pub alerts: Bell,
    /// Time between two looks at what is held.
    pub every: Duration,
}

/// What it is told.
#[derive(Debug)]
pub enum BookkeeperMsg {
    /// Ask what is held.
    Look,
    /// It was told, or not.
    Looked(Option<Vec<Balance>>),
    /// Ask for the trades of this order.
    Untold(u64, InstrumentId),
}

/// The actor.
pub struct Bookkeeper;

/// Its state.
pub struct BookkeeperState {
    args: BookkeeperArgs,
    /// A question is under way; another was wanted meanwhile.
    asking: bool,
    again: bool,
    /// Assets that were negative when last told.
    negative: BTreeSet<String>,
}

impl BookkeeperState {
    fn look(&mut self, myself: &ActorRef<BookkeeperMsg>) {
        if std::mem::replace(&mut self.asking, true) {
            self.again = true;
            return;
        }
        let (account, listed, myself) = (self.args.account.clone(), Arc::clone(&self.args.listed), myself.clone());
        tokio::spawn(async move {
            let balances = account.balances(&listed).await;
            let balances = balances.inspect_err(|error| {
                tracing::info!(venue = account.venue.name(), %error, "balances are not told");
            });
            let balances = balances.ok();
            // A keeper that was stopped meanwhile wants no answer.
            let _stopped = myself.cast(BookkeeperMsg::Looked(balances));
        });
    }

    fn on_looked(&mut self, myself: &ActorRef<BookkeeperMsg>, balances: Option<Vec<Balance>>) {
        self.asking = false;
        if let Some(balances) = balances {
            self.judge(&balances);
            let funds = self.args.listed.iter().map(|listed| (listed.entry.id, funds(listed, &balances))).collect();
            // Without a warden there is no thread that could trade.
            let _gone = self.args.warden.cast(WardenMsg::SetFunds(Box::new(Held(funds))));
        }
        if std::mem::take(&mut self.again) {
            self.look(myself);
        }
    }

    /// Tells of balances that are less than nothing, and when they are not any more.
    fn judge(&mut self, balances: &[Balance]) {
        let venue = self.args.account.venue.name();
        let below = |balance: &&Balance| balance.free < Amount::ZERO || balance.locked < Amount::ZERO;
        let negative: BTreeSet<String> = balances.iter().filter(below).map(|balance| balance.asset.clone()).collect();
        for Balance { asset, free, locked } in balances.iter().filter(below) {
            let text = format!("{venue}: {asset} is {free} free and {locked} locked: nothing of it is used any more");
            let key = format!("{venue}/negative/{asset}").to_lowercase();
            self.args.alerts.raise(key, Severity::Critical, text);
        }
        for asset in self.negative.difference(&negative) {
            let key = format!("{venue}/negative/{asset}").to_lowercase();
            self.args.alerts.clear(key);
        }
        self.negative = negative;
    }

    fn on_untold(&self, id: u64, instrument: InstrumentId) {
        let Some(listed) = self.args.listed.iter().find(|listed| listed.entry.id == instrument).cloned() else {
            return;
        };
        let (account, warden) = (self.args.account.clone(), self.args.warden.clone());
        tokio::spawn(async move {
            for _ in 0..TRIES {
                match trades(&account, &listed, id).await {
                    Ok(reports) if !reports.is_empty() => {
                        let _gone = warden.cast(WardenMsg::Tell(reports));
                        return;
                    }
                    Ok(_) => {}
                    Err(error) => tracing::info!(venue = account.venue.name(), %error, "trades are not told"),
                }
                tokio::time::sleep(RETRY).await;
            }
        });
    }
}

/// The trades of an order of ours, as reports. Empty until they add up to what the venue says has filled.
async fn trades(account: &Account, listed: &Listed, id: u64) -> Result<Vec<Report>, AskError> {
    let symbol = &listed.symbol;
    let Reply::Orders { orders, .. } = account.ask(&Query::Order { symbol, id }).await? else { return Ok(Vec::new()) };
    let Some(order) = orders.into_iter().find(|order| order.id == Some(id)) else { return Ok(Vec::new()) };
    let (since_ms, mut page) = (order.at_ms - BEFORE_MS, None);
    let (mut found, mut sum) = (Vec::new(), Amount::ZERO);
    loop {
        let query = Query::Fills { symbol, since_ms, page: page.as_deref() };
        let Reply::Fills { fills, next } = account.ask(&query).await? else { return Ok(Vec::new()) };
        for fill in fills.iter().filter(|fill| fill.venue_order == order.venue_id) {
            sum = sum.checked_add(fill.qty).unwrap_or(sum);
            found.extend(private::report(listed, id, fill).into_iter().flat_map(steps));
        }
        match next {
            Some(next) if sum < order.filled => page = Some(next),
            _ => break,
        }
    }
    Ok(if sum == order.filled { found } else { Vec::new() })
}

/// A trade of an order that counts it, as its private line would have told it step by step: one that failed to settle was
/// booked before it was undone.
fn steps(told: Report) -> Vec<Report> {
    if told.settlement != Settlement::Failed {
        return vec![told];
    }
    vec![Report { settlement: Settlement::Pending, ..told }, Report { kind: ReportKind::Settlement, ..told }]
}

/// What of these balances an instrument can be traded with.
pub fn funds(listed: &Listed, balances: &[Balance]) -> Funds {
    let free = |asset: &str| balances.iter().find(|b| b.asset == asset).map_or(Amount::ZERO, |balance| balance.free);
    match listed.kind {
        Kind::Spot => Funds::Spot { base: free(&listed.base), quote: free(&listed.quote) },
        Kind::Outcome => Funds::Spot { base: free(&listed.symbol), quote: free(&listed.quote) },
        _ => Funds::Margin { quote: free(&listed.quote) },
    }
}

impl Actor for Bookkeeper {
    type Msg = BookkeeperMsg;
    type State = BookkeeperState;
    type Arguments = BookkeeperArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<BookkeeperMsg>,
        args: BookkeeperArgs,
    ) -> Result<BookkeeperState, ActorProcessingErr> {
        myself.send_interval(args.every, || BookkeeperMsg::Look);
        Ok(BookkeeperState { args, asking: false, again: false, negative: BTreeSet::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<BookkeeperMsg>,
        message: BookkeeperMsg,
        state: &mut BookkeeperState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            BookkeeperMsg::Look => state.look(&myself),
            BookkeeperMsg::Looked(balances) => state.on_looked(&myself, balances),
            BookkeeperMsg::Untold(id, instrument) => state.on_untold(id, instrument),
        }
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<BookkeeperMsg>,
        _: SupervisionEvent,
        _: &mut BookkeeperState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
