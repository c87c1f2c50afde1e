//! Asks one venue for its time, again and again, and tells its pool how far the clocks are apart.

use crate::account::SharedOffset;
use crate::address::Address;
use crate::allowance::{Allowance, Need};
use crate::pool::PoolMsg;
use crate::web::{self, Claim};
use highwire_engine::clock::Clock;
use highwire_links::Nanos;
use highwire_links::rate::{Cost, Priority};
use highwire_supervision::skew::{Probe, Skew};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Time between two questions when the last answer was odd: a step is certain after the second.
const SOON: Duration = Duration::from_millis(200);
/// An answer that takes longer says too little.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Without an answer for so many intervals nothing is known any more.
const STALE_INTERVALS: u32 = 30;

/// Reads an answer: milliseconds since the Unix epoch.
pub type ParseTime = Box<dyn Fn(&[u8]) -> Option<i64> + Send + Sync>;

/// What a timekeeper needs.
pub struct TimekeeperArgs {
    /// The venue's pool.
    pub pool: Address<PoolMsg>,
    /// The thread's clock: the offset is venue time minus this.
    pub clock: Box<dyn Clock>,
    /// HTTP client.
    pub http: reqwest::Client,
    /// What the venue lets us ask.
    pub allowance: Allowance,
    /// What a question costs.
    pub cost: Cost,
    /// Where the venue tells its time.
    pub url: String,
    /// Reads the answer.
    pub parse: ParseTime,
    /// How coarsely the answer tells the time, cut.
    pub grain_ns: Nanos,
    /// Time between two questions.
    pub every: Duration,
    /// Where the offset is left for whoever signs.
    pub offset_ns: SharedOffset,
    /// Offset beyond which the venue is not traded on (`SKEW_MS`).
    pub limit_ns: Nanos,
}

/// What a timekeeper is told.
#[derive(Debug)]
pub enum TimekeeperMsg {
    /// Ask.
    Ask,
    /// The answer, sent and received when; and the wait that the venue asked for.
    Answered(Nanos, Nanos, Result<Vec<u8>, String>, Option<u64>),
}

/// The actor.
pub struct Timekeeper;

/// Its state.
pub struct TimekeeperState {
    args: TimekeeperArgs,
    skew: Skew,
}

impl TimekeeperState {
    fn ask(&self, myself: &ActorRef<TimekeeperMsg>) {
        let request = self.args.http.get(&self.args.url);
        let (myself, allowance, cost) = (myself.clone(), self.args.allowance.clone(), self.args.cost);
        let clock = self.args.clock.now();
        let started = std::time::Instant::now();
        tokio::spawn(async move {
            let claim = Claim { allowance: &allowance, need: Need::Now, priority: Priority::Reconcile, cost };
            let answer = web::send(request, ANSWER_WITHIN, claim).await;
            let passed_ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            // It may have waited for its turn.
            let took = answer.as_ref().map_or(Duration::ZERO, |answer| answer.took);
            let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
            let received = clock.saturating_add(passed_ns);
            let wait_s = answer.as_ref().ok().and_then(|answer| answer.wait_s);
            let body = answer.and_then(web::Answer::good);
            // A timekeeper that was stopped meanwhile wants no answer.
            let _stopped =
                myself.cast(TimekeeperMsg::Answered(received.saturating_sub(took_ns), received, body, wait_s));
        });
    }

    fn on_answer(&mut self, sent_ns: Nanos, received_ns: Nanos, body: Result<Vec<u8>, String>) {
        let venue_ms = body.and_then(|body| (self.args.parse)(&body).ok_or_else(|| "no time in it".to_owned()));
        let estimate = match venue_ms {
            Ok(venue_ms) => self.skew.on_probe(probe(venue_ms, self.args.grain_ns, (sent_ns, received_ns))),
            Err(error) => {
                tracing::info!(url = self.args.url, error, "the venue does not tell its time");
                None
            }
        };
        if let Some(estimate) = estimate {
            self.args.offset_ns.store(estimate.offset_ns, Ordering::Relaxed);
        }
        let verdict = self.skew.judge(utc(self.args.clock.now()));
        // Without its pool the venue is being stopped.
        let _gone = self.args.pool.cast(PoolMsg::Skew(verdict, estimate));
    }
}

/// What an answer with the venue's time, Unix milliseconds cut at `grain_ns`, says; asked and answered when, by our clock.
pub fn probe(venue_ms: i64, grain_ns: Nanos, (sent_ns, received_ns): (Nanos, Nanos)) -> Probe {
    let (sent_ns, received_ns) = (utc(sent_ns), utc(received_ns));
    let venue_ns = within(venue_ms.saturating_mul(1_000_000), utc(grain_ns), (sent_ns, received_ns));
    Probe { sent_ns, received_ns, venue_ns }
}

fn utc(ns: Nanos) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

/// The venue's time: what it told may be up to a grain ago, and as long as ours is within that, they are alike.
fn within(told_ns: i64, grain_ns: i64, (sent_ns, received_ns): (i64, i64)) -> i64 {
    let ours_ns = sent_ns.saturating_add(received_ns.saturating_sub(sent_ns) / 2);
    ours_ns.clamp(told_ns, told_ns.saturating_add((grain_ns - 1).max(0)))
}

impl Actor for Timekeeper {
    type Msg = TimekeeperMsg;
    type State = TimekeeperState;
    type Arguments = TimekeeperArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<TimekeeperMsg>,
        args: TimekeeperArgs,
    ) -> Result<TimekeeperState, ActorProcessingErr> {
        let stale = args.every.saturating_mul(STALE_INTERVALS);
        let stale_ns = u64::try_from(stale.as_nanos()).unwrap_or(u64::MAX);
        myself.cast(TimekeeperMsg::Ask)?;
        Ok(TimekeeperState { skew: Skew::new(args.limit_ns, stale_ns), args })
    }

    async fn handle(
        &self,
        myself: ActorRef<TimekeeperMsg>,
        message: TimekeeperMsg,
        state: &mut TimekeeperState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            TimekeeperMsg::Ask => state.ask(&myself),
            TimekeeperMsg::Answered(sent_ns, received_ns, body, wait_s) => {
                let answered = body.is_ok();
                state.on_answer(sent_ns, received_ns, body);
                let soon = answered && state.skew.wants_probe();
                let pause = if soon { SOON } else { state.args.every };
                let told = Duration::from_secs(wait_s.unwrap_or(0));
                myself.send_after(pause.max(told), || TimekeeperMsg::Ask);
            }
        }
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<TimekeeperMsg>,
        _: SupervisionEvent,
        _: &mut TimekeeperState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_of_whole_seconds_is_ours_until_it_cannot_be() {
        const S: i64 = 1_000_000_000;
        let told = |told_ns| within(told_ns, S, (5 * S + S / 2, 5 * S + S / 2 + 20));
        assert_eq!(told(5 * S), 5 * S + S / 2 + 10);
        assert_eq!(told(7 * S), 7 * S, "a second and a half ahead at least");
        assert_eq!(told(3 * S), 4 * S - 1, "and so far behind");
        assert_eq!(within(5 * S, 1_000_000, (9 * S, 9 * S)), 5 * S + 999_999, "a millisecond is as good as exact");
    }
}
