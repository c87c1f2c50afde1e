//! Which instruments are the same economic thing.
//!
//! By default those with the same base and exactly the same quote: a stablecoin's basis is not
//! arbitrage. Configuration can name groups of quotes that the operator regards as equal, or whole
//! pairs; `--pairs` narrows a replay to some. Dated futures and options are compared with nothing
//! unless a pair names them: they are worth something else.

use crate::config::Config;
use highwire_venues::spec::{InstrumentSpec, Kind};
use highwire_venues::venue::Venue;

/// Quotes that `--pairs BASE` regards as dollars.
const DOLLARS: [&str; 8] = ["USD", "USDT", "USDC", "BUSD", "FDUSD", "TUSD", "DAI", "USDP"];

/// A `--pairs` argument that is none of the three forms.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// Not `BTC`, `BTC/USDT` or `NAME=venue:SYMBOL,venue:SYMBOL`.
    #[error("--pairs {0}: expected BASE, BASE/QUOTE, or NAME=venue:SYMBOL,venue:SYMBOL")]
    Form(String),
    /// No such venue.
    #[error("--pairs {argument}: no venue {venue:?}; known are {known}")]
    Venue {
        /// The argument.
        argument: String,
        /// The unknown name.
        venue: String,
        /// The known ones.
        known: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Base(String),
    Exact(String, String),
}

/// The rule by which instruments are put into pairs.
#[derive(Clone, Debug, Default)]
pub struct Pairing {
    named: Vec<(String, Vec<(Venue, String)>)>,
    wanted: Vec<Wanted>,
    /// Only what is named or wanted is compared.
    narrow: bool,
    quote_groups: Vec<Vec<String>>,
}

impl Pairing {
    /// The rule of the configuration, narrowed by `--pairs` arguments if there are any.
    ///
    /// # Errors
    /// An argument of no known form, or that names an unknown venue.
    pub fn new(config: &Config, arguments: &[String]) -> Result<Self, PairingError> {
        let mut pairing = Self { quote_groups: config.pairs.quote_groups.clone(), ..Self::default() };
        for pair in &config.pairs.list {
            let members = pair.members.iter().filter_map(|m| Some((Venue::parse(&m.venue)?, m.symbol.clone())));
            pairing.named.push((pair.name.clone(), members.collect()));
        }
        for argument in arguments {
            pairing.narrow = true;
            pairing.add(argument)?;
        }
        Ok(pairing)
    }

    fn add(&mut self, argument: &str) -> Result<(), PairingError> {
        let form = || PairingError::Form(argument.to_owned());
        if let Some((name, members)) = argument.split_once('=') {
            let members: Result<Vec<_>, _> = members.split(',').map(|member| named_member(argument, member)).collect();
            self.named.push((name.to_owned(), members?));
        } else if let Some((base, quote)) = argument.split_once('/') {
            self.wanted.push(Wanted::Exact(base.to_uppercase(), quote.to_uppercase()));
        } else if !argument.is_empty() && argument.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            self.wanted.push(Wanted::Base(argument.to_uppercase()));
        } else {
            return Err(form());
        }
        Ok(())
    }

    /// The name of the pair that this instrument belongs to; `None`: it is compared with nothing.
    pub fn pair_of(&self, spec: &InstrumentSpec) -> Option<String> {
        let is_named = |members: &[(Venue, String)]| members.iter().any(|(v, s)| *v == spec.venue && *s == spec.symbol);
        if let Some((name, _)) = self.named.iter().find(|(_, members)| is_named(members)) {
            return Some(name.clone());
        }
        if !matches!(spec.kind, Kind::Spot | Kind::Perpetual) {
            return None;
        }
        if self.narrow {
            return self.wanted.iter().find_map(|wanted| wanted_pair(wanted, spec));
        }
        let group = self.quote_groups.iter().find(|group| group.contains(&spec.quote));
        let quote = group.and_then(|group| group.first()).unwrap_or(&spec.quote);
        Some(format!("{}/{quote}", spec.base))
    }
}

fn named_member(argument: &str, member: &str) -> Result<(Venue, String), PairingError> {
    let (name, symbol) = member.split_once(':').ok_or_else(|| PairingError::Form(argument.to_owned()))?;
    let venue = Venue::parse(name).ok_or_else(|| PairingError::Venue {
        argument: argument.to_owned(),
        venue: name.to_owned(),
        known: Venue::ALL.map(Venue::name).join(", "),
    })?;
    Ok((venue, symbol.to_owned()))
}

fn wanted_pair(wanted: &Wanted, spec: &InstrumentSpec) -> Option<String> {
    match wanted {
        Wanted::Base(base) => (spec.base == *base && DOLLARS.contains(&spec.quote.as_str())).then(|| base.clone()),
        Wanted::Exact(base, quote) => (spec.base == *base && spec.quote == *quote).then(|| format!("{base}/{quote}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], venue: Venue, symbol: &str, expected: Option<&str>) {
        let config = crate::config::load_from(None, std::iter::empty()).unwrap().config;
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        let pairing = Pairing::new(&config, &arguments).unwrap();
        let found = pairing.pair_of(&InstrumentSpec::assumed(venue, symbol));
        assert_eq!(found.as_deref(), expected, "{arguments:?} {symbol}");
    }

    #[test]
    fn quotes_are_equal_only_where_someone_says_so() {
        check(&[], Venue::BinanceSpot, "BTCUSDT", Some("BTC/USDT"));
        check(&[], Venue::BinanceCoinm, "BTCUSD_PERP", Some("BTC/USD"));
        check(&["BTC"], Venue::BinanceCoinm, "BTCUSD_PERP", Some("BTC"));
        check(&["BTC"], Venue::BinanceSpot, "BTCEUR", None);
        check(&["btc/usdt"], Venue::Okx, "BTC-USDT-SWAP", Some("BTC/USDT"));
        check(&["btc/usdt"], Venue::BinanceSpot, "ETHUSDT", None);
        check(&["mine=okx:BTC-USDT"], Venue::Okx, "BTC-USDT", Some("mine"));
    }

    #[test]
    fn what_expires_is_compared_only_by_name() {
        check(&["BTC"], Venue::BinanceCoinm, "BTCUSD_210625", None);
        check(&["x=binance_coinm:BTCUSD_210625"], Venue::BinanceCoinm, "BTCUSD_210625", Some("x"));
    }

    #[test]
    fn a_wrong_argument_is_told_apart() {
        let config = crate::config::load_from(None, std::iter::empty()).unwrap().config;
        let error = |argument: &str| Pairing::new(&config, &[argument.to_owned()]).unwrap_err().to_string();
        assert!(error("B T").contains("expected BASE"));
        assert!(error("x=kraken:BTC").contains("no venue \"kraken\""));
    }
}
