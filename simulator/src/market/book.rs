//! One limit book: absolute quantities per price, an update id that counts level changes, the trades
//! that took liquidity. It follows a target price and is never crossed or locked.

use std::collections::{BTreeMap, VecDeque};

use super::listing::Listing;
use crate::rng::Rng;

/// A price in ticks and a quantity in lots.
pub type Level = (i64, i64);

/// Half of the spread that quotes aim at, in parts per million of the price.
const HALF_SPREAD_PPM: i64 = 5;
/// Whole quote coins in one level, before the random factor.
const LEVEL_NOTIONAL: i64 = 2_000;
/// One level lies at most this many parts per million of the price behind the next better one.
const GAP_PPM: i64 = 20;

/// A trade that took liquidity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trade {
    /// Dense from 1 within the book.
    pub id: u64,
    /// Price in ticks.
    pub px: i64,
    /// Quantity in lots.
    pub qty: i64,
    /// Whether the taker bought.
    pub buy: bool,
    /// Market time in ns.
    pub at_ns: u64,
    /// The book's update id after the trade.
    pub book_id: u64,
    /// Whether an order from outside the background had part in it.
    pub outside: bool,
}

/// The book of one listing.
#[derive(Clone, Debug)]
pub struct Book {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
    id: u64,
    changed_ns: u64,
    trades: Vec<Trade>,
    /// Trades of orders from outside, to be read after the next step.
    fresh: Vec<Trade>,
    trade_id: u64,
    levels: usize,
    touched: VecDeque<(u64, bool, i64)>,
}

/// Touches remembered: about a minute of a lively book, many pushes of the slowest stream.
const TOUCHES: usize = 4_096;

impl Book {
    /// A full book of `levels` a side around `target` ticks.
    pub fn new(listing: &Listing, levels: usize, target: i64, now_ns: u64, rng: &mut Rng) -> Self {
        let (bids, asks) = (BTreeMap::new(), BTreeMap::new());
        let id = 1_000_000 + rng.below(1_000_000_000);
        let mut book = Self {
            bids,
            asks,
            id,
            changed_ns: now_ns,
            trades: Vec::new(),
            fresh: Vec::new(),
            trade_id: 0,
            levels,
            touched: VecDeque::new(),
        };
        book.requote(listing, target, now_ns, rng);
        book.trades.clear();
        book
    }

    /// The last update id: one more for every level change.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Market time of the last change in ns.
    pub const fn changed_ns(&self) -> u64 {
        self.changed_ns
    }

    /// Every level that an update after `id` touched, with its quantity now; also one that is back to
    /// where it was or gone again. As far back as the book remembers.
    pub fn touched(&self, id: u64, bid: bool) -> impl Iterator<Item = Level> {
        let side = if bid { &self.bids } else { &self.asks };
        let since = self.touched.iter().rev().take_while(move |(at, ..)| *at > id);
        since.filter(move |(_, of, _)| *of == bid).map(|(_, _, px)| (*px, side.get(px).copied().unwrap_or(0)))
    }

    /// The trades since [`Self::forget_trades`].
    pub fn trades(&self) -> &[Trade] {
        &self.trades
    }

    /// Drops the trades that have been read; those of orders from outside come in their place.
    pub fn forget_trades(&mut self) {
        self.trades = std::mem::take(&mut self.fresh);
    }

    /// The quantity that the background has at a price; 0 where there is none.
    pub fn standing(&self, bid: bool, px: i64) -> i64 {
        let side = if bid { &self.bids } else { &self.asks };
        side.get(&px).copied().unwrap_or(0)
    }

    /// An order from outside trades `lots` of the level at `px` (at most what stands there), at the price `at_px`:
    /// the level's when the order takes, the order's own when it rested. Returns the trade's number.
    pub(crate) fn hit(&mut self, bid: bool, px: i64, lots: i64, at_px: i64, taker_buys: bool, now_ns: u64) -> u64 {
        let left = (self.standing(bid, px) - lots).max(0);
        self.set(bid, px, left, now_ns);
        self.trade_outside(at_px, lots, taker_buys, now_ns)
    }

    /// Orders from outside trade with each other, or with a taker whom the background's own prints already show.
    pub(crate) fn trade_outside(&mut self, px: i64, qty: i64, buy: bool, at_ns: u64) -> u64 {
        self.trade_id += 1;
        let (id, book_id) = (self.trade_id, self.id);
        self.fresh.push(Trade { id, px, qty, buy, at_ns, book_id, outside: true });
        id
    }

    /// Up to `depth` bids, best first.
    pub fn bids(&self, depth: usize) -> Vec<Level> {
        self.bids.iter().rev().take(depth).map(|(&px, &qty)| (px, qty)).collect()
    }

    /// Up to `depth` asks, best first.
    pub fn asks(&self, depth: usize) -> Vec<Level> {
        self.asks.iter().take(depth).map(|(&px, &qty)| (px, qty)).collect()
    }

    /// Best bid.
    pub fn bid(&self) -> Option<Level> {
        self.bids.last_key_value().map(|(&px, &qty)| (px, qty))
    }

    /// Best ask.
    pub fn ask(&self) -> Option<Level> {
        self.asks.first_key_value().map(|(&px, &qty)| (px, qty))
    }

    /// One quote event: the book follows `target` ticks, then one order comes, goes or trades.
    pub fn on_event(&mut self, listing: &Listing, target: i64, now_ns: u64, rng: &mut Rng) {
        self.requote(listing, target, now_ns, rng);
        let buy = rng.below(2) == 0;
        match rng.below(10) {
            0 => self.trade(buy, rng, now_ns),
            1..=3 => self.cancel(buy, rng, now_ns),
            _ => self.resize(listing, buy, rng, now_ns),
        }
        self.refill(listing, now_ns, rng);
    }

    /// Update ids go on from a lower number, as after a restart of the engine.
    pub(crate) fn renumber(&mut self) {
        self.id /= 2;
        self.touched.clear();
    }

    /// Every level goes.
    pub(crate) fn clear(&mut self) {
        for bid in [true, false] {
            let side = if bid { &mut self.bids } else { &mut self.asks };
            let gone: Vec<i64> = std::mem::take(side).into_keys().collect();
            self.id += gone.len().max(1) as u64;
            self.touched.extend(gone.into_iter().map(|px| (self.id, bid, px)));
        }
    }

    /// Moves every price from a grid of `from` decimals to one of `to`: onto a coarser grid bids go down and
    /// asks up, so nothing crosses. The ids jump, since no update leads from the one to the other.
    pub(crate) fn retick(&mut self, from: u8, to: u8) {
        let scale = 10i64.pow(u32::from(from.abs_diff(to)));
        let moved = |px: i64, up: bool| match to >= from {
            true => px.saturating_mul(scale),
            false => {
                if up {
                    (px + scale - 1) / scale
                } else {
                    (px / scale).max(1)
                }
            }
        };
        for (side, up) in [(&mut self.bids, false), (&mut self.asks, true)] {
            let mut levels: BTreeMap<i64, i64> = BTreeMap::new();
            for (px, qty) in std::mem::take(side) {
                *levels.entry(moved(px, up)).or_default() += qty;
            }
            *side = levels;
        }
        self.id += 1_000;
        self.touched.clear();
    }

    fn requote(&mut self, listing: &Listing, target: i64, now_ns: u64, rng: &mut Rng) {
        let target = target.max(3);
        let half = (target * HALF_SPREAD_PPM / 1_000_000).max(1);
        let (bid, ask) = ((target - half).max(1), target + half);
        self.take(true, bid, now_ns);
        self.take(false, ask, now_ns);
        if self.bid().is_none_or(|(px, _)| px < bid) {
            let qty = size(listing, bid, 1, rng);
            self.set(true, bid, qty, now_ns);
        }
        if self.ask().is_none_or(|(px, _)| px > ask) {
            let qty = size(listing, ask, 1, rng);
            self.set(false, ask, qty, now_ns);
        }
        self.refill(listing, now_ns, rng);
    }

    /// Takers eat the whole of every level that the price has passed.
    fn take(&mut self, buy: bool, until: i64, now_ns: u64) {
        while let Some((px, qty)) = if buy { self.ask() } else { self.bid() } {
            if (buy && px > until) || (!buy && px < until) {
                return;
            }
            self.set(!buy, px, 0, now_ns);
            self.print(px, qty, buy, now_ns);
        }
    }

    fn trade(&mut self, buy: bool, rng: &mut Rng, now_ns: u64) {
        let Some((px, standing)) = (if buy { self.ask() } else { self.bid() }) else { return };
        let qty = 1 + rng.below_i64(standing);
        self.set(!buy, px, standing - qty, now_ns);
        self.print(px, qty, buy, now_ns);
    }

    fn print(&mut self, px: i64, qty: i64, buy: bool, at_ns: u64) {
        self.trade_id += 1;
        self.trades.push(Trade { id: self.trade_id, px, qty, buy, at_ns, book_id: self.id, outside: false });
    }

    fn cancel(&mut self, bid: bool, rng: &mut Rng, now_ns: u64) {
        if let Some((px, _)) = self.pick(bid, rng) {
            self.set(bid, px, 0, now_ns);
        }
    }

    fn resize(&mut self, listing: &Listing, bid: bool, rng: &mut Rng, now_ns: u64) {
        if let Some((px, _)) = self.pick(bid, rng) {
            let qty = size(listing, px, 3, rng);
            self.set(bid, px, qty, now_ns);
        }
    }

    /// A level, near the top more often than far from it.
    fn pick(&self, bid: bool, rng: &mut Rng) -> Option<Level> {
        let side = if bid { &self.bids } else { &self.asks };
        let nth = rng.below(1 + rng.clone().below(side.len() as u64)) as usize;
        let level = if bid { side.iter().nth_back(nth) } else { side.iter().nth(nth) };
        level.map(|(&px, &qty)| (px, qty))
    }

    /// Keeps each side at its number of levels: orders come in behind the worst, the worst go away.
    fn refill(&mut self, listing: &Listing, now_ns: u64, rng: &mut Rng) {
        for bid in [true, false] {
            while self.side(bid).len() > self.levels
                && let Some(px) = self.worst(bid)
            {
                self.set(bid, px, 0, now_ns);
            }
            while self.side(bid).len() < self.levels
                && let Some(worst) = self.worst(bid)
            {
                let gap = 1 + rng.below_i64(worst * GAP_PPM / 1_000_000);
                let px = if bid { worst - gap } else { worst + gap };
                if px < 1 {
                    break;
                }
                let qty = size(listing, px, 5, rng);
                self.set(bid, px, qty, now_ns);
            }
        }
    }

    fn worst(&self, bid: bool) -> Option<i64> {
        let edge = if bid { self.bids.first_key_value() } else { self.asks.last_key_value() };
        edge.map(|(&px, _)| px)
    }

    fn side(&mut self, bid: bool) -> &mut BTreeMap<i64, i64> {
        if bid { &mut self.bids } else { &mut self.asks }
    }

    /// Sets an absolute quantity; 0 removes. Only a real change takes an update id.
    fn set(&mut self, bid: bool, px: i64, qty: i64, now_ns: u64) {
        let side = self.side(bid);
        let before = if qty == 0 { side.remove(&px) } else { side.insert(px, qty) };
        if before != Some(qty).filter(|&q| q > 0) {
            self.id += 1;
            self.changed_ns = now_ns;
            if self.touched.len() == TOUCHES {
                self.touched.pop_front();
            }
            self.touched.push_back((self.id, bid, px));
        }
    }
}

fn size(listing: &Listing, px: i64, factor: i64, rng: &mut Rng) -> i64 {
    listing.lots(LEVEL_NOTIONAL + rng.below_i64(LEVEL_NOTIONAL * factor * 4), px)
}
