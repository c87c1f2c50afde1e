//! The governor of a service: its rungs and names, what it sees by looking, and its ways to the venues beside
//! the wire.

use super::ServiceError;
use super::chronicle::Chronicle;
use super::lines::cancel_all;
use super::trading::Trading;
use crate::config::{Config, Modes};
use crate::universe::Universe;
use highwire_actors::account::Account;
use highwire_actors::address::Address;
use highwire_actors::alerter::Bell;
use highwire_actors::governor::{Board, CountOpen, Governor, GovernorArgs, GovernorMsg, Hand, LatchFile};
use highwire_actors::trading_line::TradingLine;
use highwire_engine::clock::TscClock;
use highwire_links::VenueId;
use highwire_supervision::halting::Plan;
use highwire_supervision::rungs::{Measures, rules};
use highwire_venues::private::{Query, Reply};
use highwire_venues::venue::Venue;
use ractor::{Actor, ActorRef};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The file of latches, below the data folder.
const LATCHES: &str = "latches.json";
/// The file that halts while it is there, below the data folder.
pub const HALT_FILE: &str = "HALT";

/// A running governor.
pub struct Governing {
    /// Leads to it.
    pub address: Address<GovernorMsg>,
    /// What it ruled.
    pub board: Board,
    actor: ActorRef<GovernorMsg>,
}

impl Governing {
    /// Starts it, `Halted`, with nothing to govern yet.
    ///
    /// # Errors
    /// The actor could not be started.
    pub async fn start(
        universe: &Universe,
        config: &Config,
        data: &Path,
        clock: &TscClock,
        (bell, chronicle): (&Bell, &Arc<Mutex<Chronicle>>),
    ) -> Result<Self, ServiceError> {
        let (board, chronicle) = (Board::default(), Arc::clone(chronicle));
        let arguments = GovernorArgs {
            rules: rules(&measures(&config.modes)),
            venues: venues(universe),
            clock: Box::new(clock.clone()),
            alerts: bell.clone(),
            board: board.clone(),
            latches: LatchFile::new(data.join(LATCHES)),
            halt_file: data.join(HALT_FILE),
            cut_off_ns: config.lines.cut_off_s.saturating_mul(1_000_000_000),
            plan: patience(&config.modes),
            observer: Box::new(move |_, text| {
                let mut chronicle = chronicle.lock().unwrap_or_else(PoisonError::into_inner);
                chronicle.notices.push(format!("mode of {text}"));
            }),
        };
        let (actor, _) = Actor::spawn(None, Governor, arguments).await?;
        Ok(Self { address: actor.clone().into(), board, actor })
    }

    /// Ends it: modes stay as they are.
    pub async fn stop(&self) {
        // An actor that panicked has ended too.
        let _ended = self.actor.stop_and_wait(None, Some(Duration::from_secs(1))).await;
    }
}

/// How patient an operator's halt is; it flattens only when asked to.
pub fn patience(modes: &Modes) -> Plan {
    Plan { settle_ns: ns(modes.settle_ms), flatten_ns: 0, cancel_ns: ns(modes.cancel_ms) }
}

fn measures(modes: &Modes) -> Measures {
    Measures {
        latency_us: modes.latency_us.into(),
        stale_permille: i64::from(modes.stale_percent) * 10,
        confirm_ns: ns(modes.confirm_ms),
        dwell_ns: ns(modes.dwell_ms),
    }
}

fn venues(universe: &Universe) -> BTreeMap<VenueId, String> {
    universe.specs.iter().map(|spec| (spec.venue.id(), spec.venue.name().to_owned())).collect()
}

/// Ways to every venue that orders go to.
pub fn hands(trading: Option<&Trading>) -> Vec<Hand> {
    let all = Venue::ALL.into_iter().filter_map(|venue| trading?.of(venue.id()).map(|trading| (venue, trading)));
    let hand = |(venue, trading): (Venue, &super::trading::VenueTrading)| Hand {
        venue: venue.id(),
        cancel_all: cancel_all(&trading.line),
        count: count(&trading.line),
    };
    all.map(hand).collect()
}

/// Counts what is open at a venue, symbol by symbol.
fn count(line: &TradingLine) -> CountOpen {
    let (account, listed) = (line.account.clone(), Arc::clone(&line.listed));
    Box::new(move |governor| {
        let (account, listed) = (account.clone(), Arc::clone(&listed));
        tokio::spawn(async move {
            let mut sum = Ok(0);
            for instrument in listed.iter() {
                let open = open_orders(&account, &instrument.symbol).await;
                sum = sum.and_then(|sum: u32| Ok(sum.saturating_add(open?)));
            }
            // Without a governor nobody asked.
            let _gone = governor.cast(GovernorMsg::Counted(account.venue.id(), sum));
        });
    })
}

/// A further page is not looked at: one order is too many already.
async fn open_orders(account: &Account, symbol: &str) -> Result<u32, String> {
    match account.ask(&Query::OpenOrders { symbol: Some(symbol), page: None }).await {
        Ok(Reply::Orders { orders, .. }) => Ok(u32::try_from(orders.len()).unwrap_or(u32::MAX)),
        Ok(_) => Err("the answer is about something else".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn ns(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}
