//! The risk officer of a service: what it sees (books, positions and results of this run, what the accounts began
//! with), what bounds it, and its supervisor.

use super::ServiceError;
use super::chronicle::Chronicle;
use super::threads::{Means, Threads};
use super::tuning::Tuning;
use crate::config::{Config, Officer};
use crate::topology::RISK;
use crate::universe::Universe;
use highwire_actors::address::Address;
use highwire_actors::beat::Beat;
use highwire_actors::governor::GovernorMsg;
use highwire_actors::risk_officer::{
    Bounds, Eyes, Look, RiskBoard, RiskOfficer, RiskOfficerArgs, RiskOfficerMsg, units,
};
use highwire_actors::supervisor::{ChildSpec, GiveUp, Lives, Start, Supervisor, SupervisorMsg};
use highwire_actors::tended;
use highwire_engine::clock::TscClock;
use highwire_engine::engine::{EngineSpec, Funds, Limits};
use highwire_links::fixed::{Px, Qty};
use highwire_links::instrument::Instrument;
use highwire_links::page::{BookState, Page, PageReaders, Rung};
use highwire_links::{Mode, VenueId};
use highwire_quant::pnl::Pnl;
use highwire_quant::slow::assess::{Holding, Measure};
use highwire_quant::slow::impact::impact;
use highwire_quant::walk::Step;
use highwire_venues::spec::Kind;
use ractor::{Actor, ActorRef};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// The running officer, under its supervisor.
pub struct Risk {
    /// Where its assessment is read.
    pub board: RiskBoard,
    /// How it lives.
    pub lives: Lives,
    /// What the strategies look for.
    pub tuning: Tuning,
    /// Starts it anew.
    pub supervisor: ActorRef<SupervisorMsg>,
    handle: JoinHandle<()>,
}

/// Changes what bounds the officer, and every officer after it.
#[derive(Clone)]
pub struct RiskHand {
    address: Address<RiskOfficerMsg>,
    bounds: Arc<Mutex<Bounds>>,
}

impl RiskHand {
    fn new(bounds: Bounds) -> Self {
        Self { address: Address::default(), bounds: Arc::new(Mutex::new(bounds)) }
    }

    fn bounds(&self) -> Bounds {
        self.bounds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// These limits hold from now on.
    ///
    /// # Errors
    /// There is no officer who could pass them on: the old ones stay.
    pub fn set(&self, limits: Limits, officer: &Officer) -> Result<(), String> {
        let bounds = bounds(limits, officer);
        let told = self.address.cast(RiskOfficerMsg::Bind(Box::new(bounds.clone())));
        told.map_err(|_| "there is no risk officer to pass limits on".to_owned())?;
        *self.bounds.lock().unwrap_or_else(PoisonError::into_inner) = bounds;
        Ok(())
    }
}

impl Risk {
    /// Starts it. With `means` the accounts hold what they say, else what paper begins with.
    ///
    /// # Errors
    /// The actor cannot be started.
    pub async fn start(
        (universe, config): (&Arc<Universe>, &Config),
        (threads, means): (&Threads, Option<Means>),
        chronicle: &Arc<Mutex<Chronicle>>,
        clock: &TscClock,
        governor: &Address<GovernorMsg>,
    ) -> Result<Self, ServiceError> {
        let mut spec = universe.engine(config, Mode::Halted, 0);
        spec.funds = means.map_or(spec.funds, |means| means.funds);
        let (board, lives) = (RiskBoard::default(), Lives::default());
        let sight = Sight {
            wallets: wallets(&spec),
            universe: Arc::clone(universe),
            pages: threads.pages.clone(),
            chronicle: Arc::clone(chronicle),
        };
        let hand = RiskHand::new(bounds(spec.limits.clone(), &config.officer));
        let tuning = Tuning::new(config, hand.clone());
        let seat = Seat {
            sight: Arc::new(sight),
            every: Duration::from_millis(config.officer.sample_ms),
            measure: measure(universe, config),
            hand,
            wardens: threads.wardens.iter().map(|(warden, _)| warden.clone()).collect(),
            governor: governor.clone(),
            board: board.clone(),
        };
        let give_up: GiveUp = Box::new(|_, why| tracing::error!(why, "no risk officer any more: the last limits stay"));
        let arguments = RISK.supervise(config, clock, vec![seat.child()], (lives.clone(), give_up));
        let (supervisor, handle) = Actor::spawn(None, Supervisor, arguments).await?;
        Ok(Self { board, lives, tuning, supervisor, handle })
    }

    /// Ends it.
    pub async fn stop(self) {
        // A supervisor that panicked has ended too.
        if self.supervisor.cast(SupervisorMsg::End).is_ok() {
            let _ended = self.handle.await;
        }
    }
}

/// What every officer of this service begins with.
struct Seat {
    sight: Arc<Sight>,
    every: Duration,
    measure: Measure,
    hand: RiskHand,
    wardens: Vec<ActorRef<highwire_actors::warden::WardenMsg>>,
    governor: Address<GovernorMsg>,
    board: RiskBoard,
}

impl Seat {
    fn child(self) -> ChildSpec {
        let beat = Beat::tended();
        let tending = beat.clone();
        let start: Start = Box::new(move |above| {
            let (arguments, beat, address) = (self.arguments(), tending.clone(), self.hand.address.clone());
            Box::pin(async move {
                let officer = tended::spawn(RiskOfficer, arguments, above, &beat).await?;
                address.lead_to(officer.clone());
                Ok(officer.get_cell())
            })
        });
        ChildSpec { name: "risk-officer".to_owned(), start, beat: Some((beat, RISK.hangs_ns("risk-officer"))) }
    }

    fn arguments(&self) -> RiskOfficerArgs {
        let sight = Arc::clone(&self.sight);
        let eyes: Eyes = Box::new(move || sight.look());
        RiskOfficerArgs {
            every: self.every,
            measure: self.measure,
            pairs: self.sight.universe.pairs.len(),
            eyes,
            bounds: self.hand.bounds(),
            wardens: self.wardens.clone(),
            governor: self.governor.clone(),
            board: self.board.clone(),
        }
    }
}

fn measure(universe: &Universe, config: &Config) -> Measure {
    Measure {
        step_s: config.officer.sample_ms as f64 / 1_000.0,
        steps: config.officer.samples,
        market: universe.pairs.iter().position(|pair| pair.name.starts_with("BTC/")),
        volatility_target: f64::from(config.officer.volatility_target_percent) / 100.0,
    }
}

fn bounds(limits: Limits, officer: &Officer) -> Bounds {
    Bounds {
        limits,
        leverage_permille: officer.leverage_max_percent.saturating_mul(10),
        concentration_permille: officer.concentration_max_percent.saturating_mul(10),
        var_max: officer.var_max_ppb as f64 / 1e9,
    }
}

/// What the accounts began with: cash, and base by the pair that prices it.
struct Wallets {
    cash: f64,
    bases: Vec<(usize, f64)>,
}

/// Each wallet once, whatever trades in it. An asset that pays for others is cash.
fn wallets(spec: &EngineSpec) -> Wallets {
    let mut known: BTreeSet<(VenueId, u16)> = BTreeSet::new();
    let rows = || spec.instruments.iter().zip(spec.funds.iter().zip(&spec.assets));
    let mut wallets = Wallets { cash: 0.0, bases: Vec::new() };
    for (instrument, (funds, assets)) in rows() {
        let (Funds::Spot { quote, .. } | Funds::Margin { quote }) = *funds;
        if known.insert((instrument.venue, assets.quote)) {
            wallets.cash += units(quote);
        }
    }
    for (instrument, (funds, assets)) in rows() {
        let Funds::Spot { base, .. } = *funds else { continue };
        if known.insert((instrument.venue, assets.base)) && base.0 != 0 {
            wallets.bases.push((instrument.pair.index(), units(base)));
        }
    }
    wallets
}

/// What can be looked at.
struct Sight {
    wallets: Wallets,
    universe: Arc<Universe>,
    pages: PageReaders,
    chronicle: Arc<Mutex<Chronicle>>,
}

impl Sight {
    fn look(&self) -> Option<Look> {
        let (positions, result, record) = {
            let chronicle = self.chronicle.lock().unwrap_or_else(PoisonError::into_inner);
            let position = |flows: &Pnl| flows.position().map_or(0.0, units);
            let positions: Vec<f64> = chronicle.ledger.by_instrument.iter().map(position).collect();
            let result = chronicle.ledger.pnl.iter().filter_map(Pnl::realised).map(units).sum();
            (positions, result, chronicle.ledger.record)
        };
        let holdings: Vec<Holding> =
            (0..self.universe.pairs.len()).map(|pair| self.holding(pair, &positions)).collect();
        let is_priced = |holding: &Holding| holding.gross == 0.0 || holding.px > 0.0;
        let inventory =
            |&(pair, base): &(usize, f64)| Some(holdings[pair].px).filter(|px| *px > 0.0).map(|px| px * base);
        let bases: Option<f64> = self.wallets.bases.iter().map(inventory).sum();
        let equity = self.wallets.cash + bases.filter(|_| holdings.iter().all(is_priced))? + result;
        Some(Look { holdings, equity, result, record, order_least: self.order_least() })
    }

    /// Value of the largest of the venues' least orders, as far as prices are known.
    fn order_least(&self) -> f64 {
        let least = |instrument: &Instrument| {
            let page = self.pages.read(instrument.id.index()).filter(is_live)?;
            let qty = instrument.qty_min.max(Qty(instrument.lot));
            Some(units(instrument.quote_amount(Px(page.asks[0].px), qty)?.max(instrument.notional_min)))
        };
        self.universe.instruments.iter().filter_map(least).fold(0.0, f64::max)
    }

    fn holding(&self, pair: usize, positions: &[f64]) -> Holding {
        let members = &self.universe.pairs[pair].spec.members;
        let books = members.iter().filter_map(|id| {
            let page = self.pages.read(id.index()).filter(is_live)?;
            Some((&self.universe.instruments[id.index()], page))
        });
        let books: Vec<(&Instrument, Page)> = books.collect();
        let mid = |(instrument, page): &(&Instrument, Page)| {
            let scale = 10f64.powi(instrument.scale.px_dp.into());
            (page.bids[0].px as f64 + page.asks[0].px as f64) / 2.0 / scale
        };
        let px = if books.is_empty() { 0.0 } else { books.iter().map(mid).sum::<f64>() / books.len() as f64 };
        let held = |id: &highwire_links::InstrumentId| positions.get(id.index()).copied().unwrap_or(0.0);
        let base: f64 = members.iter().map(held).sum();
        let gross = members.iter().map(|id| held(id).abs()).sum::<f64>();
        // Held and not priced: a value above nothing says so.
        let value = |base: f64| if px > 0.0 { base * px } else { base };
        let close = books.iter().filter_map(|book| closing(book, base, px)).min_by(|a, b| a.0.total_cmp(&b.0));
        let (impact_bps, covered) = close.unwrap_or((0.0, if base == 0.0 { 1.0 } else { 0.0 }));
        // A share's price ends at zero or one: its history says nothing of that. What it can lose is its value, which the
        // limits on value bound; a set of both sides loses nothing.
        let is_share = members.iter().any(|id| self.universe.specs[id.index()].kind == Kind::Outcome);
        let net = if is_share { 0.0 } else { value(base) };
        Holding { px, net, gross: value(gross), impact_bps, covered }
    }
}

fn is_live(page: &Page) -> bool {
    page.state == BookState::Live && page.bids[0].qty > 0 && page.asks[0].qty > 0
}

/// What closing `base` at one book costs in basis points, and how much of it that book holds.
fn closing((instrument, page): &(&Instrument, Page), base: f64, px: f64) -> Option<(f64, f64)> {
    let one = 10f64.powi(instrument.scale.qty_dp.into());
    let per_unit = instrument.quote_amount(Px(page.bids[0].px), Qty(1))?;
    // Contracts are of another size than base: by value both are the same.
    let qty = (base.abs() * px / units(per_unit).max(1.0 / one / 1e12)) as i64;
    let (near, far) = if base > 0.0 { (&page.bids, page.asks[0]) } else { (&page.asks, page.bids[0]) };
    let levels: Vec<Step> = near.iter().map(|&Rung { px, qty }| Step { px, base: qty }).collect();
    let found = impact(&levels, far.px, qty.max(1)).filter(|_| base != 0.0)?;
    Some((found.bps, found.covered))
}
