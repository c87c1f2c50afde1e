//! How connections end, on real threads and real sockets: every close code, a reset, a FIN, and a peer
//! that is gone without a word. Each is seen as what it is, and the line comes back.

use crate::rig::{Goodbye, Layout, Rig};
use highwire_actors::warden::Rules;
use highwire_links::page::BookState;
use highwire_supervision::ending::{End, SLOW_NS};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A heartbeat limit that a loaded test machine does not reach by itself.
const PATIENT_NS: u64 = 20_000_000_000;

/// Ends one connection, and waits until that is known and the next one is there.
async fn end_one(rig: &Rig, goodbye: Goodbye, expected: End) -> Duration {
    let (before, upgrades) = (rig.ends().await.len(), rig.knobs.upgrades.load(Ordering::SeqCst));
    *rig.knobs.goodbye.lock().expect("no test panicked holding it") = Some(goodbye);
    let began = Instant::now();
    while rig.ends().await.len() == before {
        assert!(began.elapsed() < Duration::from_secs(30), "{goodbye:?} went unnoticed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let ended = Instant::now();
    assert!(rig.ends().await.contains(&expected), "{goodbye:?} was taken for {:?}", rig.ends().await);
    rig.until("the next connection", |rig| rig.knobs.upgrades.load(Ordering::SeqCst) > upgrades).await;
    let took = ended.elapsed();
    rig.until("the books live again", |rig| rig.books_are(BookState::Live)).await;
    took
}

/// Fault: C03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_end_is_seen_as_what_it_is_and_answered_by_a_new_connection() {
    let rig = Rig::start(Layout::Together, Rules::default(), PATIENT_NS).await;
    rig.until("the books live", |rig| rig.books_are(BookState::Live)).await;
    for code in [1000, 1001, 1003, 1007, 1009, 1011, 1012] {
        end_one(&rig, Goodbye::Code(code), End::Close(Some(code))).await;
    }
    end_one(&rig, Goodbye::Fin, End::Fin).await;
    end_one(&rig, Goodbye::Reset, End::Reset).await;
    rig.stop().await;
}

/// Fault: C03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_says_that_we_were_too_much_is_left_alone_for_five_seconds() {
    for code in [1008, 1013, 4000] {
        let rig = Rig::start(Layout::Together, Rules::default(), PATIENT_NS).await;
        rig.until("the books live", |rig| rig.books_are(BookState::Live)).await;
        let took = end_one(&rig, Goodbye::Code(code), End::Close(Some(code))).await;
        // The end is known a little after it was decided upon.
        assert!(took >= Duration::from_nanos(SLOW_NS) - Duration::from_millis(500), "{code}: back after {took:?}");
        rig.stop().await;
    }
}

/// Fault: C01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_gone_without_a_word_is_found() {
    let rig = Rig::start(Layout::Together, Rules::default(), PATIENT_NS).await;
    rig.until("the books live", |rig| rig.books_are(BookState::Live)).await;
    end_one(&rig, Goodbye::Mute, End::Silent).await;
    rig.stop().await;
}
