//! First legs that rest: what is taken of them is hedged, and whatever venues make of them, nothing else is.

use super::rig::{PLACES, Rig, now_ns};
use highwire_simulator::fault::verb::PostOnlyFault;
use highwire_simulator::{Injection, Verb};

/// No edge is asked for, so that something rests nearly always; a pair that was refused rests for a while.
const MAKER: &str = "edge_min_bps = \"0\"\nslippage_bps = \"0\"\nlatency_penalty_bps = \"0\"\nrefused_rest_ms = 3000\n\
    [cross]\nentry = \"maker\"\nrest_ms = 1500\nmargin_bps = \"0\"\nreprices_max = 2\n";

/// As set above.
const REST_MS: u64 = 3_000;

/// Has every order that may only rest end so, at all venues, until it is healed.
fn mistreat(rig: &Rig, how: PostOnlyFault) {
    PLACES.iter().for_each(|place| rig.inject(Injection::new(place.room, Verb::PostOnly { how })));
}

/// Waits until a counter of the wire has grown by so much.
fn wait_more(rig: &Rig, counter: &str, more: u64) {
    let goal = rig.wire(counter) + more;
    rig.running.wait(|| (rig.wire(counter) < goal).then(|| format!("{counter} stays below {goal}")));
}

/// Fault: X15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leg_that_rests_is_hedged_as_it_is_taken_and_never_where_it_was_refused_or_cancelled() {
    let rig = Rig::start("socket", MAKER).await;
    wait_more(&rig, "hedges", 3);

    // What moves past an order in a live market is refused as well, by itself; between those others rest.
    mistreat(&rig, PostOnlyFault::Refuse);
    let since_ns = now_ns();
    wait_more(&rig, "pair_rests", 2);
    let all_refused = since_ns..now_ns();
    rig.heal();

    for how in [PostOnlyFault::Cancel, PostOnlyFault::Vanish] {
        mistreat(&rig, how);
        wait_more(&rig, "post_only_orders", 3);
        rig.heal();
    }
    mistreat(&rig, PostOnlyFault::Take);
    wait_more(&rig, "post_only_took", 1);
    rig.heal();
    wait_more(&rig, "hedges", 2);

    assert!(rig.operate(&["halt"]).status.success(), "what rests is withdrawn");
    rig.assert_sound();
    let judge = rig.judge();
    judge.assert_nothing_hedged_ahead(rig.places());
    let (refused_ns, (makers, takers)) = (judge.would_have_taken_ns(), judge.makers_and_takers());
    println!(
        "{makers} orders rested, {takers} hedged, {} were refused because they would have taken",
        refused_ns.len()
    );
    let refused_ns: Vec<u64> = refused_ns.into_iter().filter(|at| all_refused.contains(at)).collect();
    assert!(refused_ns.len() > 3, "{refused_ns:?}");
    let is_paused = |row: &[u64]| row[3] - row[0] >= REST_MS * 1_000_000;
    assert!(refused_ns.windows(4).all(is_paused), "one order, priced anew twice, then a rest: {refused_ns:?}");
    rig.stop().await;
}
