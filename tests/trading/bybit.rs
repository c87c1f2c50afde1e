//! Bybit spot and linear: every question, both transports, the private stream, the switch that guards connections.

use crate::market::{Instrument, at_each};
use highwire_simulator::{self as simulator, Board};
use highwire_venues::Venue;

const fn at(venue: Venue, board: Board) -> Instrument {
    Instrument { venue, theirs: simulator::Venue::Bybit, board, symbol: "BTCUSDT" }
}

const INSTRUMENTS: [Instrument; 2] =
    [at(Venue::BybitSpot, Board::BybitSpot), at(Venue::BybitLinear, Board::BybitLinear)];

/// Conformance: bybit_spot queries; bybit_linear queries
#[tokio::test]
async fn every_question_is_answered_and_understood() {
    for (at, fees_ppb) in INSTRUMENTS.into_iter().zip([(1_000_000, 1_000_000), (200_000, 550_000)]) {
        at_each(&[at], async |stand| stand.questions(fees_ppb).await).await;
    }
}

/// Conformance: bybit_spot orders; bybit_linear orders
/// Conformance: bybit_spot private; bybit_linear private
#[tokio::test]
async fn orders_live_and_die_on_sockets_and_everyone_agrees() {
    at_each(&INSTRUMENTS, async |stand| stand.life_on_sockets().await).await;
}

/// Conformance: bybit_spot orders; bybit_linear orders
#[tokio::test]
async fn orders_live_and_die_over_http() {
    at_each(&INSTRUMENTS, async |stand| stand.life_over_http().await).await;
}

/// Conformance: bybit_spot deadman; bybit_linear deadman
#[tokio::test]
async fn the_switch_that_we_set_cancels_what_rests() {
    at_each(&INSTRUMENTS, async |stand| stand.switch().await).await;
}
