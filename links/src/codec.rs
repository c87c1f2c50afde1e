//! The seam between exchanges and the gateway: an order line brings its venue's protocol along, so the
//! engine knows no exchange. `venues` implements it; the gateway on its pinned thread calls it.

use crate::decode::{Frame, Reject, Rejected};
use crate::drift::DriftKind;
use crate::fill::{OrderReject, Report};
use crate::ids::Nanos;
use crate::order::{Action, Order};
use crate::rate::{Cost, RateNotice};

/// What came back on an order line.
#[derive(Debug)]
pub enum Answer<'a> {
    /// One WebSocket message: an answer, or news of the private stream.
    Message(Frame<'a>),
    /// The HTTP answer to one request.
    Response {
        /// HTTP status.
        status: u16,
        /// The head as received, from the status line on.
        head: &'a [u8],
        /// The body, whole.
        body: Frame<'a>,
        /// What was asked.
        order: &'a Order,
    },
}

/// What an answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AnswerKind {
    /// It answered a request of ours.
    Answer = 0,
    /// It came unasked on the private stream.
    News = 1,
    /// A pong, an acknowledgement of a subscription, an event that concerns no order.
    Control = 2,
}

/// What a line says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LineNotice {
    /// The venue will close it soon: replace it now.
    Leaving = 0,
    /// The login or the subscription is gone: what happened meanwhile must be asked for.
    LoggedOut = 1,
    /// A private line tells nothing of a trade that another line has proved: what it kept back must be asked for.
    Mute = 2,
    /// The account's funds moved by something else than a trade.
    FundsMoved = 3,
    /// The venue wants to be left alone by our whole address.
    LeaveAlone {
        /// For so long.
        wait_ns: Nanos,
        /// It is a ban.
        is_ban: bool,
    } = 4,
}

/// A part of an order that a written request says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// What is traded.
    Symbol,
    /// Buy or sell.
    Side,
    /// The limit.
    Price,
    /// How much.
    Quantity,
    /// The client order id.
    Id,
}

/// Takes what an answer says.
pub trait ReportSink {
    /// Something became known of an order.
    fn on_report(&mut self, report: &Report);
    /// The venue said how much of a rate budget is used, or to wait.
    fn on_rate(&mut self, notice: RateNotice);
    /// The line said something about itself.
    fn on_line(&mut self, notice: LineNotice);
    /// The venue used a word that we do not know: what is told of the order is what is known without it.
    fn on_drift(&mut self, _kind: DriftKind, _word: &str) {}
    /// An answer has been read, or refused. Its bytes may be spent: only what they looked like can still be told.
    fn on_read(&mut self, _message: &[u8], _refused: Option<Reject>) {}
}

/// One venue's order protocol on one line. Called on a pinned thread: no clock of its own, no panic,
/// and no allocation once its buffers have grown.
pub trait OrderCodec: Send + std::fmt::Debug {
    /// Writes the request for `order` to `out`, which is empty: the text of a WebSocket message, or on
    /// an HTTP line the whole request. `wall_ms` is the venue's time in milliseconds.
    ///
    /// # Errors
    /// Why it cannot be written; nothing is sent.
    fn encode(&mut self, order: &Order, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject>;

    /// What of an order a written request says otherwise, read from its bytes alone; `None` when it says the same, and
    /// for requests that neither place nor amend.
    fn differs(&self, _order: &Order, _request: &[u8]) -> Option<Field> {
        None
    }

    /// What the request uses of the venue's rate budgets.
    fn cost(&self, order: &Order) -> Cost;

    /// Reads an answer. `now` is our time, for reports whose message has none.
    ///
    /// # Errors
    /// It cannot be read. The gateway makes the order that it answers, if any, `Unknown`.
    fn decode(&mut self, answer: Answer<'_>, now: Nanos, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected>;

    /// Whether this line can carry the action (amend, cancel-all and query do not exist everywhere).
    fn carries(&self, action: Action) -> bool;
}
