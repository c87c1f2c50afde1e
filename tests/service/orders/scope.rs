//! What a key may do is asked before anything else: one that may withdraw is refused.

use super::rig::{OTHERS, PERPETUALS, PLACES, Rig};

/// Conformance: binance_spot scope; binance_usdm scope; okx scope; bybit_spot scope; bybit_linear scope
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_may_withdraw_ends_the_start_and_nothing_was_sent() {
    let starts = [(&PLACES, 0), (&PLACES, 1), (&OTHERS, 0), (&OTHERS, 1), (&PERPETUALS, 1)];
    for (places, at) in starts {
        let (said, judge) = Rig::refused(places, &places[at]).await;
        let why = format!("{}: its key may withdraw", places[at].venue);
        assert!(said.contains(&why), "{why}: {said}");
        assert_eq!(judge.orders(), [], "{why}");
        assert!(!said.contains("simulated-owner"), "{said}");
    }
}
