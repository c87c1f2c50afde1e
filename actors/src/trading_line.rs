//! A venue's line for orders or for private news: its plan is made anew for every try, because a login
//! is signed for its moment; the thread gets it only after the last login step was acknowledged.

use crate::account::Account;
use crate::connect::{Line, LoginAnswer, LoginStep, Target};
use crate::market_line::{end_of, stream};
use crate::session::Recipe;
use crate::stream_key::KeyCell;
use highwire_engine::order_line::{Carrier, LineParts, LineUpkeep, OrderLine};
use highwire_links::codec::OrderCodec;
use highwire_links::command::Parcel;
use highwire_links::lifecycle::Ending;
use highwire_links::{InstrumentId, Nanos};
use highwire_supervision::ending::{End, LoginFault};
use highwire_supervision::lineset::Kind;
use highwire_venues::orders::{self, Listed, LoginAck, OrderPlan, Transport};
use std::io;
use std::sync::Arc;
use tokio_rustls::rustls::ClientConfig;

/// A line without bytes for this long has ended; the venue's heartbeat, where it has one, is slower.
const SILENT_NS: Nanos = 10_000_000_000;

/// What every order or private line of one venue shares.
#[derive(Clone)]
pub struct TradingLine {
    /// Whose orders.
    pub account: Account,
    /// What may be traded.
    pub listed: Arc<[Listed]>,
    /// What carries orders.
    pub transport: Transport,
    /// TLS settings.
    pub tls: Arc<ClientConfig>,
    /// The listen key, where the private stream needs one.
    pub stream_key: KeyCell,
}

impl TradingLine {
    /// The recipe of a line of this kind: orders, or private news.
    pub fn recipe(&self, kind: Kind, seed: u64) -> Box<dyn Recipe> {
        Box::new(TradingRecipe { line: self.clone(), kind, made: None, seed })
    }
}

/// What a try's plan leaves for its hand-over.
struct Made {
    codec: Box<dyn OrderCodec>,
    upkeep: LineUpkeep,
    carrier: Carrier,
}

struct TradingRecipe {
    line: TradingLine,
    kind: Kind,
    made: Option<Made>,
    seed: u64,
}

impl TradingRecipe {
    fn plan(&self, base: &str) -> Result<OrderPlan, orders::PlanError> {
        let TradingLine { account, listed, stream_key, .. } = &self.line;
        let wall_ms = account.wall_ms();
        if self.kind == Kind::Private {
            let key = stream_key.get();
            let key = key.as_ref().map(highwire_venues::private::SecretText::expose);
            return orders::private_line(account.venue, &account.keys.get(), listed, key, wall_ms);
        }
        let (scheme, host) = base.split_once("://").unwrap_or(("", base));
        // A venue whose order socket answers no questions has a line of HTTP beside it.
        let transport = if scheme.starts_with("http") { Transport::Http } else { Transport::Socket };
        orders::order_line(account.venue, &account.keys.get(), listed, transport, host, wall_ms)
    }
}

impl Recipe for TradingRecipe {
    fn venue(&self) -> &'static str {
        self.line.account.venue.name()
    }

    fn target(&mut self, base: &str, _smaller: bool, wall_ns: Nanos) -> Result<Target, String> {
        let plan = self.plan(base).map_err(|error| {
            self.line.stream_key.doubt();
            error.to_string()
        })?;
        let carrier = if base.starts_with("http") { Carrier::Http } else { Carrier::Socket };
        // Twice the venue's own rhythm and a little more; an idle HTTP line says nothing at all.
        let rhythm_ns = plan.heartbeat.map_or(SILENT_NS, |(every_ns, _)| 2 * every_ns + SILENT_NS);
        let silent_ns = if carrier == Carrier::Http { 0 } else { rhythm_ns };
        let upkeep = LineUpkeep { heartbeat: plan.heartbeat, silent_ns };
        self.made = Some(Made { codec: plan.codec, upkeep, carrier });
        Ok(Target {
            url: format!("{base}{}", plan.path),
            tls: Arc::clone(&self.line.tls),
            login: plan.login.into_iter().map(step).collect(),
            subscription: None,
            seed: self.seed ^ wall_ns,
        })
    }

    fn parcel(&mut self, line: Line, slot: u16, now: Nanos) -> io::Result<Parcel> {
        let Made { codec, upkeep, carrier } =
            self.made.take().ok_or_else(|| io::Error::other("no plan was made for this connection"))?;
        let stream = stream(line.stream)?;
        let venue = self.line.account.venue.id();
        let parts = LineParts { slot, venue, stream, leftover: line.leftover, carrier, codec, upkeep };
        Ok(Box::new(OrderLine::new(parts, now)?))
    }

    fn instruments(&self) -> &[InstrumentId] {
        &[]
    }

    fn end_of(&self, parcel: &Parcel, why: Ending) -> End {
        // Its listen key may have expired, which ends the line or logs it out.
        self.line.stream_key.doubt();
        end_of(parcel, why)
    }
}

/// A login step of the plan.
fn step(step: orders::LoginStep) -> LoginStep {
    let expect = step.expect;
    let judge = move |message: &[u8]| match expect(message) {
        LoginAck::Accepted => LoginAnswer::Acked,
        LoginAck::Refused(why) => LoginAnswer::Refused(fault(&why)),
        LoginAck::Other => LoginAnswer::Other,
    };
    LoginStep { frame: step.frame().into(), proof: step.proof, judge: Box::new(judge) }
}

/// A refusal that speaks of time is mended by measuring the clock, not by another key.
fn fault(why: &str) -> LoginFault {
    let why = why.to_ascii_lowercase();
    let of_time = ["timestamp", "recvwindow", "recv_window", "expire"].iter().any(|word| why.contains(word));
    if of_time { LoginFault::Time } else { LoginFault::Rejected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_for_time_is_told_from_one_of_the_key() {
        assert_eq!(fault("-1021 Timestamp for this request is outside of the recvWindow."), LoginFault::Time);
        assert_eq!(fault("60005 Invalid apiKey"), LoginFault::Rejected);
    }
}
