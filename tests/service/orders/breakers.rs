//! A venue that does not answer is left alone for a while, tried, and taken back: its orders and its questions each
//! behind a breaker of their own.

use super::rig::{PLACES, Rig};
use highwire_simulator::Verb;
use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault};

impl Rig {
    /// Where a breaker stands: 0 passing, 1 probing, 2 tripped.
    fn breaker(&self, function: &str, place: usize) -> u64 {
        self.count(&format!("highwire_breaker_state{{function=\"{function}\",of=\"{}\"}}", PLACES[place].venue))
    }

    fn trips(&self, function: &str, place: usize) -> u64 {
        let of = PLACES[place].venue;
        self.count(&format!("highwire_breaker_trips_total{{function=\"{function}\",of=\"{of}\"}}"))
    }

    fn wait_breaker(&self, function: &str, place: usize, state: u64) {
        let is = || self.breaker(function, place);
        self.running.wait(|| (is() != state).then(|| format!("the breaker of {function} is {}, not {state}", is())));
    }
}

/// Its order entry fails with a server's error: nothing is opened there after a row of them, one order tries it after the
/// rest and trips it anew, and when it answers again it is taken back by three that were answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_does_not_answer_orders_is_left_alone_tried_and_taken_back() {
    // Each failure takes the time in which an order may still be found; after five of them the comparison with the venue
    // would hold it back as well.
    let rig = Rig::with("http", "[supervision]\nbreaker_failures = 2").await;
    let fails = Verb::Outcome { outcome: OutcomeFault::Lost, answer: AnswerFault::Error, ms: 1_000 };
    rig.at(1, fails, 600_000);
    rig.wait_breaker("orders", 1, 2);
    let venue = PLACES[1].venue;
    assert_eq!(rig.trips("orders", 1), 1);
    rig.wait_said(&format!("{venue} is HedgeOnly until it is over: breaker: it does not answer orders"));
    assert_eq!(rig.running.health()["venue_modes"][venue], "HedgeOnly", "{}", rig.running.health());
    // What had begun before has its time to end; then nothing begins.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let sagas = rig.wire("sagas");
    rig.running.wait(|| (rig.breaker("orders", 1) == 2).then(|| "it is never tried again".to_owned()));
    assert!(rig.wire("sagas") <= sagas + 1, "{} trades began while it was tripped", rig.wire("sagas") - sagas);
    rig.running.wait(|| (rig.trips("orders", 1) < 2).then(|| "no trial failed".to_owned()));
    rig.heal();
    rig.wait_breaker("orders", 1, 0);
    rig.running.wait_mode("Full");
    rig.wait_said("breaker: it does not answer orders (over");
    assert_eq!(rig.times_said(&format!("incident={venue}/breaker")), 2, "told once, and once that it is over");
    rig.assert_recovered();
    rig.stop().await;
}

/// Its answers over HTTP fail: what can wait is not asked for meanwhile, and the venue is `Reduced`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_does_not_answer_questions_is_asked_less_and_traded_with_care() {
    // A hedge that cannot be asked for meanwhile has time to be verified afterwards.
    let settings = "[lines]\nfunds_every_ms = 500\nclock_every_ms = 600000\n[saga]\nresolve_ms = 60000";
    let rig = Rig::with("socket", settings).await;
    let (venue, account) = (PLACES[0].venue, "/api/v3/account");
    rig.at(0, Verb::HttpStatus { code: 503, headers: vec![], body: String::new() }, 600_000);
    rig.wait_breaker("queries", 0, 2);
    let asked = rig.judge().requests(PLACES[0].room, account);
    rig.running.wait(|| (rig.running.health()["venue_modes"][venue] != "Reduced").then(|| "never Reduced".to_owned()));
    // Half of its rest: it would have been asked three times.
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert_eq!(rig.judge().requests(PLACES[0].room, account), asked, "it was asked while it rested");
    rig.running.wait(|| (rig.trips("queries", 0) < 2).then(|| "no trial failed".to_owned()));
    rig.heal();
    rig.wait_breaker("queries", 0, 0);
    rig.running.wait(|| (rig.running.health()["venue_modes"][venue] != "Full").then(|| "never Full".to_owned()));
    rig.assert_recovered();
    rig.stop().await;
}
