//! Settings that change while the service runs: what the strategies look for. Each is checked as it is at a start.

use super::keys::{Found, find};
use super::schema::Config;
use super::value::{BPS_DP, MONEY_DP, decimal};
use config::Value;
use highwire_links::fixed::Amount;

/// The settings that may change.
const TUNED: [&str; 14] = [
    "cross.rest_ms",
    "cross.margin_bps",
    "complement.enabled",
    "complement.edge_min_bps",
    "complement.collar_bps",
    "lag.enabled",
    "lag.order_notional_max",
    "lag.move_min_bps",
    "lag.window_ms",
    "lag.delta_ppm_per_bp",
    "lag.edge_min_bps",
    "lag.follow_ms",
    "lag.gain_bps",
    "lag.loss_max_bps",
];

/// Why nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TuneError {
    /// Not of the form `key=value`.
    #[error("{0:?}: expected key=value")]
    Form(String),
    /// No such setting, or one that is fixed for a run.
    #[error("{0}: not a setting that changes while it runs; those are {known}", known = TUNED.join(", "))]
    Fixed(String),
    /// The value is none of those allowed.
    #[error("{key} = {value}: {why}; expected {allowed}")]
    Value {
        /// The setting.
        key: String,
        /// What was written.
        value: String,
        /// What is wrong.
        why: String,
        /// What is allowed.
        allowed: String,
    },
}

/// A setting's place among the settings.
enum Place<'c> {
    Flag(&'c mut bool),
    /// Parts per billion, written in basis points.
    Bps(&'c mut i64),
    Money(&'c mut Amount),
    Ms(&'c mut u64),
    Ppm(&'c mut u32),
}

/// The settings with these changes, each `key=value`.
///
/// # Errors
/// The first [`TuneError`]; then none is made.
pub fn tuned(config: &Config, changes: &[String]) -> Result<Config, TuneError> {
    let mut config = config.clone();
    for change in changes {
        let (key, written) = change.split_once('=').ok_or_else(|| TuneError::Form(change.clone()))?;
        set(&mut config, key.trim(), written.trim())?;
    }
    Ok(config)
}

/// Every setting that may change, as `key = value`.
pub fn in_force(config: &Config) -> Vec<String> {
    let mut config = config.clone();
    let line = |key: &&str| Some(format!("{key} = {}", place(&mut config, key)?.text()));
    TUNED.iter().filter_map(line).collect()
}

fn set(config: &mut Config, key: &str, written: &str) -> Result<(), TuneError> {
    let fixed = || TuneError::Fixed(key.to_owned());
    let (Some(place), Found::Key(known)) = (place(config, key), find(key)) else { return Err(fixed()) };
    let wrong = |why: String| {
        let allowed = known.kind.allowed();
        TuneError::Value { key: key.to_owned(), value: written.to_owned(), why, allowed }
    };
    let checked = known.kind.check(&Value::new(None, known.kind.read(written))).map_err(|fault| wrong(fault.why))?;
    place.take(checked).ok_or_else(|| wrong("out of range".to_owned()))
}

fn place<'c>(Config { lag, complement, cross, .. }: &'c mut Config, key: &str) -> Option<Place<'c>> {
    Some(match key {
        "cross.rest_ms" => Place::Ms(&mut cross.rest_ms),
        "cross.margin_bps" => Place::Bps(&mut cross.margin_ppb),
        "complement.enabled" => Place::Flag(&mut complement.enabled),
        "complement.edge_min_bps" => Place::Bps(&mut complement.edge_min_ppb),
        "complement.collar_bps" => Place::Bps(&mut complement.collar_ppb),
        "lag.enabled" => Place::Flag(&mut lag.enabled),
        "lag.order_notional_max" => Place::Money(&mut lag.order_notional_max),
        "lag.move_min_bps" => Place::Bps(&mut lag.move_min_ppb),
        "lag.window_ms" => Place::Ms(&mut lag.window_ms),
        "lag.delta_ppm_per_bp" => Place::Ppm(&mut lag.delta_ppm_per_bp),
        "lag.edge_min_bps" => Place::Bps(&mut lag.edge_min_ppb),
        "lag.follow_ms" => Place::Ms(&mut lag.follow_ms),
        "lag.gain_bps" => Place::Bps(&mut lag.gain_ppb),
        "lag.loss_max_bps" => Place::Bps(&mut lag.loss_max_ppb),
        _ => return None,
    })
}

impl Place<'_> {
    /// Takes a checked value; `None` when it does not fit all the same.
    fn take(self, value: Value) -> Option<()> {
        match self {
            Self::Flag(flag) => *flag = value.into_bool().ok()?,
            Self::Bps(ppb) => *ppb = decimal(&value.into_string().ok()?, BPS_DP).ok()?,
            Self::Money(amount) => {
                let mantissa = decimal(&value.into_string().ok()?, MONEY_DP).ok()?;
                *amount = Amount::from_mantissa(mantissa.into(), MONEY_DP)?;
            }
            Self::Ms(ms) => *ms = value.into_uint().ok()?,
            Self::Ppm(ppm) => *ppm = u32::try_from(value.into_uint().ok()?).ok()?,
        }
        Some(())
    }

    fn text(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Bps(ppb) => bps(**ppb),
            Self::Money(amount) => amount.to_string(),
            Self::Ms(ms) => ms.to_string(),
            Self::Ppm(ppm) => ppm.to_string(),
        }
    }
}

/// Parts per billion, not below zero, as exact basis points.
fn bps(ppb: i64) -> String {
    let text = format!("{}.{:05}", ppb / 100_000, ppb % 100_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> Config {
        crate::config::load_from(None, std::iter::empty()).unwrap().config
    }

    #[test]
    fn what_is_in_force_can_be_set_again_and_says_the_same() {
        let (config, lines) = (config(), in_force(&config()));
        assert_eq!(lines.len(), TUNED.len());
        assert!(lines.contains(&"lag.delta_ppm_per_bp = 10000".to_owned()), "{lines:?}");
        assert_eq!(tuned(&config, &lines).unwrap(), config);
    }

    #[test]
    fn all_changes_are_made_or_none() {
        let change = |changes: &[&str]| {
            let changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
            tuned(&config(), &changes)
        };
        let lag = change(&["lag.enabled=true", "lag.move_min_bps=7.5", "lag.follow_ms=9"]).unwrap().lag;
        assert_eq!((lag.enabled, lag.move_min_ppb, lag.follow_ms), (true, 750_000, 9));
        let refused = |changes: &[&str], says: &str| {
            let why = change(changes).unwrap_err().to_string();
            assert!(why.contains(says), "{why}");
        };
        refused(&["lag.enabled"], "expected key=value");
        refused(&["lag.follow=[]"], "not a setting that changes");
        refused(&["risk.order_notional_max=1"], "not a setting that changes");
        refused(&["lag.enabled=true", "lag.window_ms=0"], "lag.window_ms = 0: out of range");
        refused(&["lag.move_min_bps=7.5.5"], "lag.move_min_bps = 7.5.5");
        refused(&["lag.enabled=perhaps"], "expected true or false");
    }
}
