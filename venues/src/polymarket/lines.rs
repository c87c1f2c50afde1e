//! Polymarket's order line (HTTP, the only one there is) and private line (the user channel).

use super::account::Account;
use super::codec::OrderDesk;
use super::news::NewsDesk;
use super::{plan, rates};
use crate::keys::Keys;
use crate::orders::{LoginAck, LoginStep, OrderPlan, PlanError, Transport};
use crate::roster::{Listed, Roster};

const REST_HOSTS: &[&str] = &["https://clob.polymarket.com"];
const WS_HOSTS: &[&str] = &[plan::WS_HOST];

/// The line that carries orders. `host` stands in the `Host` header.
pub(crate) fn order_line(
    keys: &Keys,
    listed: &[Listed],
    transport: Transport,
    host: &str,
) -> Result<OrderPlan, PlanError> {
    if transport == Transport::Socket {
        return Err(PlanError::Venue("polymarket over a socket"));
    }
    let desk = OrderDesk::new(Account::of(keys)?, Roster::new(listed), host);
    Ok(OrderPlan::http(REST_HOSTS, Box::new(desk), rates::rules()))
}

/// The user channel of all our markets. Its first frame is the login, which the venue does not answer: a refused login
/// closes the line, so an answered ping proves that it was none.
pub(crate) fn private_line(keys: &Keys, listed: &[Listed]) -> Result<OrderPlan, PlanError> {
    let account = Account::of(keys)?;
    let greeting = account.greeting(keys, &[]);
    Ok(OrderPlan {
        hosts: WS_HOSTS,
        path: "/ws/user".to_owned(),
        login: vec![LoginStep::unanswered(greeting, "PING", is_pong)],
        heartbeat: Some((plan::HEARTBEAT_NS, "PING")),
        codec: Box::new(NewsDesk::new(account, Roster::new(listed))),
        rates: Vec::new(),
    })
}

fn is_pong(message: &[u8]) -> LoginAck {
    if message == b"PONG" { LoginAck::Accepted } else { LoginAck::Other }
}
