//! The risk officer: at each step it looks at prices, positions and results, assesses them by their history
//! (`quant::slow`), and sends the limits that follow down to the wire, never above the configured ones. How much of
//! what may be lost or held is used it tells the governor, which hedges only near the end of it.
//!
//! Without an officer the last limits stay in force.

use crate::address::Address;
use crate::governor::{GovernorMsg, Reading};
use crate::warden::WardenMsg;
use highwire_engine::engine::Limits;
use highwire_links::fixed::Amount;
use highwire_quant::slow::assess::{Figures, History, Holding, Measure};
use highwire_quant::slow::kelly::Record;
use highwire_supervision::degrade::{Cause, Scope};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A record of losses makes orders small, but not smaller than this part of the configured limit: what stops them
/// is the last gate.
const ORDER_PART_MIN: i128 = 10;
/// Nor smaller than so many of the least orders that a venue takes: half of it, in `Reduced`, must still round to lots
/// above that, or nothing would be traded any more and nobody told.
const LEAST_ORDERS_MIN: f64 = 4.0;
/// Limits that differ by less than one in so many are not sent again.
const SAME_WITHIN: i128 = 100;

/// What an officer sees at one step; money in quote currency.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// By pair.
    pub holdings: Vec<Holding>,
    /// Cash, inventory and results.
    pub equity: f64,
    /// Result of all trades so far.
    pub result: f64,
    /// What the trades were.
    pub record: Record,
    /// Value of the largest of the venues' least orders.
    pub order_least: f64,
}

/// Looks at everything; must not block. `None` while something that is held has no price.
pub type Eyes = Box<dyn FnMut() -> Option<Look> + Send>;

/// What may be held and lost.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The configured limits: no other is ever above them.
    pub limits: Limits,
    /// Most value of all positions, thousandths of the equity.
    pub leverage_permille: u32,
    /// Most value of one pair's positions, thousandths of the equity.
    pub concentration_permille: u32,
    /// Most value at risk of a day at 99 %, as a share of the equity.
    pub var_max: f64,
}

/// What came of the last step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Assessment {
    /// The figures.
    pub figures: Figures,
    /// Most value of all positions.
    pub gross_max: Amount,
    /// Most value of one pair's positions.
    pub pair_max: Amount,
    /// Most value of one order.
    pub order_max: Amount,
    /// Most value at risk of a day at 99 %, quote currency.
    pub var_max: f64,
    /// How much of the tightest bound on what is held or lost is used, thousandths.
    pub used_permille: i64,
    /// Times that limits were sent down.
    pub sent: u64,
}

/// Where the last assessment is read; `None` before the first.
#[derive(Clone, Debug, Default)]
pub struct RiskBoard(Arc<Mutex<Option<Assessment>>>);

impl RiskBoard {
    /// The last assessment.
    pub fn read(&self) -> Option<Assessment> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, assessment: Assessment) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(assessment);
    }
}

/// What an officer needs.
pub struct RiskOfficerArgs {
    /// Time between two steps.
    pub every: Duration,
    /// What it judges by.
    pub measure: Measure,
    /// Pairs that [`Look::holdings`] lists.
    pub pairs: usize,
    /// Looks.
    pub eyes: Eyes,
    /// What may be held and lost.
    pub bounds: Bounds,
    /// Who passes limits down.
    pub wardens: Vec<ActorRef<WardenMsg>>,
    /// Who is told how much is used.
    pub governor: Address<GovernorMsg>,
    /// Where the assessment is read.
    pub board: RiskBoard,
}

/// What an officer is told.
#[derive(Debug)]
pub enum RiskOfficerMsg {
    /// Time for a step.
    Tick,
    /// This may be held and lost from now on.
    Bind(Box<Bounds>),
}

/// The actor.
pub struct RiskOfficer;

/// Its state.
pub struct RiskOfficerState {
    args: RiskOfficerArgs,
    history: History,
    /// The best result so far.
    peak: f64,
    given: Option<Limits>,
    sent: u64,
    /// The last ones, and what a venue takes at least.
    figures: Option<(Figures, f64)>,
}

impl RiskOfficerState {
    /// What is sent at once rests on the last figures; before any, the configured limits are in force.
    fn bind(&mut self, bounds: Bounds) {
        self.args.bounds = bounds;
        let bounds = &self.args.bounds;
        let limits =
            self.figures.map_or_else(|| bounds.limits.clone(), |(figures, least)| bounds.limits_for(&figures, least));
        self.give(limits);
    }

    fn step(&mut self) {
        let Some(look) = (self.args.eyes)() else { return };
        let figures = self.history.on_step(&look.holdings, look.equity, &look.record);
        self.figures = Some((figures, look.order_least));
        self.peak = self.peak.max(look.result);
        let used = self.args.bounds.used(&figures, look.result, self.peak);
        let limits = self.args.bounds.limits_for(&figures, look.order_least);
        self.tell(used);
        self.args.board.show(Assessment {
            figures,
            gross_max: limits.exposure.gross_max,
            pair_max: limits.exposure.pair_max,
            order_max: limits.order_notional_max,
            var_max: figures.equity * self.args.bounds.var_max,
            used_permille: used.0,
            sent: self.sent + u64::from(self.differs(&limits)),
        });
        if self.differs(&limits) {
            self.give(limits);
        }
    }

    fn tell(&self, (value, what): (i64, &str)) {
        let note = if value == 0 { String::new() } else { format!("{}.{} % of {what} used", value / 10, value % 10) };
        let reading = Reading { scope: Scope::Global, cause: Cause::RiskUse, value, note };
        // A governor that is away reads the next one.
        let _gone = self.args.governor.cast(GovernorMsg::Read(reading));
    }

    fn differs(&self, limits: &Limits) -> bool {
        let amounts =
            |limits: &Limits| [limits.exposure.gross_max, limits.exposure.pair_max, limits.order_notional_max];
        let Some(given) = &self.given else { return true };
        let pairs = amounts(given).into_iter().zip(amounts(limits));
        pairs.into_iter().any(|(old, new)| (new.0 - old.0).abs() > old.0 / SAME_WITHIN)
    }

    fn give(&mut self, limits: Limits) {
        self.sent += 1;
        tracing::debug!(exposure = ?limits.exposure, order = %limits.order_notional_max, "limits");
        for warden in &self.args.wardens {
            if warden.cast(WardenMsg::SetLimits(Box::new(limits.clone()))).is_err() {
                tracing::error!("a warden is gone and cannot pass limits on");
            }
        }
        self.given = Some(limits);
    }
}

impl Bounds {
    /// The configured limits, lowered to what the figures bear.
    fn limits_for(&self, figures: &Figures, order_least: f64) -> Limits {
        let equity = amount(figures.equity);
        let least =
            Amount(self.limits.order_notional_max.0 / ORDER_PART_MIN).max(amount(order_least * LEAST_ORDERS_MIN));
        let share = amount(figures.order_share * figures.equity).max(least);
        Limits {
            exposure: self.limits.exposure.of_equity(equity, self.leverage_permille, self.concentration_permille),
            order_notional_max: if cfg!(mutant = "limits-raised") {
                share
            } else {
                share.min(self.limits.order_notional_max)
            },
            ..self.limits.clone()
        }
    }

    /// How much of the tightest bound is used, thousandths, and which that is.
    fn used(&self, figures: &Figures, result: f64, peak: f64) -> (i64, &'static str) {
        let guard = &self.limits.guard;
        let held_max = figures.equity * f64::from(self.leverage_permille) / 1_000.0;
        let uses = [
            (figures.gross, held_max, "what may be held"),
            (figures.var_99.unwrap_or(0.0), figures.equity * self.var_max, "the value that may be at risk"),
            (-result, units(guard.loss_max), "what may be lost"),
            (peak - result, units(guard.drawdown_max), "what may be lost from the peak"),
        ];
        let permille = |used: f64, max: f64| if used <= 0.0 { 0 } else { (used / max.max(1e-9) * 1_000.0) as i64 };
        let uses = uses.into_iter().map(|(used, max, what)| (permille(used, max), what));
        uses.max_by_key(|&(permille, _)| permille).unwrap_or((0, ""))
    }
}

/// Quote currency as an amount, rounded down to hundredths; nothing for what is no amount.
fn amount(value: f64) -> Amount {
    let hundredths = if value.is_finite() { (value.clamp(0.0, 1e15) * 100.0).floor() as i128 } else { 0 };
    Amount::from_mantissa(hundredths, 2).unwrap_or_default()
}

/// An amount in units of quote currency, for estimates.
pub fn units(amount: Amount) -> f64 {
    amount.0 as f64 / 10f64.powi(highwire_links::limits::AMOUNT_DP.into())
}

impl Actor for RiskOfficer {
    type Msg = RiskOfficerMsg;
    type State = RiskOfficerState;
    type Arguments = RiskOfficerArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<RiskOfficerMsg>,
        args: RiskOfficerArgs,
    ) -> Result<RiskOfficerState, ActorProcessingErr> {
        myself.send_interval(args.every, || RiskOfficerMsg::Tick);
        let history = History::new(args.pairs, args.measure);
        Ok(RiskOfficerState { args, history, peak: 0.0, given: None, sent: 0, figures: None })
    }

    async fn handle(
        &self,
        _: ActorRef<RiskOfficerMsg>,
        message: RiskOfficerMsg,
        state: &mut RiskOfficerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RiskOfficerMsg::Tick => state.step(),
            RiskOfficerMsg::Bind(bounds) => state.bind(*bounds),
        }
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<RiskOfficerMsg>,
        _: SupervisionEvent,
        _: &mut RiskOfficerState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
