//! The 15-minute and hourly up-or-down markets of crypto assets: which to fetch now and next, and whether
//! what was found is what a strategy was built for.
//!
//! Slugs are a pattern: `{asset}-updown-15m-{start}` with the start in seconds, and for hours words in
//! Eastern Time, `bitcoin-up-or-down-july-7-2026-12am-et`. A slug proves nothing: where the answer's times,
//! outcomes, source, parameters or rules differ from what is expected, the market is refused. The hour
//! that repeats when summer time ends has one slug for two windows; the times tell which it is.

use super::eastern::{day_number, hour_of};
use super::market::Market;

/// An asset with up-or-down markets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asset {
    /// Bitcoin.
    Btc,
    /// Ether.
    Eth,
    /// Solana.
    Sol,
    /// XRP.
    Xrp,
    /// Dogecoin.
    Doge,
    /// BNB.
    Bnb,
    /// Hyperliquid.
    Hype,
    /// Zcash, since August 2026.
    Zec,
}

impl Asset {
    /// Every asset.
    pub const ALL: [Self; 8] =
        [Self::Btc, Self::Eth, Self::Sol, Self::Xrp, Self::Doge, Self::Bnb, Self::Hype, Self::Zec];

    /// Its ticker, lower case.
    pub fn ticker(self) -> &'static str {
        match self {
            Self::Btc => "btc",
            Self::Eth => "eth",
            Self::Sol => "sol",
            Self::Xrp => "xrp",
            Self::Doge => "doge",
            Self::Bnb => "bnb",
            Self::Hype => "hype",
            Self::Zec => "zec",
        }
    }

    /// Its name in the slugs of hourly markets, which only four have.
    fn word(self) -> Option<&'static str> {
        match self {
            Self::Btc => Some("bitcoin"),
            Self::Eth => Some("ethereum"),
            Self::Sol => Some("solana"),
            Self::Xrp => Some("xrp"),
            _ => None,
        }
    }
}

/// How long a window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// Fifteen minutes, decided by Chainlink's 60-second average.
    Quarter,
    /// An hour, decided by Binance's candle.
    Hour,
    /// So many seconds, decided like fifteen minutes: five minutes at the venue, anything at a simulated one.
    Short(u16),
}

impl Span {
    /// Seconds.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Quarter => 900,
            Self::Hour => 3_600,
            Self::Short(seconds) => seconds as i64,
        }
    }

    /// `15m`, as slugs and parameters have it.
    fn label(self) -> String {
        let seconds = self.seconds();
        if seconds % 60 == 0 { format!("{}m", seconds / 60) } else { format!("{seconds}s") }
    }

    /// The span of `15m`, `1h`, or another number of minutes or seconds below an hour.
    fn parse(text: &str) -> Option<Self> {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let number: u16 = number.parse().ok().filter(|number| *number > 0)?;
        match unit {
            "h" if number == 1 => Some(Self::Hour),
            "m" if number == 15 => Some(Self::Quarter),
            "m" if number < 60 => Some(Self::Short(number * 60)),
            "s" if number < 3_600 => Some(Self::Short(number)),
            _ => None,
        }
    }
}

/// One window of one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Whose price.
    pub asset: Asset,
    /// How long.
    pub span: Span,
    /// When it starts, seconds since 1970, a multiple of its length.
    pub start_s: i64,
}

/// Why a market that was found is not traded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The answer has no market of this slug.
    #[error("no such market")]
    Missing,
    /// It starts or ends at another time.
    #[error("another window than the slug says")]
    Times,
    /// Its outcomes are not `Up` and `Down`, in this order.
    #[error("other outcomes than Up and Down")]
    Outcomes,
    /// Another source decides it.
    #[error("another source decides it")]
    Source,
    /// The venue's parameters are others, or missing.
    #[error("other parameters decide it")]
    Config,
    /// Its rules do not say what is expected.
    #[error("its rules do not say what is expected")]
    Rules,
}

/// The window that holds `now_s`, and the one after it: what to have at hand so that a roll-over finds
/// the next market ready. Markets are created a day ahead.
pub fn wanted(asset: Asset, span: Span, now_s: i64) -> [Window; 2] {
    let start_s = now_s - now_s.rem_euclid(span.seconds());
    [start_s, start_s + span.seconds()].map(|start_s| Window { asset, span, start_s })
}

/// The asset and the span of a series, such as `btc-15m` or `eth-1h`; `None` for what the venue has no such markets of.
pub fn parse_series(text: &str) -> Option<(Asset, Span)> {
    let (ticker, span) = text.split_once('-')?;
    let asset = Asset::ALL.into_iter().find(|asset| asset.ticker() == ticker)?;
    let span = Span::parse(span)?;
    Window { asset, span, start_s: 0 }.slug().map(|_| (asset, span))
}

/// The window that holds `now_s` and those after it, `count` in all.
pub fn ahead(asset: Asset, span: Span, now_s: i64, count: i64) -> Vec<Window> {
    let start_s = now_s - now_s.rem_euclid(span.seconds());
    (0..count).map(|number| Window { asset, span, start_s: start_s + number * span.seconds() }).collect()
}

impl Window {
    /// When it ends, seconds since 1970.
    pub fn end_s(&self) -> i64 {
        self.start_s + self.span.seconds()
    }

    /// Its slug; `None` where the venue has no such markets of the asset.
    pub fn slug(&self) -> Option<String> {
        if self.span != Span::Hour {
            return Some(format!("{}-updown-{}-{}", self.asset.ticker(), self.span.label(), self.start_s));
        }
        const MONTHS: [&str; 12] = [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ];
        let local = hour_of(self.start_s);
        let month = MONTHS[usize::from(local.month - 1)];
        let (hour, half) = (local.hour % 12, if local.hour < 12 { "am" } else { "pm" });
        let hour = if hour == 0 { 12 } else { hour };
        Some(format!("{}-up-or-down-{month}-{}-{}-{hour}{half}-et", self.asset.word()?, local.day, local.year))
    }

    /// The series that lists all its markets, where its id is known.
    pub fn series(&self) -> Option<u32> {
        match (self.asset, self.span) {
            (Asset::Btc, Span::Quarter) => Some(10_192),
            (Asset::Btc, Span::Hour) => Some(10_114),
            _ => None,
        }
    }

    /// The market of this window among those found.
    ///
    /// # Errors
    /// [`Refused`]: nothing is traded on a market that is not exactly what is expected.
    pub fn find<'m>(&self, markets: &'m [Market]) -> Result<&'m Market, Refused> {
        let slug = self.slug().ok_or(Refused::Missing)?;
        let market = markets.iter().find(|market| market.slug == slug).ok_or(Refused::Missing)?;
        let times = [&market.starts, &market.ends].map(|text| seconds(text));
        if times != [Some(self.start_s), Some(self.end_s())] {
            return Err(Refused::Times);
        }
        if market.outcomes[0].name != "Up" || market.outcomes[1].name != "Down" {
            return Err(Refused::Outcomes);
        }
        match self.span {
            Span::Quarter | Span::Short(_) => self.is_average(market),
            Span::Hour => self.is_candle(market),
        }?;
        Ok(market)
    }

    /// Decided by Chainlink's average of the last 60 seconds, since 14 August 2026 for 15 minutes.
    fn is_average(&self, market: &Market) -> Result<(), Refused> {
        let ticker = self.asset.ticker();
        let source = format!("https://data.chain.link/streams/{ticker}-usd-twap-60s-streams");
        if market.resolution_source.trim_end_matches('/') != source {
            return Err(Refused::Source);
        }
        let config = market.config.as_ref().ok_or(Refused::Config)?;
        if config.asset != ticker || config.duration != self.span.label() || config.twap_s != Some(60) {
            return Err(Refused::Config);
        }
        says(market, &["greater than or equal to", "chainlink", &source])
    }

    /// Decided by the close of Binance's hourly candle against its open.
    fn is_candle(&self, market: &Market) -> Result<(), Refused> {
        let ticker = self.asset.ticker().to_uppercase();
        if !market.resolution_source.contains("binance.com/") || !market.resolution_source.contains(&ticker) {
            return Err(Refused::Source);
        }
        if market.config.is_some() {
            return Err(Refused::Config);
        }
        says(
            market,
            &["greater than or equal to", "binance", "1 hour candle", &format!("{ticker}/usdt").to_lowercase()],
        )
    }
}

fn says(market: &Market, phrases: &[&str]) -> Result<(), Refused> {
    let rules = market.description.to_lowercase();
    if phrases.iter().all(|phrase| rules.contains(phrase)) { Ok(()) } else { Err(Refused::Rules) }
}

/// Path and query that ask Gamma for the events of these windows, all at once.
pub fn path(windows: &[Window]) -> String {
    let slugs: Vec<String> = windows.iter().filter_map(Window::slug).map(|slug| format!("slug={slug}")).collect();
    format!("/events?{}", slugs.join("&"))
}

/// When what a market asks about begins, seconds since 1970, if it says so.
pub fn begins_s(market: &Market) -> Option<i64> {
    seconds(&market.starts)
}

/// When a market ends, seconds since 1970; `None` where it does not say.
pub fn end_s(market: &Market) -> Option<i64> {
    seconds(&market.ends)
}

/// Seconds since 1970 of `2026-07-23T23:55:00Z`, fraction of a second or not.
fn seconds(text: &str) -> Option<i64> {
    let (day, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<i64>().ok())?;
    let mut day = day.splitn(3, '-').map(number);
    let (year, month, date) = (day.next()??, day.next()??, day.next()??);
    let mut clock = clock.split('.').next()?.splitn(3, ':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let sane = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&date);
    let sane = sane && hour < 24 && minute < 60 && second < 61;
    sane.then(|| day_number(year, month, date) * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::polymarket::market::markets;

    #[test]
    fn slugs_of_now_and_next() {
        let slugs = |asset, span, now_s| wanted(asset, span, now_s).map(|window| window.slug());
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            slugs(Asset::Sol, Span::Quarter, 1_784_851_199),
            [some("sol-updown-15m-1784850300"), some("sol-updown-15m-1784851200")]
        );
        assert_eq!(
            slugs(Asset::Btc, Span::Hour, 1_783_396_800 + 3_599),
            [some("bitcoin-up-or-down-july-7-2026-12am-et"), some("bitcoin-up-or-down-july-7-2026-1am-et")]
        );
        assert_eq!(
            slugs(Asset::Eth, Span::Hour, 1_767_243_599),
            [some("ethereum-up-or-down-december-31-2025-11pm-et"), some("ethereum-up-or-down-january-1-2026-12am-et")]
        );
        // The hour between one and two comes twice on 1 November.
        let twice = some("xrp-up-or-down-november-1-2026-1am-et");
        assert_eq!(slugs(Asset::Xrp, Span::Hour, 1_793_509_200), [twice.clone(), twice]);
        assert_eq!(slugs(Asset::Doge, Span::Hour, 0), [None, None]);
        let noon = Window { asset: Asset::Btc, span: Span::Hour, start_s: 1_783_396_800 + 12 * 3_600 };
        assert_eq!(noon.slug(), some("bitcoin-up-or-down-july-7-2026-12pm-et"));
        assert_eq!(
            path(&wanted(Asset::Bnb, Span::Quarter, 0)),
            "/events?slug=bnb-updown-15m-0&slug=bnb-updown-15m-900"
        );
    }

    #[test]
    fn series_are_named_by_asset_and_span() {
        assert_eq!(parse_series("btc-15m"), Some((Asset::Btc, Span::Quarter)));
        assert_eq!(parse_series("eth-1h"), Some((Asset::Eth, Span::Hour)));
        assert_eq!(parse_series("sol-5m"), Some((Asset::Sol, Span::Short(300))));
        assert_eq!(parse_series("btc-20s"), Some((Asset::Btc, Span::Short(20))));
        for odd in ["btc", "abc-15m", "btc-0m", "btc-60m", "btc-2h", "doge-1h", "btc-m", "btc-µ"] {
            assert_eq!(parse_series(odd), None, "{odd}");
        }
        let slugs: Vec<_> = ahead(Asset::Btc, Span::Short(20), 1_790_000_039, 2).iter().map(Window::slug).collect();
        assert_eq!(slugs, [20, 40].map(|s| Some(format!("btc-updown-20s-{}", 1_790_000_000 + s))));
    }

    const QUARTER: &str = r#"[{"slug":"btc-updown-15m-1784850300","markets":[{"conditionId":"0x11ba5a5ab05573dee22a32b4c5bec06f035b8660eed912fb134e7215f46bf537","slug":"btc-updown-15m-1784850300","clobTokenIds":"[\"7269\", \"5772\"]","outcomes":"[\"Up\", \"Down\"]","orderPriceMinTickSize":0.01,"orderMinSize":5,"negRisk":false,"active":true,"closed":false,"acceptingOrders":true,"enableOrderBook":true,"feesEnabled":true,"feeSchedule":{"rate":0.07,"exponent":1,"takerOnly":true,"rebateRate":0.2},"eventStartTime":"2026-07-23T23:45:00Z","endDate":"2026-07-24T00:00:00Z","resolutionSource":"https://data.chain.link/streams/btc-usd-twap-60s-streams","description":"This market will resolve to \"Up\" if the value at the end is greater than or equal to the value at the beginning. Source: Chainlink, https://data.chain.link/streams/btc-usd-twap-60s-streams.","cryptoMarketConfig":{"id":"btc-15m-twap-60","asset":"btc","duration":"15m","twapEnabled":true,"twapLookbackSeconds":60}}]}]"#;

    #[test]
    fn a_market_that_differs_in_anything_is_refused() {
        let window = Window { asset: Asset::Btc, span: Span::Quarter, start_s: 1_784_850_300 };
        let found = |body: &str| window.find(&markets(body.as_bytes(), 0).unwrap().markets).map(|market| market.tick);
        assert_eq!(found(QUARTER), Ok(100));
        for (from, to, why) in [
            ("23:45:00Z", "23:50:00Z", Refused::Times),
            ("2026-07-24T00:00:00Z", "2026-07-24", Refused::Times),
            (r#"[\"Up\", \"Down\"]"#, r#"[\"Down\", \"Up\"]"#, Refused::Outcomes),
            (
                "\"resolutionSource\":\"https://data.chain.link/streams/btc-usd-twap",
                "\"resolutionSource\":\"https://data.chain.link/streams/eth-usd-twap",
                Refused::Source,
            ),
            ("\"twapLookbackSeconds\":60", "\"twapLookbackSeconds\":30", Refused::Config),
            ("\"twapEnabled\":true", "\"twapEnabled\":false", Refused::Config),
            ("cryptoMarketConfig", "cryptoMarket", Refused::Config),
            ("greater than or equal to", "greater than", Refused::Rules),
            (
                "\"slug\":\"btc-updown-15m-1784850300\",\"clobTokenIds",
                "\"slug\":\"btc-updown-5m-1\",\"clobTokenIds",
                Refused::Missing,
            ),
        ] {
            let body = QUARTER.replace(from, to);
            assert_ne!(body, QUARTER, "{from}");
            assert_eq!(found(&body), Err(why), "{to}");
        }
    }
}
