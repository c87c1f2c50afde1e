//! What to simulate: assets, venues, how lively the market is and how the rooms behave.

use std::time::Duration;

use serde::Serialize;

use crate::fault::script::Injection;
use crate::members::Member;
use crate::polymarket::PolymarketConfig;

/// A venue: one WebSocket address and one REST address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Venue {
    /// Binance spot (`stream.binance.com`, `api.binance.com`).
    BinanceSpot,
    /// Binance USD-M futures (`fstream.binance.com`, `fapi.binance.com`).
    BinanceUsdm,
    /// OKX v5, spot and linear swaps on one address.
    Okx,
    /// Bybit v5, spot and linear perpetuals on one address with a path each.
    Bybit,
    /// Polymarket's CLOB, its discovery under `/gamma` of the REST address.
    Polymarket,
}

impl Venue {
    /// Every venue.
    pub const ALL: [Self; 5] = [Self::BinanceSpot, Self::BinanceUsdm, Self::Okx, Self::Bybit, Self::Polymarket];

    /// The venue's boards.
    pub const fn boards(self) -> &'static [Board] {
        match self {
            Self::BinanceSpot => &[Board::BinanceSpot],
            Self::BinanceUsdm => &[Board::BinanceUsdm],
            Self::Okx => &[Board::OkxSpot, Board::OkxSwap],
            Self::Bybit => &[Board::BybitSpot, Board::BybitLinear],
            Self::Polymarket => &[],
        }
    }
}

impl Venue {
    /// The venue's name in scripts and on the control port.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BinanceSpot => "binance_spot",
            Self::BinanceUsdm => "binance_usdm",
            Self::Okx => "okx",
            Self::Bybit => "bybit",
            Self::Polymarket => "polymarket",
        }
    }

    /// The venue of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|venue| venue.name() == name)
    }
}

/// One of a venue's two public addresses: the same streams behind independent connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    /// The first.
    #[default]
    A,
    /// The second.
    B,
}

impl Endpoint {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// `A` or `B`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
        }
    }

    /// The endpoint of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.name() == name)
    }
}

/// A board: one kind of instrument at one venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Board {
    /// Binance spot.
    BinanceSpot,
    /// Binance USD-M perpetuals, quantities in the base coin.
    BinanceUsdm,
    /// OKX spot.
    OkxSpot,
    /// OKX linear swaps, quantities in contracts.
    OkxSwap,
    /// Bybit spot.
    BybitSpot,
    /// Bybit linear perpetuals, quantities in the base coin.
    BybitLinear,
}

/// One asset and its price process.
#[derive(Clone, Debug)]
pub struct AssetSpec {
    /// Base coin, upper case, such as `BTC`.
    pub base: String,
    /// Quote coin, upper case, such as `USDT`.
    pub quote: String,
    /// Starting price times 10^8, `100..=10^15`.
    pub price_e8: i64,
    /// Standard deviation of the price over one second, in parts per million.
    pub volatility_ppm: u32,
}

impl AssetSpec {
    /// An asset quoted in USDT with a volatility of one basis point per second.
    pub fn new(base: &str, price_e8: i64) -> Self {
        Self { base: base.to_owned(), quote: "USDT".to_owned(), price_e8, volatility_ppm: 100 }
    }
}

/// How the market moves. Times are simulated nanoseconds.
#[derive(Clone, Debug)]
pub struct MarketConfig {
    /// Seed of every random stream.
    pub seed: u64,
    /// The assets; each is listed on every board.
    pub assets: Vec<AssetSpec>,
    /// Levels kept on each side of each book, `1..=400`.
    pub levels: usize,
    /// Quote events per second and book (each changes one or more levels).
    pub rate_per_s: u32,
    /// How late the slowest board follows the price, in ns; the other boards are spread evenly below.
    pub lag_ns: u64,
    /// Standing disagreement between boards, standard deviation in parts per million.
    pub noise_ppm: u32,
    /// How often per minute and asset one board is pushed away from the others, so that an opportunity arises.
    pub dislocations_per_min: u32,
    /// How far it is pushed, in basis points (each push draws 0.5 to 1.5 times this).
    pub dislocation_bps: u32,
    /// Time constant with which it comes back, in ns.
    pub dislocation_ns: u64,
    /// How often per minute every asset's price swings within a fifth of a second, up and back in turn; 0 is never.
    pub swings_per_min: u32,
    /// How far, in basis points.
    pub swing_bps: u32,
}

impl Default for MarketConfig {
    fn default() -> Self {
        let assets = [("BTC", 65_000), ("ETH", 3_200), ("SOL", 150)];
        Self {
            seed: 1,
            assets: assets.map(|(base, price)| AssetSpec::new(base, price * 100_000_000)).to_vec(),
            levels: 50,
            rate_per_s: 50,
            lag_ns: 60_000_000,
            noise_ppm: 20,
            dislocations_per_min: 20,
            dislocation_bps: 40,
            dislocation_ns: 400_000_000,
            swings_per_min: 0,
            swing_bps: 0,
        }
    }
}

/// The ports of one venue on 127.0.0.1; 0 lets the system choose.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// WebSocket port.
    pub ws: u16,
    /// REST port.
    pub rest: u16,
    /// WebSocket port of the second endpoint.
    pub ws_b: u16,
    /// REST port of the second endpoint.
    pub rest_b: u16,
}

/// Departures from the venues' own timing; `None` keeps the venue's rule.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuleOverrides {
    /// Time between two pings of the server (Binance 20 s spot, 3 min USD-M).
    pub ping_every: Option<Duration>,
    /// Time in which a pong must arrive (Binance 60 s spot, 10 min USD-M).
    pub pong_within: Option<Duration>,
    /// Silence after which a connection is closed (OKX 30 s, Bybit 10 min).
    pub idle: Option<Duration>,
    /// Age at which a connection is closed (24 h).
    pub lifetime: Option<Duration>,
    /// New connections allowed per venue window (Binance 300 / 5 min, OKX 3 / s, Bybit 500 / 5 min).
    pub connections: Option<u32>,
    /// Times as many of its members' requests as the venue bears by its own rules.
    pub patience: Option<u32>,
}

/// Everything [`crate::Simulator::start`] needs.
#[derive(Clone, Debug)]
pub struct SimulatorConfig {
    /// The market behind the venues.
    pub market: MarketConfig,
    /// The venues to open, with their ports.
    pub venues: Vec<(Venue, Ports)>,
    /// Real time between two looks at the market; the finest cadence a stream can have.
    pub pulse: Duration,
    /// Divides every stream's documented interval (1 = as documented, 10 = depth every 10 ms).
    pub cadence_divisor: u32,
    /// Frames that may wait for one connection; a client that lets more pile up is cut off.
    pub queue_frames: usize,
    /// Departures from the venues' timing.
    pub rules: RuleOverrides,
    /// The prediction market, where it is open.
    pub polymarket: PolymarketConfig,
    /// How much later the second endpoint pushes market data.
    pub lag_b: Duration,
    /// Every address serves TLS (`wss`, `https`) and nothing else.
    pub tls: bool,
    /// Port of the control port on 127.0.0.1 (0 = the system chooses); `None` = there is none.
    pub control: Option<u16>,
    /// Who may trade at OKX and Bybit.
    pub members: Vec<Member>,
    /// The fault script, counted from the start.
    pub script: Vec<Injection>,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            market: MarketConfig::default(),
            venues: Venue::ALL.map(|venue| (venue, Ports::default())).to_vec(),
            pulse: Duration::from_millis(2),
            cadence_divisor: 1,
            queue_frames: 1024,
            rules: RuleOverrides::default(),
            polymarket: PolymarketConfig::default(),
            lag_b: Duration::ZERO,
            tls: false,
            control: None,
            members: Member::dummies(),
            script: Vec::new(),
        }
    }
}
