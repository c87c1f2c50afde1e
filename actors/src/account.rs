//! Questions about an account, sent over HTTP: what the venue answers, in our words. Nothing that is
//! signed stands in an error.

use crate::allowance::{Allowance, Need};
use crate::keyring::KeyRing;
use crate::web::{self, Answer, Claim};
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::Nanos;
use highwire_links::fill::OrderReject;
use highwire_links::fixed::Amount;
use highwire_links::rate::{Cost, Priority};
use highwire_venues::orders::Listed;
use highwire_venues::polymarket::private::{balance_of, token_balance};
use highwire_venues::private::{self, Balance, HttpRequest, Query, Refusal, Reply, Why};
use highwire_venues::spec::Kind;
use highwire_venues::venue::Venue;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A venue's clock minus ours, shared by what signs; nanoseconds.
pub type SharedOffset = Arc<AtomicI64>;

/// What is asked for when nothing more urgent is.
const CAN_WAIT: (Need, Priority) = (Need::Later, Priority::Reconcile);

/// One account at one venue.
#[derive(Clone)]
pub struct Account {
    /// The venue.
    pub venue: Venue,
    /// What signs.
    pub keys: KeyRing,
    /// HTTP client.
    pub http: reqwest::Client,
    /// `http://host:port`; empty for the venue's own hosts.
    pub base: String,
    /// For one question.
    pub timeout: Duration,
    /// Our clock, the same as the threads'.
    pub clock: TscClock,
    /// The venue's clock minus ours.
    pub offset_ns: SharedOffset,
    /// What the venue lets us ask.
    pub allowance: Allowance,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// It could not be asked, or no answer came: nothing is proven.
    #[error("{0}")]
    Unanswered(String),
    /// The venue refused it.
    #[error("refused with code {}: {}", .0.code, .0.message)]
    Refused(Refusal),
}

impl Account {
    /// The venue's time now, milliseconds.
    pub fn wall_ms(&self) -> i64 {
        self.venue_ms(self.clock.now())
    }

    /// The venue's time at a time of ours, milliseconds.
    pub fn venue_ms(&self, at_ns: Nanos) -> i64 {
        let ours_ns = i64::try_from(at_ns).unwrap_or(i64::MAX);
        ours_ns.saturating_add(self.offset_ns.load(Ordering::Relaxed)) / 1_000_000
    }

    /// What a question takes of the venue's budgets.
    pub fn cost(&self, query: &Query<'_>) -> Cost {
        let request = private::request(self.venue, &self.keys.get(), query, 0);
        request.map_or_else(|_| Cost::default(), |request| request.cost)
    }

    /// Asks.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn ask(&self, query: &Query<'_>) -> Result<Reply, AskError> {
        let unanswered = |why: String| AskError::Unanswered(why);
        let request = private::request(self.venue, &self.keys.get(), query, self.wall_ms());
        let request = request.map_err(|error| unanswered(error.to_string()))?;
        let answer = self.send(&request, (need(query), priority(query))).await?;
        let answer = private::answer_for(self.venue, &self.keys.get(), query, answer.status, &answer.body);
        self.note_key(&answer);
        answer.map_err(AskError::Refused)
    }

    /// Keeps count of refusals of our key; what was refused for another reason, or not understood, says nothing of it.
    fn note_key(&self, answer: &Result<Reply, Refusal>) {
        match answer {
            Ok(_) => self.allowance.on_key(true),
            Err(Refusal { why: Why::Refused(OrderReject::Auth), .. }) => self.allowance.on_key(false),
            Err(_) => {}
        }
    }

    /// What is held of everything that is listed. Outcome tokens are asked for one by one, and named by their symbols.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn balances(&self, listed: &[Listed]) -> Result<Vec<Balance>, AskError> {
        let Reply::Balances(mut balances) = self.ask(&Query::Balances).await? else {
            return Err(AskError::Unanswered("it does not tell its balances".to_owned()));
        };
        for listed in listed.iter().filter(|listed| listed.kind == Kind::Outcome) {
            let token = &listed.symbol;
            let unanswered = |why: &str| AskError::Unanswered(format!("what is held of {token}: {why}"));
            let request = token_balance(&self.keys.get(), listed, self.wall_ms());
            let answer = self.send(&request.map_err(|error| unanswered(&error.to_string()))?, CAN_WAIT).await?;
            let free = answer.good().ok().and_then(|body| balance_of(&body)).ok_or_else(|| unanswered("no number"))?;
            balances.push(Balance { asset: token.clone(), free, locked: Amount::ZERO });
        }
        Ok(balances)
    }

    async fn send(&self, request: &HttpRequest, (need, priority): (Need, Priority)) -> Result<Answer, AskError> {
        let unanswered = |why: String| AskError::Unanswered(why);
        if self.allowance.is_key_refused() {
            return Err(unanswered("not asked: the venue refuses our key".to_owned()));
        }
        let base = if self.base.is_empty() { request.host } else { &self.base };
        let method = reqwest::Method::from_bytes(request.method.as_bytes());
        let method = method.map_err(|error| unanswered(error.to_string()))?;
        let mut sent = self.http.request(method, format!("{base}{}", request.path_and_query));
        for (name, value) in request.headers() {
            sent = sent.header(name, value);
        }
        let claim = Claim { allowance: &self.allowance, need, priority, cost: request.cost };
        web::send(sent.body(request.body.clone()), self.timeout, claim).await.map_err(unanswered)
    }
}

/// What withdraws orders goes before what finds out what is true.
fn priority(query: &Query<'_>) -> Priority {
    if matches!(query, Query::CancelAll { .. } | Query::DeadMan { .. }) {
        Priority::Cancel
    } else {
        Priority::Reconcile
    }
}

/// Where orders stand, and what withdraws them, is asked for at once; what is held, owed or permitted can wait.
fn need(query: &Query<'_>) -> Need {
    use Query as Q;
    match query {
        Q::Balances | Q::Positions | Q::Fees { .. } | Q::KeyScope | Q::Instruments { .. } => Need::Later,
        _ => Need::Now,
    }
}
