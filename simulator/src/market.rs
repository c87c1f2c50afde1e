//! The market behind the venues: one seeded price per asset, followed by every board with its own lag,
//! noise and occasional dislocation. Pure and stepped: [`Market::step`] advances in whole quanta, so
//! the state depends on the seed and the time reached, never on how the time was cut up.

pub mod book;
pub mod listing;

use std::collections::VecDeque;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::config::{AssetSpec, Board, MarketConfig};
use crate::rng::Rng;
use book::Book;
use listing::Listing;

/// The market's smallest time step in ns.
pub const QUANTUM_NS: u64 = 1_000_000;
/// A longer jump than this (in ns) is not simulated step by step: the market resumes at its end.
const JUMP_NS_MAX: u64 = 10_000_000_000;
const PPB: i64 = 1_000_000_000;
/// How long a swing takes, in quanta: quotes come in between, so that it leaves no hole in a book.
const SWING_QUANTA: u64 = 200;

/// Every book of every board.
pub struct Market {
    assets: Vec<Asset>,
    stalls: Vec<Stall>,
    now_ns: u64,
    config: MarketConfig,
}

struct Asset {
    /// The price of the start.
    home_e8: i64,
    anchor_e8: i64,
    fair_e8: i64,
    sigma_e8: i64,
    /// Latest last; long enough for the slowest board.
    history: VecDeque<i64>,
    rng: Rng,
}

struct Stall {
    listing: Listing,
    book: Book,
    lag_quanta: usize,
    noise_ppb: i64,
    dislocation_ppb: i64,
    rng: Rng,
    /// An old book that REST still shows, and how often yet.
    kept: Option<(Book, AtomicU32)>,
}

impl Market {
    /// The market of `boards` at `start_ns`.
    pub fn new(config: &MarketConfig, boards: &[Board], start_ns: u64) -> Self {
        let assets: Vec<_> = config.assets.iter().zip(0..).map(|(spec, lane)| Asset::new(config, spec, lane)).collect();
        let mut stalls = Vec::new();
        for (place, &board) in boards.iter().enumerate() {
            let lag_ns = config.lag_ns * place as u64 / (boards.len().max(2) as u64 - 1);
            for (asset, spec) in config.assets.iter().enumerate() {
                // the lane depends on what is listed, so leaving a venue out does not change the others
                let mut rng = Rng::new(config.seed, 1_000 + board as u64 * 100_000 + asset as u64);
                let listing = Listing::new(board, asset, spec);
                let target = listing.ticks(spec.price_e8);
                let book = Book::new(&listing, config.levels.clamp(1, 400), target, start_ns, &mut rng);
                let lag_quanta = (lag_ns / QUANTUM_NS) as usize;
                stalls.push(Stall { listing, book, lag_quanta, noise_ppb: 0, dislocation_ppb: 0, rng, kept: None });
            }
        }
        Self { assets, stalls, now_ns: start_ns, config: config.clone() }
    }

    /// Advances to `now_ns` (ns, same origin as the start) in whole quanta. A time in the past does nothing.
    pub fn step(&mut self, now_ns: u64) {
        for stall in &mut self.stalls {
            stall.book.forget_trades();
        }
        if now_ns.saturating_sub(self.now_ns) > JUMP_NS_MAX {
            self.now_ns = now_ns - JUMP_NS_MAX;
        }
        while self.now_ns + QUANTUM_NS <= now_ns {
            self.now_ns += QUANTUM_NS;
            self.quantum();
        }
    }

    /// Market time reached, in ns.
    pub const fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Every asset's base coin and its price now times 10^8.
    pub fn prices(&self) -> Vec<(String, i64)> {
        let named = self.config.assets.iter().zip(&self.assets);
        named.map(|(spec, asset)| (spec.base.clone(), asset.fair_e8)).collect()
    }

    /// Number of listings; they are numbered densely from 0.
    pub fn len(&self) -> usize {
        self.stalls.len()
    }

    /// Whether nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.stalls.is_empty()
    }

    /// A listing by number.
    pub fn listing(&self, index: usize) -> &Listing {
        &self.stalls[index].listing
    }

    /// The book of a listing by number.
    pub fn book(&self, index: usize) -> &Book {
        &self.stalls[index].book
    }

    /// The book of a listing as REST shows it: an old one while a fault says so.
    pub fn shown(&self, index: usize) -> &Book {
        let Stall { book, kept, .. } = &self.stalls[index];
        let left = |left: &AtomicU32| left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok();
        kept.as_ref().filter(|(_, times)| left(times)).map_or(book, |(old, _)| old)
    }

    /// Lets REST show the book as it is now `times` more times.
    pub(crate) fn keep(&mut self, index: usize, times: u32) {
        let stall = &mut self.stalls[index];
        stall.kept = Some((stall.book.clone(), AtomicU32::new(times)));
    }

    pub(crate) fn listing_mut(&mut self, index: usize) -> &mut Listing {
        &mut self.stalls[index].listing
    }

    pub(crate) fn book_mut(&mut self, index: usize) -> &mut Book {
        &mut self.stalls[index].book
    }

    /// Gives a listing another tick: prices move onto the new grid, away from the middle.
    pub(crate) fn retick(&mut self, index: usize, px_dp: u8) {
        let Stall { listing, book, .. } = &mut self.stalls[index];
        book.retick(listing.px_dp, px_dp);
        listing.px_dp = px_dp;
    }

    /// The number of a listing, by board and the venue's symbol.
    pub fn find(&self, board: Board, symbol: &str) -> Option<usize> {
        let stands = |l: &Listing| l.board == board && l.symbol == symbol && !l.gone;
        self.stalls.iter().position(|stall| stands(&stall.listing))
    }

    fn quantum(&mut self) {
        let swing = self.swing_ppb();
        for (index, asset) in self.assets.iter_mut().enumerate() {
            asset.walk();
            asset.swing(swing);
            let per_million = u64::from(self.config.dislocations_per_min) * 1_000_000 * QUANTUM_NS / 60_000_000_000;
            for _ in 0..asset.rng.occurrences(per_million) {
                dislocate(asset, index, &mut self.stalls, &self.config);
            }
        }
        for stall in self.stalls.iter_mut().filter(|stall| !stall.listing.gone) {
            let asset = &self.assets[stall.listing.asset];
            stall.quantum(asset, &self.config, self.now_ns);
        }
    }
}

impl Market {
    /// How far prices swing in this quantum, parts per billion: up and back in turn.
    fn swing_ppb(&self) -> i64 {
        let Some(every_ns) = 60_000_000_000u64.checked_div(self.config.swings_per_min.into()) else { return 0 };
        let every = (every_ns / QUANTUM_NS).max(SWING_QUANTA);
        let (turn, rest) = (self.now_ns / QUANTUM_NS / every, self.now_ns / QUANTUM_NS % every);
        let step = i64::from(self.config.swing_bps.min(2_000)) * 100_000 / SWING_QUANTA as i64;
        match () {
            () if rest >= SWING_QUANTA => 0,
            () if turn % 2 == 0 => step,
            () => -step,
        }
    }
}

impl Asset {
    fn new(config: &MarketConfig, spec: &AssetSpec, lane: u64) -> Self {
        let price = spec.price_e8.clamp(100, 1_000_000_000_000_000);
        // the standard deviation of one quantum is that of a second over sqrt(1000), about 1/32
        let sigma = i128::from(price) * i128::from(spec.volatility_ppm) / 1_000_000 / 32;
        let kept = (config.lag_ns / QUANTUM_NS) as usize + 1;
        let history = std::iter::repeat_n(price, kept).collect();
        let (sigma_e8, rng) = (sigma as i64, Rng::new(config.seed, lane));
        Self { home_e8: price, anchor_e8: price, fair_e8: price, sigma_e8, history, rng }
    }

    fn walk(&mut self) {
        // the pull home has a time constant of about 17 minutes: the price wanders but never runs away
        let pull = (self.anchor_e8 - self.fair_e8) >> 20;
        let floor = self.anchor_e8 / 4;
        self.fair_e8 = (self.fair_e8 + pull + self.rng.bell(self.sigma_e8)).max(floor);
        self.history.pop_front();
        self.history.push_back(self.fair_e8);
    }

    fn swing(&mut self, ppb: i64) {
        let step = (i128::from(self.home_e8) * i128::from(ppb) / i128::from(PPB)) as i64;
        (self.anchor_e8, self.fair_e8) = (self.anchor_e8 + step, self.fair_e8 + step);
    }

    fn seen(&self, lag_quanta: usize) -> i64 {
        let latest = self.history.len() - 1;
        self.history[latest.saturating_sub(lag_quanta)]
    }
}

impl Stall {
    fn quantum(&mut self, asset: &Asset, config: &MarketConfig, now_ns: u64) {
        let decay = (config.dislocation_ns / QUANTUM_NS).max(1) as i64;
        self.dislocation_ppb -= self.dislocation_ppb / decay;
        // a first-order process with a time constant of 1024 quanta keeps the asked deviation: step = sigma * sqrt(2/1024)
        let noise = self.rng.bell(i64::from(config.noise_ppm) * 1_000 / 23);
        self.noise_ppb += noise - self.noise_ppb / 1_024;
        let per_million = u64::from(config.rate_per_s) * 1_000_000 * QUANTUM_NS / 1_000_000_000;
        for _ in 0..self.rng.occurrences(per_million) {
            let factor = i128::from(PPB + self.noise_ppb + self.dislocation_ppb);
            let target_e8 = (i128::from(asset.seen(self.lag_quanta)) * factor / i128::from(PPB)) as i64;
            let target = self.listing.ticks(target_e8);
            self.book.on_event(&self.listing, target, now_ns, &mut self.rng);
        }
    }
}

/// Pushes one board of the asset up or down.
fn dislocate(asset: &mut Asset, index: usize, stalls: &mut [Stall], config: &MarketConfig) {
    let boards = stalls.iter().filter(|s| s.listing.asset == index).count() as u64;
    let chosen = asset.rng.below(boards) as usize;
    let percent = 50 + asset.rng.below_i64(100);
    let push = i64::from(config.dislocation_bps).min(2_000) * 100_000 * percent / 100;
    let up = asset.rng.below(2) == 0;
    if let Some(stall) = stalls.iter_mut().filter(|s| s.listing.asset == index).nth(chosen) {
        stall.dislocation_ppb = if up { push } else { -push };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{DefaultHasher, Hash, Hasher};

    const BOARDS: [Board; 3] = [Board::BinanceSpot, Board::OkxSwap, Board::BybitSpot];
    const SECOND: u64 = 1_000_000_000;

    fn digest(market: &Market) -> u64 {
        let mut hasher = DefaultHasher::new();
        for i in 0..market.len() {
            let book = market.book(i);
            (book.bids(400), book.asks(400), book.id(), book.changed_ns()).hash(&mut hasher);
        }
        hasher.finish()
    }

    fn run(seed: u64, cut_ns: u64) -> u64 {
        let mut market = Market::new(&MarketConfig { seed, ..MarketConfig::default() }, &BOARDS, SECOND);
        let mut now = SECOND;
        while now < 4 * SECOND {
            now += cut_ns;
            market.step(now);
        }
        digest(&market)
    }

    #[test]
    fn same_seed_gives_same_market_however_time_is_cut() {
        assert_eq!(run(1, SECOND / 10), run(1, SECOND / 10));
        assert_eq!(run(1, SECOND / 10), run(1, SECOND / 500));
        assert_ne!(run(1, SECOND / 10), run(2, SECOND / 10));
    }

    #[test]
    fn books_keep_their_levels_and_never_cross() {
        let config = MarketConfig { rate_per_s: 500, dislocations_per_min: 600, ..MarketConfig::default() };
        let mut market = Market::new(&config, &BOARDS, 0);
        let mut traded = 0;
        for step in 1..2_000 {
            market.step(step * QUANTUM_NS);
            for i in 0..market.len() {
                let book = market.book(i);
                let (bids, asks) = (book.bids(usize::MAX), book.asks(usize::MAX));
                assert_eq!((bids.len(), asks.len()), (config.levels, config.levels));
                assert!(bids[0].0 < asks[0].0, "crossed");
                assert!(bids.iter().chain(&asks).all(|&(px, qty)| px > 0 && qty > 0));
                traded += book.trades().len();
            }
        }
        assert!(traded > 100, "{traded} trades");
    }

    #[test]
    fn a_jump_of_hours_returns_quickly_at_the_right_time() {
        let mut market = Market::new(&MarketConfig::default(), &BOARDS[..1], 0);
        market.step(3_600 * SECOND);
        assert_eq!(market.now_ns(), 3_600 * SECOND);
        market.step(5);
        assert_eq!(market.now_ns(), 3_600 * SECOND);
    }

    /// Milliseconds of `seconds` in which the best bid of one board stands above the best ask of another by `bps`.
    fn crossed_ms(dislocations_per_min: u32, seconds: u64, bps: i64) -> u64 {
        let assets = vec![AssetSpec::new("BTC", 65_000 * 100_000_000)];
        let config = MarketConfig { assets, dislocations_per_min, levels: 10, ..MarketConfig::default() };
        let mut market = Market::new(&config, &BOARDS, 0);
        let e8 = |i: usize, px: i64| px * 10i64.pow(8 - u32::from(market_dp(i)));
        let mut crossed = 0;
        for ms in 1..seconds * 1_000 {
            market.step(ms * QUANTUM_NS);
            let bid = (0..3).filter_map(|i| market.book(i).bid().map(|l| e8(i, l.0))).max().unwrap();
            let ask = (0..3).filter_map(|i| market.book(i).ask().map(|l| e8(i, l.0))).min().unwrap();
            crossed += u64::from((bid - ask) > ask / 10_000 * bps);
        }
        crossed
    }

    fn market_dp(index: usize) -> u8 {
        Listing::new(BOARDS[index], 0, &AssetSpec::new("BTC", 65_000 * 100_000_000)).px_dp
    }

    #[test]
    fn opportunities_arise_at_the_configured_rate() {
        let (none, some, many) = (crossed_ms(0, 20, 20), crossed_ms(20, 20, 20), crossed_ms(100, 20, 20));
        assert_eq!(none, 0);
        assert!(some > 100 && many > 2 * some, "{some} {many}");
    }
}
