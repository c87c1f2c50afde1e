//! What a written request says, read back: the order that was meant, or the first part that differs. The text is spoiled
//! behind the encoder's back, as a wrong template would.

use crate::support::{ID, TEXT, VENUES, line, order};
use highwire_links::codec::Field;
use highwire_links::order::{Action, Order};
use highwire_links::{InstrumentId, Px, Qty, Side};
use highwire_venues::Venue;
use highwire_venues::orders::Transport;

const WALL_MS: i64 = 1_790_000_000_123;

/// Each part of the text with what stands there instead.
fn spoiled(venue: Venue, text: &str) -> Vec<(Field, String)> {
    let other = format!("{}f", &TEXT[..TEXT.len() - 1]);
    let swap = |from: &str, to: &str| text.replace(from, to);
    let symbol = if venue == Venue::Okx {
        swap("\"BTC-USDT\"", "\"ETH-USDT\"").replace("1000000000", "1000000001")
    } else {
        swap("BTCUSDT", "ETHUSDT")
    };
    let side = ["BUY", "Buy", "buy"].iter().fold(text.to_owned(), |text, buy| text.replace(buy, "SELL"));
    vec![
        (Field::Symbol, symbol),
        (Field::Side, side),
        (Field::Price, swap("65000.12", "65000.21")),
        (Field::Quantity, swap("0.01", "0.1")),
        (Field::Id, swap(TEXT, &other)),
    ]
}

#[test]
fn a_request_says_its_order_and_whatever_spoils_it_is_seen() {
    for venue in VENUES {
        for transport in [Transport::Socket, Transport::Http] {
            let mut codec = line(venue, transport).codec;
            let (order, mut out) = (order(Action::Place), Vec::new());
            codec.encode(&order, WALL_MS, &mut out).unwrap();
            assert_eq!(codec.differs(&order, &out), None, "{venue:?} {}", String::from_utf8_lossy(&out));
            let text = String::from_utf8(out).unwrap();
            for (field, wrong) in spoiled(venue, &text) {
                assert_ne!(wrong, text, "{venue:?} {field:?}");
                assert_eq!(codec.differs(&order, wrong.as_bytes()), Some(field), "{venue:?} {transport:?} {wrong}");
            }
        }
    }
}

/// An amendment says less: what it leaves as it is cannot be spoiled.
#[test]
fn an_amendment_says_its_order_and_whatever_spoils_it_is_seen() {
    for venue in VENUES {
        for transport in [Transport::Socket, Transport::Http] {
            let mut codec = line(venue, transport).codec;
            codec.encode(&order(Action::Place), WALL_MS, &mut Vec::new()).unwrap();
            let (less, mut out) = (Order { qty: Qty(500), ..order(Action::Amend) }, Vec::new());
            codec.encode(&less, WALL_MS, &mut out).unwrap();
            assert_eq!(codec.differs(&less, &out), None, "{venue:?} {}", String::from_utf8_lossy(&out));
            let text = String::from_utf8(out).unwrap().replace("0.005", "0.01");
            let spoiled = spoiled(venue, &text).into_iter().filter(|(_, wrong)| *wrong != text);
            let seen: Vec<Field> = spoiled
                .map(|(field, wrong)| {
                    let wrong = if field == Field::Quantity { wrong } else { wrong.replace("0.01", "0.005") };
                    assert_eq!(codec.differs(&less, wrong.as_bytes()), Some(field), "{venue:?} {transport:?} {wrong}");
                    field
                })
                .collect();
            assert!([Field::Symbol, Field::Quantity, Field::Id].iter().all(|field| seen.contains(field)), "{seen:?}");
            assert!(venue == Venue::BinanceSpot || seen.contains(&Field::Price), "{venue:?} {seen:?}");
        }
    }
}

#[test]
fn another_order_than_the_one_that_was_meant_is_seen() {
    for venue in VENUES {
        let mut codec = line(venue, Transport::Socket).codec;
        let (meant, mut out) = (order(Action::Place), Vec::new());
        codec.encode(&meant, WALL_MS, &mut out).unwrap();
        for (field, other) in [
            (Field::Symbol, Order { instrument: InstrumentId(9), ..meant }),
            (Field::Side, Order { side: Side::Sell, ..meant }),
            (Field::Price, Order { px: Px(meant.px.0 + 1), ..meant }),
            (Field::Quantity, Order { qty: Qty(meant.qty.0 - 1), ..meant }),
            (Field::Id, Order { id: ID + 1, ..meant }),
        ] {
            assert_eq!(codec.differs(&other, &out), Some(field), "{venue:?}");
        }
        assert_eq!(codec.differs(&order(Action::Cancel), &out), None, "what places nothing is not held against it");
    }
}
