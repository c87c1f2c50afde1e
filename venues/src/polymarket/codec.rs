//! Polymarket's orders over HTTP: one request each, signed and noted before its bytes leave.

use super::account::Account;
use super::request::{OrderType, Post, body};
use super::{answers, eip712, proof, rates, typed};
use crate::roster::Roster;
use crate::tape::Parser;
use crate::text;
use crate::verdict;
use highwire_links::Nanos;
use highwire_links::codec::{Answer, AnswerKind, Field, OrderCodec, ReportSink};
use highwire_links::decode::{Frame, Reject, Rejected};
use highwire_links::fill::OrderReject;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::rate::{Cost, Scope};

/// Longest text of an error that is not JSON; a page of HTML is longer, and proves nothing.
const PLAIN_MAX: usize = 128;

/// The codec of one order line.
pub(super) struct OrderDesk {
    account: Account,
    roster: Roster,
    host: String,
    parser: Parser,
    body: Vec<u8>,
}

impl OrderDesk {
    /// A desk for these instruments; `host` stands in the `Host` header.
    pub(super) fn new(account: Account, roster: Roster, host: &str) -> Self {
        Self { account, roster, host: host.to_owned(), parser: Parser::default(), body: Vec::with_capacity(4096) }
    }

    /// Writes an order's body. Without known terms (the fee among them) the market is not traded.
    fn write_order(&mut self, order: &Order) -> Result<(), OrderReject> {
        let listed = &self.roster.place(order.instrument).ok_or(OrderReject::Encoding)?.listed;
        let terms = listed.outcome.ok_or(OrderReject::NotTrading)?;
        let wallet = &self.account.wallet;
        let typed = typed::order(wallet, listed, &terms, order)?;
        let post = Post {
            token: &listed.symbol,
            order_type: OrderType::of(order.tif),
            post_only: order.tif == TimeInForce::PostOnly,
            owner: &self.account.api_key,
        };
        let hash = body(wallet, terms.exchange, &typed, &post, &mut self.body).ok_or(OrderReject::Auth)?;
        wallet.hashes.note(order.id, &hash);
        Ok(())
    }

    fn write_cancel(&mut self, order: &Order) -> Result<(), OrderReject> {
        let hash = self.account.wallet.hash_of(order.id).ok_or(OrderReject::Encoding)?;
        self.body.extend_from_slice(b"{\"orderID\":\"");
        eip712::hex(&hash, &mut self.body);
        self.body.extend_from_slice(b"\"}");
        Ok(())
    }

    fn write_cancel_all(&mut self, order: &Order) -> Result<(), OrderReject> {
        let listed = &self.roster.place(order.instrument).ok_or(OrderReject::Encoding)?.listed;
        let terms = listed.outcome.ok_or(OrderReject::Encoding)?;
        self.body.extend_from_slice(b"{\"market\":\"");
        eip712::hex(&terms.condition, &mut self.body);
        self.body.extend_from_slice(b"\",\"asset_id\":\"");
        self.body.extend_from_slice(listed.symbol.as_bytes());
        self.body.extend_from_slice(b"\"}");
        Ok(())
    }

    /// Writes the whole request, signed at L2.
    fn write_request(&self, method: &str, path: &str, wall_ms: i64, out: &mut Vec<u8>) {
        for part in [method, " ", path, " HTTP/1.1\r\nHost: ", &self.host, "\r\nAccept: application/json\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        self.account.headers(method, path, &self.body, wall_ms, out);
        if !self.body.is_empty() {
            out.extend_from_slice(b"Content-Type: application/json\r\nContent-Length: ");
            text::number(self.body.len() as u64, out);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
    }

    fn respond(
        &mut self,
        status: u16,
        mut body: Frame<'_>,
        order: &Order,
        now: Nanos,
        sink: &mut dyn ReportSink,
    ) -> Result<AnswerKind, Rejected> {
        let is_json = matches!(body.payload().first(), Some(b'{' | b'[' | b'n'));
        if !is_json {
            let text = std::str::from_utf8(body.payload()).ok().filter(|text| text.len() <= PLAIN_MAX);
            let text = text.filter(|text| !text.contains('<')).unwrap_or_default();
            verdict::report(super::errors::verdict(status, text, order.action), order, now, sink);
            return Ok(AnswerKind::Answer);
        }
        let listed = self.roster.place(order.instrument).map(|place| &place.listed);
        let listed = listed.ok_or(Reject::UnknownInstrument)?;
        let asked = answers::Asked { status, order, listed, hash: self.account.wallet.hash_of(order.id), now };
        let read = self.parser.with(body.payload_mut(), |root| answers::read(root, &asked, sink));
        read.unwrap_or(Err(Reject::Malformed))?;
        Ok(AnswerKind::Answer)
    }
}

impl OrderCodec for OrderDesk {
    fn encode(&mut self, order: &Order, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        self.body.clear();
        match order.action {
            Action::Place => {
                self.write_order(order)?;
                self.write_request("POST", "/order", wall_ms, out);
            }
            Action::Cancel => {
                self.write_cancel(order)?;
                self.write_request("DELETE", "/order", wall_ms, out);
            }
            Action::CancelAll => {
                self.write_cancel_all(order)?;
                self.write_request("DELETE", "/cancel-market-orders", wall_ms, out);
            }
            Action::Query => {
                let hash = self.account.wallet.hash_of(order.id).ok_or(OrderReject::Encoding)?;
                let mut path = [0; ORDER_PATH.len() + 66];
                self.write_request("GET", order_path(&hash, &mut path)?, wall_ms, out);
            }
            Action::Amend => return Err(OrderReject::Encoding),
        }
        Ok(())
    }

    fn differs(&self, order: &Order, request: &[u8]) -> Option<Field> {
        (order.action == Action::Place).then(|| proof::differs(request, order, self.roster.place(order.instrument)))?
    }

    fn cost(&self, order: &Order) -> Cost {
        let cost = Cost::default().with(Scope::Weight, 1);
        match order.action {
            Action::Query => cost,
            _ => cost.with(Scope::Orders, 1).with(Scope::OrdersLong, 1),
        }
    }

    fn decode(&mut self, answer: Answer<'_>, now: Nanos, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected> {
        match answer {
            Answer::Message(_) => Err(Reject::UnknownChannel.into()),
            Answer::Response { status, head, body, order } => {
                rates::head(status, head, now, sink);
                self.respond(status, body, order, now, sink)
            }
        }
    }

    fn carries(&self, action: Action) -> bool {
        action != Action::Amend
    }
}

impl std::fmt::Debug for OrderDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OrderDesk").field("account", &self.account).field("host", &self.host).finish_non_exhaustive()
    }
}

const ORDER_PATH: &str = "/data/order/";

/// Where an order is asked for, without allocation.
fn order_path<'p>(hash: &eip712::Word, room: &'p mut [u8; ORDER_PATH.len() + 66]) -> Result<&'p str, OrderReject> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let (path, id) = room.split_at_mut(ORDER_PATH.len());
    path.copy_from_slice(ORDER_PATH.as_bytes());
    id[..2].copy_from_slice(b"0x");
    for (pair, byte) in id[2..].chunks_exact_mut(2).zip(hash) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    std::str::from_utf8(room).map_err(|_| OrderReject::Encoding)
}
