//! What one client gets of a push or of an answer while faults are in force.

use std::collections::BTreeSet;

use serde_json::Value;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::config::Venue;
use crate::fault::verb::{AckFault, BookSide, Verb, chance};
use crate::fault::{Faults, Place, mangle};
use crate::feed::{Carries, Feed, Kind, Push};
use crate::market::book::Level;

/// What a client has coming on one stream.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// Pushes still to be lost.
    pub(crate) lose: u32,
    /// Faults of the next push only.
    pub(crate) once: Vec<Verb>,
    /// A push that waits until the next has gone.
    held: Option<Utf8Bytes>,
    /// Prices (with whether they are bids) whose quantity the client was told wrong; put right by the next push.
    debts: BTreeSet<(bool, i64)>,
}

impl Lane {
    fn is_clean(&self) -> bool {
        self.lose == 0 && self.once.is_empty() && self.held.is_none() && self.debts.is_empty()
    }
}

/// What strikes a push at `place`; `None` = nothing, the push goes out as it is. A push without a `price`
/// leaves what strikes once to the next.
pub(crate) fn struck(faults: &Faults, place: &Place<'_>, lane: Option<&mut Lane>, price: bool) -> Option<Vec<Verb>> {
    let armed: Vec<Verb> = faults.armed.iter().filter(|a| a.target.fits(place)).map(|a| a.verb.clone()).collect();
    match lane {
        Some(lane) if price && !lane.is_clean() => Some(armed.into_iter().chain(lane.once.drain(..)).collect()),
        Some(lane) if !lane.is_clean() => Some(armed),
        _ => (!armed.is_empty()).then_some(armed),
    }
}

/// The push of a book as it is shown to the client.
pub(crate) fn book(verbs: &[Verb], lane: &mut Lane, feed: &Feed, push: &Push) -> Push {
    let mut push = push.clone();
    let whole = push.kind == Kind::Snapshot || feed.channel.carries == Carries::Whole;
    for (bid, px) in std::mem::take(&mut lane.debts) {
        if !whole {
            set(side(&mut push, bid), bid, (px, feed.level(bid, px)));
        }
    }
    for verb in verbs {
        match verb {
            Verb::Cross { .. } => cross(&mut push, lane, feed, whole),
            Verb::Outlier { x } => outlier(&mut push, lane, feed, whole, *x),
            Verb::EmptySide { side: missing } => empty(&mut push, lane, feed, whole, *missing == BookSide::Bid),
            _ => {}
        }
    }
    push
}

/// What the client gets of a message, in order; nothing when it is lost or held back.
pub(crate) fn texts(faults: &mut Faults, verbs: &[Verb], lane: &mut Lane, text: String, now_ms: u64) -> Vec<Utf8Bytes> {
    if lane.lose > 0 {
        lane.lose -= 1;
        return Vec::new();
    }
    if verbs.contains(&Verb::Mute {}) {
        return Vec::new();
    }
    let mut text = text;
    for verb in verbs {
        text = match verb {
            Verb::Value { kind } => mangle::value(&text, *kind),
            Verb::Checksum { how } => mangle::checksum(&text, *how),
            Verb::TsShift { ms } => mangle::times(&text, now_ms, |t| t.saturating_add_signed(*ms).to_string()),
            Verb::TsUnit {} => mangle::times(&text, now_ms, |t| format!("{t}000")),
            _ => text,
        };
    }
    let text = Utf8Bytes::from(text);
    let share = |verb: &Verb, dup: bool| match verb {
        Verb::Dup { p } if dup => Some(*p),
        Verb::Reorder { p } if !dup => Some(*p),
        _ => None,
    };
    if let Some(earlier) = lane.held.take() {
        return vec![text, earlier];
    }
    if verbs.iter().find_map(|verb| share(verb, false)).is_some_and(|p| chance(&mut faults.rng, p)) {
        lane.held = Some(text);
        return Vec::new();
    }
    match verbs.iter().find_map(|verb| share(verb, true)) {
        Some(p) if chance(&mut faults.rng, p) => vec![text.clone(), text],
        _ => vec![text],
    }
}

fn side(push: &mut Push, bid: bool) -> &mut Vec<Level> {
    if bid { &mut push.bids } else { &mut push.asks }
}

/// Puts a level where it belongs.
fn set(levels: &mut Vec<Level>, bid: bool, level: Level) {
    let place = levels.partition_point(|l| if bid { l.0 > level.0 } else { l.0 < level.0 });
    match levels.get_mut(place) {
        Some(there) if there.0 == level.0 => *there = level,
        _ => levels.insert(place, level),
    }
}

fn cross(push: &mut Push, lane: &mut Lane, feed: &Feed, whole: bool) {
    let Some(&(px, qty)) = feed.asks.first() else { return };
    set(&mut push.bids, true, (px + 1, qty));
    if whole {
        push.bids.truncate(feed.channel.depth);
    } else {
        lane.debts.insert((true, px + 1));
    }
}

fn outlier(push: &mut Push, lane: &mut Lane, feed: &Feed, whole: bool, x: f64) {
    // a hostile price need not be exact
    let scaled = |px: i64| ((px as f64 * x) as i64).max(1);
    if whole {
        for level in push.bids.iter_mut().chain(&mut push.asks) {
            level.0 = scaled(level.0);
        }
        return;
    }
    let bid = x >= 1.0;
    let Some(&(px, qty)) = (if bid { feed.bids.first() } else { feed.asks.first() }) else { return };
    set(side(push, bid), bid, (scaled(px), qty));
    lane.debts.insert((bid, scaled(px)));
}

fn empty(push: &mut Push, lane: &mut Lane, feed: &Feed, whole: bool, bid: bool) {
    let levels = if bid { &feed.bids } else { &feed.asks };
    let shown = side(push, bid);
    if whole {
        shown.clear();
    } else {
        // removals stay removals, everything else becomes one
        shown.iter_mut().for_each(|level| level.1 = 0);
        levels.iter().for_each(|&(px, _)| set(shown, bid, (px, 0)));
    }
    lane.debts.extend(levels.iter().map(|&(px, _)| (bid, px)));
}

/// The request that makes the venue's own code refuse it, wholly or in part; `None` when it has no topics.
pub(crate) fn request(venue: Venue, text: &str, how: AckFault) -> Option<String> {
    let mut request: Value = serde_json::from_str(text).ok()?;
    let binance = matches!(venue, Venue::BinanceSpot | Venue::BinanceUsdm);
    let key = if binance { "params" } else { "args" };
    if how == AckFault::Error && binance && request[key].is_array() {
        request[key] = Value::from("refused"); // an unknown name alone is not refused there
        return Some(request.to_string());
    }
    let args = request.get_mut(key)?.as_array_mut()?;
    let hit = if how == AckFault::Partial { 1 } else { args.len() };
    for arg in args.iter_mut().take(hit) {
        let name = if arg.is_object() { arg.get_mut("instId")? } else { arg };
        *name = Value::from(format!("{}{MARK}", name.as_str()?));
    }
    Some(request.to_string())
}

/// Makes a name one that the venue does not have; taken out of the answer again.
const MARK: &str = "~";

/// The answer to a request that was made wrong, as if it had been right.
pub(crate) fn unmark(text: &Utf8Bytes) -> Utf8Bytes {
    text.replace(MARK, "").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_set_in_its_place() {
        let mut bids = vec![(10, 1), (8, 1)];
        set(&mut bids, true, (9, 5));
        set(&mut bids, true, (10, 0));
        assert_eq!(bids, [(10, 0), (9, 5), (8, 1)]);
        let mut asks = vec![(8, 1), (10, 1)];
        set(&mut asks, false, (9, 5));
        assert_eq!(asks, [(8, 1), (9, 5), (10, 1)]);
    }

    #[test]
    fn a_request_is_spoiled_in_part_or_whole() {
        let two = r#"{"op":"subscribe","args":["a.B","c.D"]}"#;
        assert_eq!(
            request(Venue::Bybit, two, AckFault::Partial).unwrap(),
            r#"{"args":["a.B~","c.D"],"op":"subscribe"}"#
        );
        let okx = r#"{"op":"subscribe","args":[{"channel":"books","instId":"A-B"}]}"#;
        assert!(request(Venue::Okx, okx, AckFault::Error).unwrap().contains("A-B~"));
        assert_eq!(request(Venue::Okx, "ping", AckFault::Error), None);
    }
}
