//! What was recorded of Bybit's spot market: eight single messages that another project keeps. No stream of it is at hand,
//! and these went through a JSON parser, so their blanks are not the venue's.

use crate::support::{Bench, Call, data};
use highwire_links::decode::FrameKind;
use highwire_links::update::DepthKind;
use highwire_venues::Venue;

const MESSAGES: &str = "tardis-node/bybit-spot/messages.jsonl.zst";

fn messages() -> Option<Vec<serde_json::Value>> {
    let text = zstd::decode_all(std::fs::File::open(data()?.join(MESSAGES)).unwrap()).unwrap();
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    Some(lines.map(|line| serde_json::from_slice::<serde_json::Value>(line).unwrap()["raw"].take()).collect())
}

/// Conformance: bybit_spot decode
#[test]
fn recorded_messages_of_bybit_spot_decode_by_both_tiers_and_follow_one_another() {
    let Some(messages) = messages() else { return };
    let mut bench = Bench::assumed(Venue::BybitSpot, &["BTCUSDT", "BITBTC", "ETHUSDT", "DFIUSDT"]);
    let (mut kinds, mut last, mut steps) = (Vec::new(), 0, 0);
    for message in &messages {
        let text = message.to_string();
        let (result, calls) = bench.decode(text.as_bytes());
        assert_eq!((result, calls.clone()), bench.reference(text.as_bytes()), "{text}");
        kinds.extend(result.ok());
        for call in calls {
            let Call::Depth(head, bids, asks) = call else { continue };
            assert!(bids.first().is_none_or(|bid| bid.px > 0) && bids.len() + asks.len() > 0, "{text}");
            if text.contains("orderbook.50") {
                let number = head.sequence.last.unwrap();
                steps += usize::from(head.kind == DepthKind::Delta && number == last + 1);
                last = number;
            }
        }
    }
    // Three are of the interface before, which is not read; one is a delta of the top, which has been whole each time since.
    assert_eq!((messages.len(), kinds.len(), steps), (8, 4, 1), "{kinds:?}");
    let count = |kind| kinds.iter().filter(|of| **of == kind).count();
    assert_eq!(count(FrameKind::Trade), 1);
    println!("bybit_spot: {} of {} recorded messages: {kinds:?}", kinds.len(), messages.len());
}
