//! OKX spot and swap: every question, both transports, the private stream, the switch that cancels everything.

use crate::market::{Instrument, at_each};
use highwire_simulator::{self as simulator, Board};
use highwire_venues::Venue;

const fn at(board: Board, symbol: &'static str) -> Instrument {
    Instrument { venue: Venue::Okx, theirs: simulator::Venue::Okx, board, symbol }
}

const INSTRUMENTS: [Instrument; 2] = [at(Board::OkxSpot, "BTC-USDT"), at(Board::OkxSwap, "BTC-USDT-SWAP")];

/// Conformance: okx queries
#[tokio::test]
async fn every_question_is_answered_and_understood() {
    for (at, fees_ppb) in INSTRUMENTS.into_iter().zip([(800_000, 1_000_000), (200_000, 500_000)]) {
        at_each(&[at], async |stand| stand.questions(fees_ppb).await).await;
    }
}

/// Conformance: okx orders
/// Conformance: okx private
#[tokio::test]
async fn orders_live_and_die_on_sockets_and_everyone_agrees() {
    at_each(&INSTRUMENTS, async |stand| stand.life_on_sockets().await).await;
}

/// Conformance: okx orders
#[tokio::test]
async fn orders_live_and_die_over_http() {
    at_each(&INSTRUMENTS, async |stand| stand.life_over_http().await).await;
}

/// Conformance: okx deadman
#[tokio::test]
async fn the_switch_that_we_set_cancels_what_rests() {
    at_each(&INSTRUMENTS, async |stand| stand.switch().await).await;
}
