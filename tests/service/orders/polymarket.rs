//! Both sides of a question bought at Polymarket below one, over its real protocols: without a fault, with answers that do
//! not say what became of an order, and on a chain that takes back what was matched.

use super::outcomes::{Market, apart, get};
use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault};
use highwire_simulator::{Exchange, PolymarketConfig, Verb};
use std::collections::BTreeSet;
use std::time::Duration;

/// Conformance: polymarket trades
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_sets_below_one_are_bought_and_everybody_agrees() {
    let market = Market::start(apart(), "").await;
    market.wait_trades(8);
    market.assert_sound().await;
    let truth = market.truth();
    assert!(truth.assert_sets_cost_less_than_one() >= 4, "{}", truth.tail());
    market.stop().await;
}

/// The venue has no ids of ours: whoever sends again trades twice, so every order is known by the hash that was computed
/// before it left.
///
/// Fault: X04
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_orders_without_a_telling_answer_are_found_by_their_hash_and_never_sent_again() {
    use {AnswerFault as A, OutcomeFault as O};
    // A venue that answers so little has a breaker of its own, and a story of it: here it goes on being asked.
    let market = Market::start(apart(), "[supervision]\nbreaker_failures = 1000").await;
    market.wait_trades(1);
    let faults = [(O::Accept, A::Drop), (O::Accept, A::Nameless), (O::Accept, A::Error), (O::Lost, A::Error)];
    for (number, (outcome, answer)) in faults.into_iter().enumerate() {
        // An order that is on its way already may be the one that meets it.
        let met = || (market.wire("orders"), market.wire("order_unknowns"));
        let before = met();
        market.at(Verb::Outcome { outcome, answer, ms: 1_500 }, 20_000);
        if number % 2 == 1 {
            market.at(Verb::MutePrivate {}, 20_000);
        }
        market.running.wait(|| (met() == before).then(|| format!("{answer:?} met no order")));
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        market.heal();
        market.wait_trades(1);
    }
    market.assert_sound().await;
    market.stop().await;
}

/// Fault: X18
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_trades_that_are_matched_and_then_fail_are_taken_back_told_and_hedged() {
    let market = Market::start(PolymarketConfig { failures_ppm: 350_000, ..apart() }, "").await;
    market.wait_said("is not settled, and taken back");
    market.wait_said("mode of polymarket: Full → HedgeOnly (settlement");
    let known = market.wire("sagas");
    market.running.wait(|| market.unsettled());
    market.assert_sound().await;
    let failed = market.truth().failed().len();
    assert!(failed >= 3, "{failed} of {} failed, and that stopped it", market.truth().fills().len());
    // Both sides of a trade may fail at once: then nothing is left alone.
    let undone = market.tokens.each_ref().map(|token| market.truth().undone(token));
    assert!(market.wire("hedges") > 0 || undone[0] == undone[1], "{undone:?}: {}", market.truth().tail());
    println!("{failed} of {} trades failed; {known} trades of both sides", market.truth().fills().len());
    market.stop().await;
}

/// Fault: X18
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_trades_that_stay_matched_for_too_long_reduce_what_is_done_there() {
    let slow = PolymarketConfig { mined_after: Duration::from_secs(6), ..apart() };
    let market = Market::start(slow, "[modes]\nsettle_stuck_ms = 3000").await;
    market.wait_trades(1);
    market.wait_said("mode of polymarket: Full → Reduced (settlement)");
    market.assert_sound().await;
    market.stop().await;
}

/// The matching engine starts anew: it takes nothing, then only what makes. What it refuses is not in doubt, it is not
/// hammered, and trading begins again by itself.
///
/// Fault: M13
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_is_left_alone_while_its_engine_starts_anew_and_traded_again_afterwards() {
    let market = Market::start(apart(), "[supervision]\nbreaker_failures = 1000").await;
    market.wait_trades(2);
    // It ends between two trades: of a leg that it had taken there is a story of its own.
    assert!(market.tune("complement.enabled=false").status.success());
    market.assert_sound().await;
    let (unknowns, posts) = (market.wire("order_unknowns"), market.truth().posts());
    let taken = market.wire("opportunities_taken");
    market.at(Verb::EngineRestart { down_ms: 5_000, post_only_ms: 2_000 }, 100);
    assert!(market.tune("complement.enabled=true").status.success());
    market.running.wait(|| (market.truth().posts() == posts).then(|| "it met no order".to_owned()));
    tokio::time::sleep(Duration::from_millis(6_500)).await;
    let opened = market.wire("opportunities_taken") - taken;
    assert!(opened <= 12, "{opened} trades were begun in seven seconds");
    market.wait_trades(2);
    assert_eq!(market.wire("order_unknowns"), unknowns, "a refusal is an answer");
    market.assert_sound().await;
    market.stop().await;
}

/// The engine goes down between the two orders of a trade, and what the first bought can be sold nowhere else: it is asked
/// for seldom, said, and hedged when the engine takes orders again. No gate takes the refusals for a strategy that runs away.
///
/// Fault: M13
/// Fault: X06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_shut_between_two_legs_is_asked_for_the_hedge_seldom_until_it_opens() {
    // Fewer failed looks than there would be while it is down, and fewer refusals in a row than there are.
    let patience = [("HIGHWIRE__SAGA__FAILURES_MAX", "80")];
    let more = "[supervision]\nbreaker_failures = 1000\n[guard]\nrejects_max = 8";
    let market = Market::within(apart(), more, &patience).await;
    market.wait_trades(2);
    let told = || market.times_said("it goes on hedging incident=");
    // The first order may find nothing to trade with.
    while told() == 0 {
        market.assert_sound().await;
        let (posts, refused) = (market.truth().posts(), market.wire("order_rejects"));
        market.after_an_order(Verb::EngineRestart { down_ms: 10_000, post_only_ms: 2_000 });
        market.running.wait(|| (market.truth().posts() == posts).then(|| "it met no order".to_owned()));
        tokio::time::sleep(Duration::from_millis(12_000)).await;
        let refused = market.wire("order_rejects") - refused;
        println!("{refused} orders were refused in twelve seconds, {} hedges so far", market.wire("hedges"));
        assert!(refused <= 20, "{refused} orders: {}", market.running.said());
    }
    market.assert_sound().await;
    assert_eq!((told(), market.times_said("the last gate tripped")), (1, 0), "{}", market.running.said());
    assert!(market.wire("hedges") > 0);
    market.wait_trades(2);
    market.stop().await;
}

/// The engine starts anew while ticks become finer, and of what was matched before, most fails on the chain meanwhile: each is
/// taken back once, what it leaves alone is covered when orders are taken again, and prices follow the new tick.
///
/// Fault: Z06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_starts_anew_while_a_tick_changes_and_what_was_matched_before_fails() {
    // However many fail, and however often it says that it is not there, it is traded on.
    let more = "[supervision]\nbreaker_failures = 1000\n[modes]\nsettle_failed_percent = 100";
    let market = Market::start(apart(), more).await;
    market.wait_trades(2);
    market.at(Verb::Settle { fail_p: 0.7, delay_ms: 4_000 }, 120_000);
    market.running.wait(|| (market.pending().len() < 10).then(|| format!("{:?} wait to be settled", market.pending())));
    let (pending, unknowns) = (market.pending(), market.wire("order_unknowns"));
    market.at(Verb::EngineRestart { down_ms: 6_000, post_only_ms: 2_000 }, 100);
    market.at(Verb::Tick { value: "0.001".to_owned() }, 100);
    let is_over = || pending.iter().all(|trade| market.truth().has_ended(trade));
    market.running.wait(|| (!is_over()).then(|| format!("{pending:?} are not settled")));
    let failed = pending.iter().filter(|trade| market.truth().failed().contains(trade.as_str())).count();
    assert!(failed > 0, "none of {pending:?} failed");
    market.heal();
    tokio::time::sleep(Duration::from_secs(6)).await;
    market.wait_trades(2);
    let is_fine = |px: &str| px.split_once('.').is_some_and(|(_, decimals)| decimals.trim_end_matches('0').len() == 3);
    let follows = || market.truth().orders().iter().any(|order| is_fine(order.3));
    market.running.wait(|| (!follows()).then(|| "no order follows the new tick".to_owned()));
    assert_eq!(market.wire("order_unknowns"), unknowns, "a refusal is an answer");
    assert!(market.tune("complement.enabled=false").status.success());
    market.running.wait(|| market.unsettled());
    market.assert_sound().await;
    println!("{failed} of {} trades failed that were matched before", pending.len());
    market.stop().await;
}

/// Markets of the ordinary contract, of neg-risk and of the position manager's ledger at once: each order is signed for its
/// own market's contract and by the ids that it trades by, or the venue would refuse it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_orders_are_signed_for_the_contract_of_each_market() {
    let exchanges = vec![Exchange::Standard, Exchange::NegativeRisk, Exchange::Ledger];
    let (market, tokens) = Market::hours(PolymarketConfig { exchanges, ahead: 3, ..apart() }, 3).await;
    let bought = |of: &[String; 2]| of.iter().all(|token| !market.truth().trades(token).is_empty());
    market.running.wait(|| tokens.iter().position(|of| !bought(of)).map(|at| format!("market {at} is not traded")));
    let told = || tokens.iter().flatten().find_map(|token| market.untold(token));
    market.running.wait(told);
    market.truth().assert_no_order_twice();
    assert!(!market.truth().refusals().iter().any(|why| why.contains("ignature")), "{}", market.truth().tail());
    market.stop().await;
}

/// What the user channel did not bring is asked for: how each trade settled, also one that failed, and each trade once.
///
/// Fault: X18
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_settlements_that_the_user_channel_does_not_tell_are_asked_for() {
    let slow = PolymarketConfig { failures_ppm: 300_000, mined_after: Duration::from_secs(1), ..apart() };
    // However many fail, it is traded on.
    let market = Market::start(slow, "[lines]\nreconcile_every_ms = 500\n[modes]\nsettle_failed_percent = 100").await;
    for _ in 0..2 {
        market.wait_trades(2);
        // Matches are told by then, and how they settle is not.
        market.at(Verb::MutePrivate {}, 4_000);
        tokio::time::sleep(Duration::from_millis(2_500)).await;
    }
    market.wait_said("to settle, which was not told");
    market.wait_said("has settled, which was not told");
    // While it trades something always waits to be settled.
    assert!(market.tune("complement.enabled=false").status.success());
    market.running.wait(|| market.unsettled());
    market.assert_sound().await;
    market.stop().await;
}

/// A word that is lost in silence, while nothing is traded and all else agrees: the wait itself has the trade asked for.
///
/// Fault: X18
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_settlements_whose_word_is_lost_in_silence_are_asked_for_in_time() {
    let slow = PolymarketConfig { mined_after: Duration::from_secs(6), ..apart() };
    let market = Market::start(slow, "[lines]\nreconcile_every_ms = 500").await;
    market.wait_trades(2);
    assert!(market.tune("complement.enabled=false").status.success());
    market.running.wait(|| market.pending().is_empty().then(|| "nothing waits to be settled".to_owned()));
    tokio::time::sleep(Duration::from_secs(2)).await;
    market.at(Verb::MutePrivate {}, 120_000);
    let asked = market.times_said("has settled, which was not told");
    let pending = market.pending();
    assert!(!pending.is_empty(), "settled before it was mute");
    let found = || market.times_said("has settled, which was not told") - asked;
    let lacks = || (found() < pending.len()).then(|| format!("{} of {pending:?} are found", found()));
    market.running.wait(lacks);
    market.assert_sound().await;
    market.stop().await;
}

/// The windows of a series are found by their pattern; each is closed for openings before its end, what is held of it is
/// paid out as the venue decides, and the next one is traded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_windows_follow_one_another_and_what_is_held_is_paid_out() {
    const CLOSE_S: u64 = 5;
    let short = PolymarketConfig {
        short_window: Duration::from_secs(20),
        resolved_after: Duration::from_secs(1),
        // Wide enough that a question stays open until its end.
        volatility_ppm: 20_000,
        ahead: 3,
        ..apart()
    };
    let series = format!("series = [\"btc-20s\"]\nwindows = 4\nclose_before_s = {CLOSE_S}");
    let market = Market::rolling(short, &series, "[lines]\nlisting_every_s = 1").await;
    // Two windows of which something was held: both of their sides are paid out, and the next is traded.
    let paid = || market.times_said("that were held pay");
    for goal in [2, 4] {
        market.running.wait(|| (paid() < goal).then(|| format!("{} of {goal} sides are paid out", paid())));
        market.wait_trades(1);
    }
    let slugs: BTreeSet<String> = market.slugs_said("market ended");
    assert!(slugs.len() >= 2, "{slugs:?}");
    for slug in slugs.iter().take(2) {
        let (tokens, winner) = decided(&market, slug).await;
        let start_s: u64 = slug.rsplit('-').next().unwrap().parse().unwrap();
        let close_ns = (start_s + 20 - CLOSE_S) * 1_000_000_000;
        let truth = market.truth();
        // The clock is looked at four times a second.
        assert!(truth.last_set_ns(&tokens) < close_ns + 500_000_000, "{slug} was opened after its close");
        for (place, token) in tokens.iter().enumerate() {
            let (held, pays) = (truth.position(token), i32::from(place == winner));
            let words = format!("polymarket:{token}: decided, {held} that were held pay {pays} each");
            assert!(held.is_zero() || market.times_said(&words) == 1, "{words}: {}", market.running.said());
            assert_eq!(market.told_position(token), "0", "nothing of it is held any more");
        }
    }
    assert!(!market.truth().refusals().iter().any(|why| why.contains("not yet ready")), "{}", market.truth().tail());
    market.stop().await;
}

/// With places for two windows, many follow one another: the service starts again by itself with those that are listed
/// then, and what was held of a window that ended before is paid out once, by the start after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_windows_beyond_those_of_the_start_are_followed_and_no_two_are_mixed_up() {
    const WINDOW_S: u64 = 12;
    let short = PolymarketConfig {
        short_window: Duration::from_secs(WINDOW_S),
        resolved_after: Duration::from_secs(5),
        volatility_ppm: 20_000,
        ahead: 4,
        ..apart()
    };
    let series = format!("series = [\"btc-{WINDOW_S}s\"]\nwindows = 2\nclose_before_s = 2");
    let market = Market::rolling(short, &series, "[lines]\nlisting_every_s = 1").await;
    // More of which something was held than there are places.
    let paid = || market.times_said("that were held pay");
    for goal in [2, 4, 6] {
        market.running.wait(|| (paid() < goal).then(|| format!("{} of {goal} sides are paid out", paid())));
    }
    assert!(market.times_said("it starts again with the windows") >= 2, "{}", market.running.said());
    let (mut held_of, truth) = (0, market.truth());
    for slug in market.slugs_said("market decided") {
        let (tokens, winner) = decided(&market, &slug).await;
        for (place, token) in tokens.iter().enumerate() {
            let (held, pays) = (truth.position(token), i32::from(place == winner));
            let words = format!("polymarket:{token}: decided, {held} that were held pay {pays} each");
            let told = market.times_said(&format!("polymarket:{token}: decided,"));
            assert_eq!(told, usize::from(!held.is_zero()), "{token}: {}", market.running.said());
            assert_eq!(market.times_said(&words), told, "{words}: {}", market.running.said());
            assert_eq!(market.untold(token), None);
            held_of += usize::from(!held.is_zero());
        }
    }
    assert!(held_of >= 6, "{held_of}");
    truth.assert_no_order_twice();
    assert!(!truth.refusals().iter().any(|why| why.contains("not yet ready")), "{}", truth.tail());
    assert_eq!(market.times_said("Beyond") + market.times_said("was not ours"), 0, "{}", market.running.said());
    market.stop().await;
}

/// A fee that cannot be asked for any more is not known: nothing is opened until it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polymarket_markets_whose_fee_is_not_known_are_not_traded() {
    let market = Market::start_followed(apart(), "fee_age_s = 3", "[lines]\nlisting_every_s = 1").await;
    market.wait_trades(1);
    market.refuse("/markets", 500, 60_000);
    market.wait_said("its fee is not known, nothing is opened there");
    let trades = market.wire("sagas");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(market.wire("sagas") <= trades + 1, "one may have been on its way: {}", market.running.said());
    market.heal();
    market.wait_trades(2);
    market.assert_sound().await;
    market.stop().await;
}

/// Both tokens of a market, and which of them won.
async fn decided(market: &Market, slug: &str) -> ([String; 2], usize) {
    let rows = get(&market.simulator, &format!("/gamma/markets?slug={slug}")).await;
    let text = |name: &str| rows[0][name].as_str().unwrap().to_owned();
    let tokens = serde_json::from_str(&text("clobTokenIds")).unwrap();
    let prices: [String; 2] = serde_json::from_str(&text("outcomePrices")).unwrap();
    assert_eq!(text("umaResolutionStatus"), "resolved");
    (tokens, usize::from(prices[1] == "1"))
}
