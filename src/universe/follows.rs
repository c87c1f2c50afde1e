//! Which binary market follows which instrument, by the settings of lag arbitrage.

use crate::config::Lag;
use highwire_engine::engine::{Binary, Follow};
use highwire_links::{InstrumentId, Nanos};
use highwire_venues::spec::InstrumentSpec;

/// What each of these binary markets follows: the first entry that names it decides. One whose reference no venue lists
/// follows nothing, and that is told.
pub fn follows(specs: &[InstrumentSpec], binaries: &[Binary], lag: &Lag) -> Vec<Follow> {
    let follow = |(binary, market): (usize, &Binary)| {
        let side = specs.get(market.yes.index())?;
        let slug = side.base.split(':').next().unwrap_or_default();
        let entry = lag.follow.iter().find(|entry| entry.is_of(slug))?;
        let leads =
            |spec: &InstrumentSpec| spec.venue.name() == entry.reference.venue && spec.symbol == entry.reference.symbol;
        let Some(reference) = specs.iter().position(leads) else {
            tracing::warn!(market = slug, reference = ?entry.reference, "it follows nothing: no venue lists that");
            return None;
        };
        let reference = InstrumentId(u16::try_from(reference).ok()?);
        Some(Follow { reference, binary, since_ns: begins_ns(side) })
    };
    binaries.iter().enumerate().filter_map(follow).collect()
}

/// When the question begins, wall time; 0 where the venue does not say.
fn begins_ns(side: &InstrumentSpec) -> Nanos {
    let begins_s = side.outcome.map_or(0, |terms| terms.begins_s);
    u64::try_from(begins_s).unwrap_or(0).saturating_mul(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Follow as Entry, Member, load_from};
    use highwire_venues::venue::Venue;

    fn sides(slug: &str) -> [InstrumentSpec; 2] {
        ["Up", "Down"].map(|name| InstrumentSpec {
            base: format!("{slug}:{name}"),
            ..InstrumentSpec::assumed(Venue::Polymarket, "1")
        })
    }

    #[test]
    fn the_first_entry_that_names_a_market_decides_what_it_follows() {
        let entry = |market: &str, symbol: &str| Entry {
            market: market.to_owned(),
            reference: Member { venue: "binance_spot".to_owned(), symbol: symbol.to_owned() },
        };
        let mut lag = load_from(None, std::iter::empty()).unwrap().config.lag;
        lag.follow = vec![entry("btc-1", "BTCUSDT"), entry("btc-*", "BTCUSDC"), entry("eth-*", "ETHUSDT")];
        let mut specs: Vec<InstrumentSpec> =
            ["btc-1", "btc-12", "eth-1", "sol-1"].into_iter().flat_map(sides).collect();
        specs.extend(["BTCUSDT", "BTCUSDC"].map(|symbol| InstrumentSpec::assumed(Venue::BinanceSpot, symbol)));
        let id = InstrumentId;
        let binaries: Vec<Binary> =
            (0..4).map(|n| Binary { yes: id(2 * n), no: id(2 * n + 1), fee: Default::default() }).collect();
        let found: Vec<(u16, usize)> =
            follows(&specs, &binaries, &lag).iter().map(|follow| (follow.reference.0, follow.binary)).collect();
        assert_eq!(found, [(8, 0), (9, 1)], "no ETHUSDT is listed, and nothing names sol-1");
    }
}
