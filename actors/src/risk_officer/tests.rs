//! What follows from figures: limits never above the configured ones, and how much of them is used.

use super::*;
use highwire_engine::engine::{ExposureLimits, GuardLimits, SagaLimits};

fn bounds() -> Bounds {
    let limits = Limits {
        edge_min_ppb: 0,
        slippage_ppb: 0,
        latency_penalty_ppb: 0,
        order_notional_max: amount(1_000.0),
        position_max: amount(10_000.0),
        exposure: ExposureLimits { gross_max: amount(100_000.0), pair_max: amount(50_000.0) },
        open_orders_max: 16,
        collar_ppb: 0,
        collar_samples_min: 0,
        confirm_edge_ppb: i64::MAX,
        cooldown_ns: 0,
        refused_rest_ns: 0,
        stale_ns: vec![],
        saga: SagaLimits::default(),
        guard: GuardLimits { loss_max: amount(100.0), drawdown_max: amount(50.0), ..GuardLimits::WIDE },
        strategies: Default::default(),
    };
    Bounds { limits, leverage_permille: 3_000, concentration_permille: 1_500, var_max: 0.05 }
}

fn figures(equity: f64) -> Figures {
    Figures { equity, order_share: 0.025, ..Figures::default() }
}

#[test]
fn equity_lowers_limits_and_never_raises_them() {
    let of = |equity: f64| {
        let limits = bounds().limits_for(&figures(equity), 5.0);
        let whole = |amount: Amount| units(amount).round();
        (whole(limits.exposure.gross_max), whole(limits.exposure.pair_max), whole(limits.order_notional_max))
    };
    assert_eq!(of(10_000.0), (30_000.0, 15_000.0, 250.0));
    assert_eq!(of(1e9), (100_000.0, 50_000.0, 1_000.0), "as configured");
    assert_eq!(of(0.0), (0.0, 0.0, 100.0), "without equity nothing is opened; an order stays a tenth");
    assert_eq!(of(f64::NAN).0, 0.0);
}

#[test]
fn however_bad_the_record_an_order_stays_one_that_the_venues_take_in_reduced_too() {
    let order_max = |least: f64| {
        let losing = Figures { order_share: 0.0, ..figures(10_000.0) };
        units(bounds().limits_for(&losing, least).order_notional_max).round()
    };
    assert_eq!(order_max(5.0), 100.0, "a tenth is enough");
    assert_eq!(order_max(100.0), 400.0);
    assert_eq!(order_max(300.0), 1_000.0, "never above the configured limit");
}

#[test]
fn the_tightest_bound_is_told() {
    let used = |figures: Figures, result, peak| bounds().used(&figures, result, peak);
    assert_eq!(used(figures(1_000.0), 5.0, 5.0).0, 0);
    assert_eq!(used(Figures { gross: 2_700.0, ..figures(1_000.0) }, 0.0, 0.0), (900, "what may be held"));
    let at_risk = Figures { var_99: Some(40.0), ..figures(1_000.0) };
    assert_eq!(used(at_risk, 0.0, 0.0), (800, "the value that may be at risk"));
    assert_eq!(used(figures(1_000.0), -95.0, -60.0), (950, "what may be lost"));
    assert_eq!(used(figures(1_000.0), 10.0, 55.0), (900, "what may be lost from the peak"));
}
