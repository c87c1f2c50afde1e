//! What may stand open, and what the strategies look for: settings as the wire takes them.

use crate::config::{Config, Cross, Entry, Lag, Risk};
use highwire_engine::engine::{ExposureLimits, Strategies};
use highwire_engine::strategies::{Strategy, complement, lag::Params, maker};

/// The limits on value in all and of one pair. Shares of the equity come to them when that is known.
pub fn exposure(risk: &Risk) -> ExposureLimits {
    ExposureLimits { gross_max: risk.gross_notional_max, pair_max: risk.pair_notional_max }
}

/// What each strategy looks for, and its own limit on an order's value.
pub fn strategies(config: &Config) -> Strategies {
    let complement = &config.complement;
    let complement = complement::Params {
        is_on: complement.enabled,
        edge_min_ppb: complement.edge_min_ppb,
        collar_ppb: complement.collar_ppb,
    };
    let mut strategies =
        Strategies { complement, lag: lag(&config.lag), maker: maker(&config.cross), ..Strategies::default() };
    strategies.order_notional_max[Strategy::Lag as usize] = Some(config.lag.order_notional_max);
    strategies
}

/// How first legs rest.
fn maker(cross: &Cross) -> maker::Params {
    maker::Params {
        is_on: cross.entry == Entry::Maker,
        rest_ns: cross.rest_ms.saturating_mul(1_000_000),
        margin_ppb: cross.margin_ppb,
        reprices_max: cross.reprices_max,
    }
}

/// What lag arbitrage looks for.
fn lag(lag: &Lag) -> Params {
    let ns = |ms: u64| ms.saturating_mul(1_000_000);
    Params {
        is_on: lag.enabled,
        move_min_ppb: lag.move_min_ppb,
        window_ns: ns(lag.window_ms),
        delta_ppm_per_bp: lag.delta_ppm_per_bp.into(),
        edge_min_ppb: lag.edge_min_ppb,
        hold_ns: ns(lag.follow_ms),
        gain_ppb: lag.gain_ppb,
        loss_max_ppb: lag.loss_max_ppb,
    }
}
