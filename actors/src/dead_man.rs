//! Renews a venue's dead-man switch on a path of its own: should we vanish, the venue withdraws our orders. While it is
//! not renewed in time the venue's pool lets only exposure be reduced; at an end in order it is taken off.

use crate::account::Account;
use crate::address::Address;
use crate::pool::PoolMsg;
use highwire_venues::orders::Listed;
use highwire_venues::private::{self, Query};
use highwire_venues::venue::Venue;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Renewals within the switch's time.
const RENEWALS: u32 = 4;

/// Polymarket withdraws everything after this silence, once a heartbeat was sent.
const POLYMARKET_AFTER: Duration = Duration::from_secs(10);

/// What a switch needs.
pub struct DeadManArgs {
    /// Whose orders.
    pub account: Account,
    /// What may be traded: some venues have a switch for each symbol.
    pub listed: Arc<[Listed]>,
    /// The venue withdraws our orders after so long without renewal.
    pub after: Duration,
    /// Who is told whether it is well.
    pub pool: Address<PoolMsg>,
}

/// Whether a venue has such a switch.
pub fn has_one(account: &Account) -> bool {
    let query = Query::DeadMan { symbol: Some("X"), after_ms: 0 };
    private::request(account.venue, &account.keys.get(), &query, 0).is_ok()
}

/// After how long a venue withdraws our orders: as wanted, where it can be chosen. Polymarket's time is its own.
pub fn period(venue: Venue, wanted: Duration) -> Duration {
    if venue == Venue::Polymarket { wanted.min(POLYMARKET_AFTER) } else { wanted }
}

/// What it is told.
#[derive(Debug)]
pub enum DeadManMsg {
    /// Time to renew it.
    Tick,
    /// It was renewed, or not.
    Renewed(bool),
}

/// The actor.
pub struct DeadMan;

/// Its state.
pub struct DeadManState {
    args: DeadManArgs,
    renewed: Instant,
    asking: bool,
    /// What the pool was last told.
    is_well: Option<bool>,
}

impl DeadManState {
    fn on_tick(&mut self, myself: &ActorRef<DeadManMsg>) {
        self.judge();
        if std::mem::replace(&mut self.asking, true) {
            return;
        }
        let (account, listed, myself) = (self.args.account.clone(), Arc::clone(&self.args.listed), myself.clone());
        let after = self.args.after;
        tokio::spawn(async move {
            let done = set(&account, &listed, after).await;
            // One that was stopped meanwhile wants no answer.
            let _stopped = myself.cast(DeadManMsg::Renewed(done));
        });
    }

    fn on_renewed(&mut self, done: bool) {
        self.asking = false;
        if done {
            self.renewed = Instant::now();
        }
        self.judge();
    }

    /// Half of its time without renewal is no accident.
    fn judge(&mut self) {
        let is_well = self.renewed.elapsed() < self.args.after / 2 || cfg!(mutant = "dead-man");
        if self.is_well.replace(is_well) != Some(is_well) {
            tracing::info!(venue = self.args.account.venue.name(), is_well, after = ?self.args.after, "dead-man switch");
            // Without a pool there is no venue to hold.
            let _gone = self.args.pool.cast(PoolMsg::DeadMan(is_well));
        }
    }
}

/// Sets every switch that the venue has; whether all are set.
async fn set(account: &Account, listed: &[Listed], after: Duration) -> bool {
    let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    let mut done = true;
    // Binance has one for each symbol, the others one for the account.
    let each = account.venue == Venue::BinanceUsdm;
    for one in listed.iter().take(if each { usize::MAX } else { 1 }) {
        let symbol = each.then_some(one.symbol.as_str());
        if let Err(error) = account.ask(&Query::DeadMan { symbol, after_ms }).await {
            tracing::info!(venue = account.venue.name(), symbol, %error, "dead-man switch is not set");
            done = false;
        }
    }
    done
}

impl Actor for DeadMan {
    type Msg = DeadManMsg;
    type State = DeadManState;
    type Arguments = DeadManArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<DeadManMsg>,
        args: DeadManArgs,
    ) -> Result<DeadManState, ActorProcessingErr> {
        myself.cast(DeadManMsg::Tick)?;
        myself.send_interval(args.after / RENEWALS, || DeadManMsg::Tick);
        Ok(DeadManState { args, renewed: Instant::now(), asking: false, is_well: None })
    }

    async fn handle(
        &self,
        myself: ActorRef<DeadManMsg>,
        message: DeadManMsg,
        state: &mut DeadManState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            DeadManMsg::Tick => state.on_tick(&myself),
            DeadManMsg::Renewed(done) => state.on_renewed(done),
        }
        Ok(())
    }

    /// An end in order is no accident: it is taken off.
    async fn post_stop(&self, _: ActorRef<DeadManMsg>, state: &mut DeadManState) -> Result<(), ActorProcessingErr> {
        let _told = set(&state.args.account, &state.args.listed, Duration::ZERO).await;
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<DeadManMsg>,
        _: SupervisionEvent,
        _: &mut DeadManState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
