//! Settings of what is sized by more than a fixed limit: lag arbitrage, and the risk officer.

use super::schema::Member;
use super::value::{amount, ppb};
use highwire_links::fixed::Amount;
use serde::Deserialize;

/// `[lag]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lag {
    /// Whether it trades.
    pub enabled: bool,
    /// Which markets follow what.
    pub follow: Vec<Follow>,
    /// Largest value of one of its orders, in quote currency.
    #[serde(deserialize_with = "amount")]
    pub order_notional_max: Amount,
    /// Least move of what leads.
    #[serde(rename = "move_min_bps", deserialize_with = "ppb")]
    pub move_min_ppb: i64,
    /// Within how long it must have moved.
    pub window_ms: u64,
    /// What a basis point of it is worth in the binary's price, millionths of one.
    pub delta_ppm_per_bp: u32,
    /// Least edge expected.
    #[serde(rename = "edge_min_bps", deserialize_with = "ppb")]
    pub edge_min_ppb: i64,
    /// How long the market is given to follow.
    pub follow_ms: u64,
    /// A gain that is taken before.
    #[serde(rename = "gain_bps", deserialize_with = "ppb")]
    pub gain_ppb: i64,
    /// The most that a sale may lose.
    #[serde(rename = "loss_max_bps", deserialize_with = "ppb")]
    pub loss_max_ppb: i64,
}

/// Markets that follow an instrument.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follow {
    /// The markets' slug at Polymarket, or the beginning of it and a `*`.
    pub market: String,
    /// What leads.
    pub reference: Member,
}

impl Follow {
    /// Whether it is about the market of this slug.
    pub fn is_of(&self, slug: &str) -> bool {
        self.market.strip_suffix('*').map_or(slug == self.market, |beginning| slug.starts_with(beginning))
    }
}

/// `[officer]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// Time between two looks at positions and prices.
    pub sample_ms: u64,
    /// Prices of each pair that are kept.
    pub samples: usize,
    /// Most value of all positions, per cent of the equity.
    pub leverage_max_percent: u32,
    /// Most value of one pair's positions, per cent of the equity.
    pub concentration_max_percent: u32,
    /// Most value at risk of a day at 99 %, parts per billion of the equity.
    #[serde(rename = "var_max_bps", deserialize_with = "ppb")]
    pub var_max_ppb: i64,
    /// Yearly volatility at which sizes stay as they are, per cent.
    pub volatility_target_percent: u32,
}
