//! One up/down market: its names and identities, its window, its book and what became of it.

use super::book::{Book, Level, Outcome};
use super::calendar::Span;
use super::config::PolymarketConfig;
use super::crowd::Crowd;
use super::eip712::Exchange;
use super::word::{decimal, hex, keccak};

/// Least size of a limit order in millionths of a share.
pub(super) const SIZE_MIN: i64 = 5_000_000;
/// The ordinary tick, and the one near 0 and 1, in ten-thousandths.
pub(super) const TICKS: (i64, i64) = (100, 10);
/// Prices of Up beyond which the tick becomes the finer one.
const FINE: (i64, i64) = (400, 9_600);

/// A market on whether a coin ends a window at or above its start.
pub(super) struct UpDown {
    pub(super) coin: String,
    /// The contract whose orders it takes.
    pub(super) exchange: Exchange,
    pub(super) span: Span,
    /// The window's start in unix seconds.
    pub(super) start_s: i64,
    /// Its length in seconds.
    pub(super) length_s: i64,
    pub(super) slug: String,
    /// The condition's id as messages write it.
    pub(super) condition: String,
    /// Ids that Up and Down trade by, in decimal: of tokens, or of positions at the ledger.
    pub(super) tokens: [String; 2],
    /// Their token ids, by which nothing trades at the ledger.
    pub(super) conditional: [String; 2],
    pub(super) tick: i64,
    /// One for both outcomes, or one for each.
    stands: Vec<Stand>,
    /// The coin's price at the window's start, times 10^8, once it has begun.
    pub(super) strike_e8: Option<i64>,
    /// The coin's price at the window's end, times 10^8, once it has ended.
    pub(super) finish_e8: Option<i64>,
    pub(super) winner: Option<Outcome>,
    /// Price of Up of the last trade in ten-thousandths.
    pub(super) last_px: Option<i64>,
    /// When the book last changed, in ms.
    pub(super) changed_ms: u64,
}

/// A book in prices of Up, the crowd at it, and what of it subscribers were last shown.
pub(super) struct Stand {
    pub(super) book: Book,
    pub(super) crowd: Crowd,
    /// Both sides as last sent, and the book's version then.
    pub(super) shown_version: u64,
    pub(super) shown: [Vec<Level>; 2],
    /// Whether subscribers are owed whole books (a trade happened).
    pub(super) traded: bool,
}

impl Stand {
    fn new(crowd: Crowd) -> Self {
        Self { book: Book::default(), crowd, shown_version: 0, shown: Default::default(), traded: false }
    }
}

impl UpDown {
    pub(super) fn new(coin: &str, span: Span, start_s: i64, config: &PolymarketConfig) -> Self {
        let length_s = config.length_s(span);
        let slug = if length_s == span.seconds() {
            span.slug(coin, start_s)
        } else {
            format!("{}-updown-{}-{start_s}", coin.to_lowercase(), label(length_s))
        };
        let label = format!("{slug}-{start_s}"); // the hour that summer time repeats has one name twice
        let condition = keccak(&[b"condition", label.as_bytes()]);
        let exchange = config.exchange(start_s, length_s);
        let token = |outcome: Outcome| decimal(keccak(&[&condition, outcome.name().as_bytes()]));
        let position = |outcome: Outcome| decimal(keccak(&[&condition, b"position", outcome.name().as_bytes()]));
        let conditional = Outcome::BOTH.map(token);
        let tokens = if exchange == Exchange::Ledger { Outcome::BOTH.map(position) } else { conditional.clone() };
        let lane = start_s as u64 ^ u64::from_be_bytes([condition[0]; 8]);
        let lanes = (0..if config.complements_match { 1 } else { 2 }).map(|stand| lane.rotate_left(stand));
        Self {
            coin: coin.to_owned(),
            exchange,
            span,
            start_s,
            length_s,
            slug,
            condition: hex(&condition),
            tokens,
            conditional,
            tick: TICKS.0,
            stands: lanes.map(|lane| Stand::new(Crowd::new(config.seed, lane, config.temper()))).collect(),
            strike_e8: None,
            finish_e8: None,
            winner: None,
            last_px: None,
            changed_ms: 0,
        }
    }

    /// The window's end in unix seconds.
    pub(super) fn end_s(&self) -> i64 {
        self.start_s + self.length_s
    }

    /// Whether orders are taken.
    pub(super) fn open(&self) -> bool {
        self.finish_e8.is_none()
    }

    /// Whether it trades on the negative-risk contract.
    pub(super) fn negative_risk(&self) -> bool {
        self.exchange == Exchange::NegativeRisk
    }

    /// What its shares are called where an account is asked for.
    pub(super) fn asset_type(&self) -> &'static str {
        if self.exchange == Exchange::Ledger { "CONDITIONAL-V2" } else { "CONDITIONAL" }
    }

    /// The token id of an outcome.
    pub(super) fn token(&self, outcome: Outcome) -> &str {
        &self.tokens[outcome as usize]
    }

    /// Which outcome a token is.
    pub(super) fn outcome(&self, token: &str) -> Option<Outcome> {
        Outcome::BOTH.into_iter().find(|&outcome| self.token(outcome) == token)
    }

    /// Whether orders of both outcomes meet in one book.
    pub(super) fn complements_match(&self) -> bool {
        self.stands.len() == 1
    }

    /// The outcomes whose books are kept by themselves: Up's stands for both where complements match.
    pub(super) fn kept(&self) -> impl Iterator<Item = Outcome> + use<> {
        Outcome::BOTH.into_iter().take(self.stands.len())
    }

    /// The outcomes that the book of `outcome` shows.
    pub(super) fn shows(&self, outcome: Outcome) -> Vec<Outcome> {
        if self.complements_match() { Outcome::BOTH.to_vec() } else { vec![outcome] }
    }

    /// The book where orders of an outcome meet.
    pub(super) fn book(&self, outcome: Outcome) -> &Book {
        &self.stands[self.place(outcome)].book
    }

    /// The same, with those who stand at it.
    pub(super) fn stand(&mut self, outcome: Outcome) -> &mut Stand {
        let place = self.place(outcome);
        &mut self.stands[place]
    }

    fn place(&self, outcome: Outcome) -> usize {
        (outcome as usize).min(self.stands.len() - 1)
    }

    /// A side as the holder of `outcome` sees it, best first.
    pub(super) fn view(&self, outcome: Outcome, bids: bool) -> Vec<Level> {
        mirrored(self.book(outcome).levels(outcome.bids(bids)), outcome)
    }

    /// The best price of a side as the holder of `outcome` sees it.
    pub(super) fn best(&self, outcome: Outcome, bids: bool) -> Option<i64> {
        self.book(outcome).best(outcome.bids(bids)).map(|px| outcome.own(px))
    }

    /// Takes the finer tick if the price asks for it; whether it did.
    pub(super) fn refine(&mut self, px: i64) -> bool {
        (px < FINE.0 || px > FINE.1) && self.take_finer_tick()
    }

    /// Takes the finer tick; whether it had another.
    pub(super) fn take_finer_tick(&mut self) -> bool {
        std::mem::replace(&mut self.tick, TICKS.1) != TICKS.1
    }
}

/// How slugs and parameters write a length: `15m`, `20s`.
pub(super) fn label(length_s: i64) -> String {
    if length_s % 60 == 0 { format!("{}m", length_s / 60) } else { format!("{length_s}s") }
}

/// Levels of Up in the prices of `outcome`.
pub(super) fn mirrored(levels: Vec<Level>, outcome: Outcome) -> Vec<Level> {
    levels.into_iter().map(|(px, qty)| (outcome.own(px), qty)).collect()
}
