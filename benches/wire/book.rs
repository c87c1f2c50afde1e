//! A delta and the best price after it, on 100 books in turn, against the same on a `BTreeMap`.
//!
//! 400 levels, 25 steps apart; 60 % of deltas fall in the best 5, 85 % in the best 20; half modify,
//! a quarter deletes, a quarter inserts between two levels.

use crate::dice::Dice;
use crate::measure::{Figure, against};
use highwire_engine::book::ladder::Ladder;
use highwire_links::Side;
use highwire_links::update::Level;
use std::collections::BTreeMap;

const BOOKS: usize = 100;
const LEVELS: usize = 400;
const GAP: i64 = 25;
const DELTAS: usize = 200_000;

/// The book figure.
pub fn figures() -> Vec<Figure> {
    let start: Vec<Level> = (0..LEVELS as i64).map(|rank| level(6_200_000 + rank * GAP, 1_000)).collect();
    let deltas = deltas(&start);
    let mut ladders = vec![Ladder::new(Side::Sell); BOOKS];
    ladders.iter_mut().for_each(|ladder| ladder.replace(&start).expect("the levels are good"));
    let tree: BTreeMap<i64, i64> = start.iter().map(|level| (level.px, level.qty)).collect();
    let mut trees = vec![tree; BOOKS];
    let by_ladder = |sum: i64, (book, delta): &(usize, Level)| {
        ladders[*book].set(delta).expect("the level is good");
        sum ^ ladders[*book].best().map_or(0, |(px, qty)| px ^ qty)
    };
    let by_tree = |sum: i64, (book, delta): &(usize, Level)| {
        let tree = &mut trees[*book];
        if delta.qty == 0 {
            tree.remove(&delta.px)
        } else {
            tree.insert(delta.px, delta.qty)
        };
        sum ^ tree.first_key_value().map_or(0, |(px, qty)| px ^ qty)
    };
    let (mut by_ladder, mut by_tree) = (by_ladder, by_tree);
    assert_eq!(deltas.iter().fold(0, &mut by_ladder), deltas.iter().fold(0, &mut by_tree), "equal best at every delta");
    vec![against(
        "book: delta + best, 100 books, sparse",
        "BTreeMap",
        Some(0.35),
        DELTAS,
        || deltas.iter().fold(0, &mut by_ladder),
        || deltas.iter().fold(0, &mut by_tree),
    )]
}

fn level(px: i64, qty: i64) -> Level {
    Level { px, qty, px_shown: 2, qty_shown: 5 }
}

/// Deltas that keep every book at about its size, whatever was deleted before.
fn deltas(start: &[Level]) -> Vec<(usize, Level)> {
    let mut dice = Dice(11);
    let mut prices: Vec<Vec<i64>> = vec![start.iter().map(|level| level.px).collect(); BOOKS];
    let one = |number: usize| {
        let book = number % BOOKS;
        let prices = &mut prices[book];
        let reach = match dice.below(100) {
            0..60 => 5,
            60..85 => 20,
            _ => prices.len() as u64,
        };
        let rank = dice.below(reach) as usize;
        let qty = 1 + dice.below(1_000_000) as i64;
        match dice.below(4) {
            0 if prices.len() > LEVELS - 40 => (book, level(prices.remove(rank), 0)),
            1 if prices.len() < LEVELS + 40 => (book, level(insert(prices, rank), qty)),
            _ => (book, level(prices[rank], qty)),
        }
    };
    (0..DELTAS).map(one).collect()
}

/// A new price halfway to the next better level, or one gap better than the best; where there is no
/// room, that level again.
fn insert(prices: &mut Vec<i64>, rank: usize) -> i64 {
    let better = if rank == 0 { prices[0] - 2 * GAP } else { prices[rank - 1] };
    let px = i64::midpoint(better, prices[rank]);
    if px != better && px != prices[rank] {
        prices.insert(rank, px);
    }
    px
}
