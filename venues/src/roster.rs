//! The instruments of an order line: by id for what goes out, by symbol for what comes in.

use crate::spec::{InstrumentSpec, Kind};
use crate::text;
use highwire_links::decode::Reject;
use highwire_links::directory::{Directory, Entry};
use highwire_links::fill::{FEE_DP, FeeAsset, Report, ReportKind};
use highwire_links::limits::POW10;
use highwire_links::{InstrumentId, Nanos, Px, Qty, Side};

/// One instrument that a line may trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its symbol, exactly as the venue writes it.
    pub symbol: String,
    /// Its place in the instrument table, and its decimals.
    pub entry: Entry,
    /// Its base asset.
    pub base: String,
    /// Its quote currency.
    pub quote: String,
    /// What it is.
    pub kind: Kind,
    /// OKX's `instIdCode`, which its order socket asks for instead of the symbol.
    pub code: Option<u64>,
    /// What an order for one of Polymarket's outcome tokens must know besides.
    pub outcome: Option<crate::polymarket::Terms>,
}

impl Listed {
    /// The instrument of a specification.
    pub fn of(spec: &InstrumentSpec, id: InstrumentId) -> Self {
        Self {
            symbol: spec.symbol.clone(),
            entry: Entry { id, scale: spec.scale },
            base: spec.base.clone(),
            quote: spec.quote.clone(),
            kind: spec.kind,
            code: spec.code,
            outcome: spec.outcome,
        }
    }

    /// Which side of the instrument a fee in `asset` moves; no asset named means the quote currency.
    pub(crate) fn fee_in(&self, asset: &str) -> FeeAsset {
        match asset {
            _ if asset.is_empty() || asset == self.quote => FeeAsset::Quote,
            _ if asset == self.base => FeeAsset::Base,
            _ => FeeAsset::Other,
        }
    }

    /// A price from text, at the instrument's decimals.
    pub(crate) fn px(&self, text: &str) -> Result<Px, Reject> {
        Ok(Px(fixed(text, self.entry.scale.px_dp)?))
    }

    /// A quantity from text, at the instrument's decimals.
    pub(crate) fn qty(&self, text: &str) -> Result<Qty, Reject> {
        Ok(Qty(fixed(text, self.entry.scale.qty_dp)?))
    }

    /// A report that only says `kind`.
    pub(crate) fn about(&self, id: u64, kind: ReportKind, at_ns: Nanos) -> Report {
        Report::about(id, self.entry.id, kind, at_ns)
    }
}

fn fixed(text: &str, dp: u8) -> Result<i64, Reject> {
    Ok(highwire_links::fixed::parse(text.as_bytes(), dp)?.mantissa)
}

/// A fee as a mantissa and its decimals, exactly as written; positive is paid. `sign` is −1 where the
/// venue writes charges as negative numbers. An empty text is no fee.
pub(crate) fn fee(text: &str, sign: i64) -> Result<(i64, u8), Reject> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    if digits.is_empty() {
        return if negative { Err(Reject::BadNumber) } else { Ok((0, FEE_DP)) };
    }
    let shown = digits.split_once('.').map_or("", |(_, fraction)| fraction.trim_end_matches('0')).len();
    let dp = u8::try_from(shown).ok().filter(|dp| usize::from(*dp) < POW10.len()).ok_or(Reject::Precision)?;
    let paid = fixed(digits, dp)? * sign;
    Ok((if negative { -paid } else { paid }, dp))
}

/// A listed instrument with its symbol as requests write it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The instrument.
    pub listed: Listed,
    /// Its symbol percent-encoded.
    pub escaped: Vec<u8>,
}

/// All instruments of a line.
#[derive(Clone, Debug)]
pub(crate) struct Roster {
    directory: Directory,
    places: Vec<Place>,
    /// By instrument: its place here and one; 0 where it is not on this line.
    by_id: Vec<u16>,
}

impl Roster {
    /// The instruments of a line. A symbol that would break out of JSON or a query is left out: its
    /// orders are refused with `Encoding` rather than sent.
    pub(crate) fn new(listed: &[Listed]) -> Self {
        let places: Vec<Place> = listed.iter().filter(|one| is_plain(&one.symbol)).map(place).collect();
        let most = places.iter().map(|place| place.listed.entry.id.index() + 1).max().unwrap_or(0);
        let mut by_id = vec![0; most];
        for (place, at) in places.iter().zip(1u16..) {
            by_id[place.listed.entry.id.index()] = at;
        }
        let directory = Directory::new(places.iter().map(|place| (place.listed.symbol.as_str(), place.listed.entry)));
        Self { directory, places, by_id }
    }

    /// The instrument of this id.
    pub(crate) fn place(&self, id: InstrumentId) -> Option<&Place> {
        let at = usize::from(*self.by_id.get(id.index())?);
        self.places.get(at.checked_sub(1)?)
    }

    /// The instrument of this symbol.
    pub(crate) fn find(&self, symbol: &str) -> Option<&Listed> {
        let entry = self.directory.find(symbol.as_bytes())?;
        self.place(entry.id).map(|place| &place.listed)
    }
}

fn place(listed: &Listed) -> Place {
    let mut escaped = Vec::new();
    text::escaped(listed.symbol.as_bytes(), &mut escaped);
    Place { listed: listed.clone(), escaped }
}

fn is_plain(symbol: &str) -> bool {
    !symbol.is_empty() && !symbol.chars().any(|c| c.is_control() || c.is_whitespace() || "\"\\&=".contains(c))
}

/// The side of a venue's word for it.
pub(crate) fn side(word: &str) -> Option<Side> {
    match word {
        "BUY" | "Buy" | "buy" => Some(Side::Buy),
        "SELL" | "Sell" | "sell" => Some(Side::Sell),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::Venue;

    #[test]
    fn fees_are_exact_with_their_own_decimals() {
        assert_eq!(fee("26.37252750", 1), Ok((263_725_275, 7)));
        assert_eq!(fee("-0.02522168", -1), Ok((2_522_168, 8)));
        assert_eq!(fee("-0.1", 1), Ok((-1, 1)));
        assert_eq!(fee("0", -1), Ok((0, 0)));
        assert_eq!(fee("", 1), Ok((0, FEE_DP)));
        for bad in ["-", "1e-5", "--1", "x"] {
            assert_eq!(fee(bad, 1), Err(Reject::BadNumber), "{bad}");
        }
        assert_eq!(fee("0.1234567890123456789", 1), Err(Reject::Precision));
    }

    #[test]
    fn instruments_are_found_both_ways_and_odd_symbols_left_out() {
        let listed = |symbol, id| Listed::of(&InstrumentSpec::assumed(Venue::BinanceSpot, symbol), InstrumentId(id));
        let roster = Roster::new(&[listed("BTCUSDT", 3), listed("X\",\"side", 4), listed("币安人生USDT", 9)]);
        assert_eq!(roster.find("BTCUSDT").map(|one| one.entry.id), Some(InstrumentId(3)));
        assert_eq!(roster.place(InstrumentId(9)).unwrap().escaped, b"%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT");
        assert!(roster.place(InstrumentId(4)).is_none() && roster.place(InstrumentId(u16::MAX)).is_none());
    }
}
