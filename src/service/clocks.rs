//! A venue's clock, before the first signed question: a request that bears a wrong time is refused, and a start on a machine
//! whose clock is wrong could neither look after orders that are open nor say what is the matter. From then on the venue's
//! timekeeper follows it, and judges whether it is too far off to trade.

use highwire_actors::account::Account;
use highwire_actors::allowance::Need;
use highwire_actors::timekeeper::probe;
use highwire_actors::web::{self, Claim};
use highwire_engine::clock::Clock;
use highwire_links::rate::Priority;
use highwire_supervision::skew::Skew;
use highwire_venues::rest;
use std::sync::atomic::Ordering;

/// Asks for the venue's time and has the account sign by it; without an answer it signs by ours.
pub(super) async fn take_over(account: &Account, rest_base: &str) {
    match offset_ns(account, rest_base).await {
        Ok(offset_ns) => account.offset_ns.store(offset_ns, Ordering::Relaxed),
        Err(why) => tracing::warn!(venue = account.venue.name(), why, "the venue does not tell its time"),
    }
}

/// Venue time minus ours, nanoseconds.
async fn offset_ns(account: &Account, rest_base: &str) -> Result<i64, String> {
    let path = rest::time_path(account.venue);
    let request = account.http.get(format!("{rest_base}{path}"));
    let cost = rest::cost(account.venue, path);
    let claim = Claim { allowance: &account.allowance, need: Need::Now, priority: Priority::Reconcile, cost };
    let answer = web::send(request, account.timeout, claim).await?;
    let (received_ns, took) = (account.clock.now(), answer.took);
    let venue_ms = rest::parse_time(account.venue, &answer.good()?).ok_or("no time in it")?;
    let sent_ns = received_ns.saturating_sub(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    let grain_ns = rest::time_grain_ms(account.venue).saturating_mul(1_000_000);
    let estimate = Skew::new(u64::MAX, u64::MAX).on_probe(probe(venue_ms, grain_ns, (sent_ns, received_ns)));
    estimate.map(|estimate| estimate.offset_ns).ok_or_else(|| "its time is out of range".to_owned())
}
