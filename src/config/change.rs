//! What differs between the settings in force and new ones, and what of it may be applied while the service runs: limits
//! and what strategies look for. Whatever does not surely bind tighter counts as looser.

use super::explain::json_of;
use super::keys::{Found, find};
use super::kind::{Kind, Text};
use super::load::Loaded;
use config::{Value, ValueKind};
use std::fmt;
use xxhash_rust::xxh3::xxh3_64;

/// What may change while it runs: sections, and keys. A venue's name is left out of its keys.
const LIVE: [&str; 10] = [
    "risk.",
    "saga.",
    "guard.",
    "cross.",
    "complement.",
    "lag.",
    "officer.leverage_max_percent",
    "officer.concentration_max_percent",
    "officer.var_max_bps",
    "venues.*.stale_ms",
];

/// Of these sections, what a start forms its markets by: only it takes that in.
const FORMED: [&str; 1] = ["lag.follow"];

/// Of these more is tighter.
const MORE_IS_TIGHTER: [&str; 10] = [
    "risk.edge_min_bps",
    "risk.slippage_bps",
    "risk.latency_penalty_bps",
    "risk.cooldown_ms",
    "risk.refused_rest_ms",
    "cross.margin_bps",
    "complement.edge_min_bps",
    "lag.edge_min_bps",
    "lag.move_min_bps",
    "lag.gain_bps",
];

/// Of these less is tighter; a strategy that is off is tighter, too.
const LESS_IS_TIGHTER: [&str; 27] = [
    "risk.order_notional_max",
    "risk.position_notional_max",
    "risk.gross_notional_max",
    "risk.pair_notional_max",
    "risk.open_orders_max",
    "risk.collar_bps",
    "saga.exposed_ms",
    "saga.exposure_max",
    "guard.orders_per_s_max",
    "guard.notional_per_min_max",
    "guard.rejects_max",
    "guard.repeats_per_min_max",
    "guard.loss_max",
    "guard.drawdown_max",
    "cross.rest_ms",
    "cross.reprices_max",
    "complement.enabled",
    "complement.collar_bps",
    "lag.enabled",
    "lag.order_notional_max",
    "lag.loss_max_bps",
    "lag.window_ms",
    "officer.leverage_max_percent",
    "officer.concentration_max_percent",
    "officer.var_max_bps",
    "venues.*.stale_ms",
    "saga.failures_max",
];

/// What follows from a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It binds tighter.
    Tightens,
    /// It may bind less: somebody must say that it is meant.
    Loosens,
    /// Only a start can take it in.
    NeedsStart,
}

/// One setting that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its dotted path.
    pub key: String,
    /// The value in force, as JSON; nothing for where a secret stands.
    pub from: String,
    /// The new one.
    pub to: String,
    /// What follows.
    pub effect: Effect,
}

impl Loaded {
    /// Everything that differs in `next`, in the order of the keys' names.
    pub fn changes(&self, next: &Self) -> Vec<Change> {
        let keys = self.values.keys().chain(next.values.keys().filter(|key| !self.values.contains_key(*key)));
        let change = |key: &String| {
            let (from, to) = (self.values.get(key), next.values.get(key));
            let shown = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), |value| shown(key, value));
            let differs = from.map(json_of) != to.map(json_of);
            differs.then(|| Change {
                key: key.clone(),
                from: shown(from),
                to: shown(to),
                effect: effect(key, from, to),
            })
        };
        let mut changes: Vec<Change> = keys.filter_map(change).collect();
        changes.sort_by(|one, other| one.key.cmp(&other.key));
        changes
    }

    /// A short name of exactly these values.
    pub fn hash(&self) -> String {
        let text: String = self.values.iter().map(|(key, value)| format!("{key}={}\n", json_of(value))).collect();
        format!("{:016x}", xxh3_64(text.as_bytes()))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, from, to, .. } = self;
        write!(f, "{key}: {from} → {to}")
    }
}

fn effect(key: &str, from: Option<&Value>, to: Option<&Value>) -> Effect {
    let mut parts: Vec<&str> = key.split('.').collect();
    if let ["venues", venue, ..] = &mut parts[..] {
        *venue = "*";
    }
    let path = parts.join(".");
    let is_live = |live: &&str| path == **live || (live.ends_with('.') && path.starts_with(*live));
    if !LIVE.iter().any(is_live) || FORMED.contains(&&*path) {
        return Effect::NeedsStart;
    }
    let (Some(from), Some(to)) = (from.and_then(number), to.and_then(number)) else { return Effect::Loosens };
    let is_tighter =
        (LESS_IS_TIGHTER.contains(&&*path) && to < from) || (MORE_IS_TIGHTER.contains(&&*path) && to > from);
    if is_tighter { Effect::Tightens } else { Effect::Loosens }
}

/// For comparing only: two that cannot be told apart are not tighter.
fn number(value: &Value) -> Option<f64> {
    match &value.kind {
        ValueKind::Boolean(flag) => Some(f64::from(u8::from(*flag))),
        ValueKind::String(text) => text.parse().ok(),
        _ => json_of(value).as_f64(),
    }
}

fn shown(key: &str, value: &Value) -> String {
    match find(key) {
        Found::Key(known) if matches!(known.kind, Kind::Text(Text::Source)) => "[REDACTED]".to_owned(),
        _ => json_of(value).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_from;

    fn loaded(settings: &[(&str, &str)]) -> Loaded {
        let variable = |(key, value): &(&str, &str)| {
            (format!("HIGHWIRE__{}", key.to_uppercase().replace('.', "__")), (*value).to_owned())
        };
        load_from(None, settings.iter().map(variable)).unwrap()
    }

    #[test]
    fn every_named_key_exists_and_is_live() {
        for key in MORE_IS_TIGHTER.into_iter().chain(LESS_IS_TIGHTER) {
            let key = key.replace('*', "okx");
            assert!(matches!(find(&key), Found::Key(_)), "{key}");
            assert_ne!(effect(&key, None, None), Effect::NeedsStart, "{key}");
        }
    }

    #[test]
    fn what_binds_tighter_is_told_from_what_may_not_and_from_what_needs_a_start() {
        let now = loaded(&[]);
        for (key, value, effect) in [
            ("risk.order_notional_max", "1", Effect::Tightens),
            ("risk.order_notional_max", "1001", Effect::Loosens),
            ("risk.edge_min_bps", "99", Effect::Tightens),
            ("risk.edge_min_bps", "0", Effect::Loosens),
            ("saga.retry_ms", "7", Effect::Loosens),
            ("venues.okx.stale_ms", "1", Effect::Tightens),
            ("venues.okx.stale_ms", "600000", Effect::Loosens),
            ("lag.enabled", "true", Effect::Loosens),
            (
                "lag.follow",
                "[{ market = \"btc-updown-15m-*\", reference = \"binance_spot:BTCUSDT\" }]",
                Effect::NeedsStart,
            ),
            ("venues.okx.enabled", "false", Effect::NeedsStart),
            ("service.name", "other", Effect::NeedsStart),
        ] {
            let next = loaded(&[(key, value)]);
            let changes = now.changes(&next);
            assert_eq!(changes.iter().map(|change| change.effect).collect::<Vec<_>>(), [effect], "{key} {changes:?}");
            assert_ne!(now.hash(), next.hash());
        }
        assert_eq!((now.changes(&loaded(&[])), now.hash()), (vec![], loaded(&[]).hash()));
        let secret = now.changes(&loaded(&[("venues.okx.api_key", "file:/canary")]));
        assert!(secret[0].effect == Effect::NeedsStart && !secret[0].to_string().contains("canary"), "{secret:?}");
    }
}
