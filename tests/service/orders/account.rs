//! The account itself is not what we think: its funds, the venue's filters and fees, a position closed by force.

use super::rig::{PLACES, Rig};
use highwire_simulator::fault::verb::ForcedClose;
use highwire_simulator::{Injection, Verb};
use std::time::Duration;

async fn wait_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

fn balance(asset: &str, value: &str) -> Verb {
    Verb::Balance { asset: asset.to_owned(), value: value.to_owned() }
}

/// Somebody else takes the coins, and the venue does not say so: a few refusals, then the pair rests.
///
/// Fault: X13
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn funds_that_somebody_else_took_cost_a_few_refusals_and_then_the_pair_rests() {
    // Nobody asks for balances meanwhile, who would see it.
    let seldom = "refused_rest_ms = 4000\n[lines]\nfunds_every_ms = 3600000\nreconcile_every_ms = 600000";
    let rig = Rig::with("socket", seldom).await;
    rig.at(0, Verb::MutePrivate {}, 1_000);
    rig.inject(Injection::new(PLACES[0].room, balance("BTC", "0.00001")));
    rig.inject(Injection::new(PLACES[0].room, balance("USDT", "1")));
    rig.wait_said("WARN: pair 0 rests");
    let refused = rig.judge().refusals(PLACES[0].room, "Balance");
    assert!((1..=3).contains(&refused), "{refused} refusals: {}", rig.judge().tail());
    rig.inject(Injection::new(PLACES[0].room, balance("BTC", "10")));
    rig.inject(Injection::new(PLACES[0].room, balance("USDT", "1000000")));
    rig.assert_recovered();
    rig.stop().await;
}

/// The venue says that funds moved: no more is used than it says is free, and nothing is refused.
///
/// Fault: X13
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn funds_that_the_venue_says_are_gone_are_not_used() {
    let rig = Rig::with("socket", "[lines]\nfunds_every_ms = 3600000").await;
    rig.inject(Injection::new(PLACES[0].room, balance("BTC", "0.5")));
    rig.inject(Injection::new(PLACES[0].room, balance("USDT", "900")));
    wait_ms(5_000).await;
    let refused = rig.judge().refusals(PLACES[0].room, "Balance");
    assert!(refused <= 1, "{refused} refusals: {}", rig.judge().tail());
    rig.assert_sound();
    rig.stop().await;
}

/// Fault: X14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_that_changes_costs_one_refusal_per_rest() {
    let rig = Rig::with("socket", "refused_rest_ms = 3000").await;
    rig.at(1, Verb::Filters { min_notional: "100000000".to_owned() }, 5_000);
    rig.wait_said("(filter)");
    wait_ms(1_000).await;
    let refused = rig.judge().refusals(PLACES[1].room, "Notional");
    assert!(refused <= 2, "a leg, and a hedge of the other: {refused}: {}", rig.judge().tail());
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X16
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fees_in_another_coin_and_at_another_rate_leave_what_is_held_exact() {
    let rig = Rig::trading("socket").await;
    for (asset, rate) in [("BNB", "0.00075"), ("", "0.05"), ("", "-0.0002")] {
        let fee = Verb::Fee { asset: asset.to_owned(), rate: rate.to_owned() };
        rig.at(0, fee.clone(), 40_000);
        rig.at(1, fee, 40_000);
        // Only what is bought for coins pays its fee in them.
        let before = rig.judge().bought(&PLACES[0]);
        rig.running.wait(|| (rig.judge().bought(&PLACES[0]) < before + 2).then(|| "nothing is bought".to_owned()));
        rig.heal();
    }
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X19
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_closed_by_force_is_booked_told_once_and_its_other_leg_adjusted() {
    let rig = Rig::trading("socket").await;
    let room = PLACES[1].room;
    for (times, kind) in [(1, ForcedClose::Liquidation), (2, ForcedClose::Adl)] {
        rig.running.wait(|| rig.judge().position(&PLACES[1]).is_zero().then(|| "it holds nothing there".to_owned()));
        let forced = rig.count_forced();
        rig.inject(Injection::new(room, Verb::ForceClose { kind }).symbol(PLACES[1].symbol));
        rig.running.wait(|| (rig.count_forced() == forced).then(|| "nothing was closed".to_owned()));
        rig.wait_agreement();
        let told = || rig.times_said("beyond the orders that we sent");
        rig.running.wait(|| (told() < times).then(|| "it is not told".to_owned()));
        assert_eq!(told(), times, "{}", rig.running.said());
    }
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X20
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_negative_balance_freezes_the_asset_and_is_told_with_its_numbers() {
    let rig = Rig::with("socket", "[lines]\nfunds_every_ms = 3600000").await;
    rig.inject(Injection::new(PLACES[1].room, balance("USDT", "-12.5")));
    rig.wait_said("binance_usdm: USDT is -12.5 free");
    wait_ms(1_000).await;
    let (orders, refused) = (rig.judge().orders().len(), rig.judge().refusals(PLACES[1].room, "Balance"));
    wait_ms(3_000).await;
    let openings = rig.judge().orders().len() - orders;
    assert_eq!((openings, rig.judge().refusals(PLACES[1].room, "Balance")), (0, refused), "{}", rig.judge().tail());
    assert_eq!(rig.times_said("binance_usdm: USDT is -12.5 free"), 1);
    rig.inject(Injection::new(PLACES[1].room, balance("USDT", "1000000")));
    rig.assert_recovered();
    rig.stop().await;
}
