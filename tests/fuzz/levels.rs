//! Levels that come and go, message by message, against a reference that is nothing but two maps: unknown ones are deleted,
//! many change at once in any order, books of a thousand levels shrink to a few, levels leave and return.
//!
//! `HIGHWIRE_LEVELS` is the number of messages; a million is the long form.

use crate::books::Bench;
use crate::hunt::Rng;
use highwire_links::page::{BookState, Page, Rung};
use highwire_venues::venue::Venue;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const MESSAGES: u64 = 20_000;
/// Prices stand around here, bids below and asks at it or above.
const MIDDLE: i64 = 100_000;

/// Both sides, in hundredths and thousandths as the instrument has them.
#[derive(Default)]
struct Reference {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
    u: u64,
}

impl Reference {
    fn set(&mut self, is_bid: bool, px: i64, qty: i64) {
        let side = if is_bid { &mut self.bids } else { &mut self.asks };
        if qty == 0 {
            side.remove(&px)
        } else {
            side.insert(px, qty)
        };
    }

    /// What is wrong with a page.
    fn differs(&self, page: &Page) -> Option<String> {
        let levels = |rungs: &[Rung]| -> Vec<(i64, i64)> {
            rungs.iter().take_while(|rung| rung.qty > 0).map(|rung| (rung.px, rung.qty)).collect()
        };
        let (bids, asks) = (levels(&page.bids), levels(&page.asks));
        let wanted_bids: Vec<_> = self.bids.iter().rev().take(page.bids.len()).map(|(px, qty)| (*px, *qty)).collect();
        let wanted_asks: Vec<_> = self.asks.iter().take(page.asks.len()).map(|(px, qty)| (*px, *qty)).collect();
        let is_right = page.state == BookState::Live && bids == wanted_bids && asks == wanted_asks;
        (!is_right).then(|| format!("{page:?}, and {wanted_bids:?} {wanted_asks:?}"))
    }
}

/// One change: anywhere near the middle, seldom far away; a third of them deletes, also what is not there.
fn change(rng: &mut Rng, is_bid: bool) -> (i64, i64) {
    let reach = if rng.below(10) == 0 { 3_000 } else { 30 };
    let away = rng.below(reach) as i64;
    let px = if is_bid { MIDDLE - 1 - away } else { MIDDLE + away };
    let qty = if rng.below(3) == 0 { 0 } else { 1 + rng.below(5_000) as i64 };
    (px, qty)
}

/// A side of a message; the last word on a price counts.
fn side(rng: &mut Rng, reference: &mut Reference, is_bid: bool, count: usize) -> String {
    let mut text = String::new();
    for _ in 0..count {
        let (px, qty) = change(rng, is_bid);
        reference.set(is_bid, px, qty);
        let comma = if text.is_empty() { "" } else { "," };
        let (px, rest, qty, thousandths) = (px / 100, px % 100, qty / 1_000, qty % 1_000);
        let _ = write!(text, r#"{comma}["{px}.{rest:02}","{qty}.{thousandths:03}"]"#);
    }
    text
}

fn message(rng: &mut Rng, reference: &mut Reference, is_first: bool) -> String {
    let is_whole = is_first || rng.below(500) == 0;
    if is_whole {
        (reference.bids, reference.asks) = Default::default();
    }
    // A whole book is deep or all but empty; it holds no level of nothing.
    let count = if is_whole { [3, 40, 1_000][rng.below(3)] } else { rng.below(12) };
    let mut sides = [true, false].map(|is_bid| side(rng, reference, is_bid, count));
    if is_whole {
        sides = [(true, &reference.bids), (false, &reference.asks)].map(|(_, levels)| whole(levels));
    }
    reference.u += 1;
    let (kind, u) = (if is_whole { "snapshot" } else { "delta" }, reference.u);
    let [bids, asks] = sides;
    format!(
        r#"{{"topic":"orderbook.50.BTCUSDT","type":"{kind}","ts":5,"data":{{"s":"BTCUSDT","b":[{bids}],"a":[{asks}],"u":{u},"seq":{u}}},"cts":4}}"#
    )
}

/// Levels as a whole book tells them, in no order that could be relied upon.
fn whole(levels: &BTreeMap<i64, i64>) -> String {
    let text =
        |(px, qty): (&i64, &i64)| format!(r#"["{}.{:02}","{}.{:03}"]"#, px / 100, px % 100, qty / 1_000, qty % 1_000);
    let (even, odd): (Vec<_>, Vec<_>) = levels.iter().partition(|(px, _)| *px % 2 == 0);
    even.into_iter().chain(odd).map(text).collect::<Vec<_>>().join(",")
}

/// Fault: M07
#[test]
fn the_best_levels_are_the_references_after_every_message() {
    let messages = std::env::var("HIGHWIRE_LEVELS").map_or(MESSAGES, |text| text.parse().unwrap());
    let mut rng = Rng::new(7);
    let (mut bench, mut reference) = (Bench::new(Venue::BybitLinear.profile().decode), Reference::default());
    for number in 0..messages {
        let text = message(&mut rng, &mut reference, number == 0);
        let taken = bench.take(text.as_bytes());
        let empty = reference.bids.is_empty() || reference.asks.is_empty();
        if let Some(why) = reference.differs(&bench.page(0)).filter(|_| !empty) {
            panic!("message {number} ({taken}): {text}: {why}");
        }
    }
    println!("{messages} messages, and the best levels were right after each");
}
