//! A request to Bybit once it is known who asks: its parameters, the trading core, and the venue's way of saying no.

use serde_json::Value;

use crate::config::Board;
use crate::exchange::order::{Order, Status};
use crate::exchange::refusal::Refusal;
use crate::exchange::twist::Twist;
use crate::exchange::{Exchange, Turn};
use crate::fault::Place;
use crate::fault::verb::AnswerFault;
use crate::market::listing::Listing;
use crate::params::{Flaw, Params};

/// The span of all limits, in ns.
pub(super) const SPAN: u64 = 1_000_000_000;

/// An error as the venue gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) code: u32,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A parameter that is not what it should be.
    pub(super) fn wrong(name: &str) -> Self {
        Self::new(10_001, format!("params error: {name} invalid"))
    }

    /// What became of the request is not known.
    pub(super) fn unknown() -> Self {
        Self::new(10_016, "Server error.")
    }
}

impl From<Flaw<'_>> for Problem {
    fn from(flaw: Flaw<'_>) -> Self {
        match flaw {
            Flaw::Empty(name) => Self::new(10_001, format!("Missing some parameters that must be filled in, {name}")),
            Flaw::Wrong(name) => Self::wrong(name),
        }
    }
}

/// A result, and what stands beside it (the codes of a batch).
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) result: String,
    pub(super) beside: String,
}

impl Told {
    pub(super) fn fine(result: String) -> Self {
        Self { result, beside: "{}".to_owned() }
    }
}

/// What is told, or why not.
pub(super) type Answer = Result<Told, Problem>;

/// Code, message as JSON, result and what stands beside it.
pub(super) fn parts(answer: &Answer) -> (u32, Value, &str, &str) {
    match answer {
        Ok(told) => (0, "OK".into(), &told.result, &told.beside),
        Err(problem) => (problem.code, problem.message.as_str().into(), "{}", "{}"),
    }
}

/// One request.
pub(super) struct Call<'a> {
    pub(super) account: usize,
    pub(super) params: &'a Params,
    pub(super) exchange: &'a mut Exchange,
    pub(super) turn: Turn<'a>,
    pub(super) place: Place<'a>,
    /// The name of the key.
    pub(super) key: &'a str,
    /// Whether the key may withdraw.
    pub(super) withdraws: bool,
    /// The limit that it counted for, and what is left of that.
    pub(super) usage: Option<(u32, u32)>,
    /// What faults do to the answer, and how late it is in ns.
    pub(super) fate: Option<(AnswerFault, u64)>,
}

impl Call<'_> {
    pub(super) fn listed(&self, listing: usize) -> &Listing {
        self.turn.market.listing(listing)
    }

    /// The board that the request is about.
    pub(super) fn board(&self) -> Result<Board, Problem> {
        board(self.params)
    }

    /// The listing of a symbol.
    pub(super) fn named(&self, board: Board, symbol: &str) -> Result<usize, Problem> {
        let found = self.turn.market.find(board, symbol);
        found.ok_or_else(|| match board {
            Board::BybitSpot => Problem::new(170_121, "Invalid symbol."),
            _ => Problem::new(10_001, "params error: symbol invalid"),
        })
    }

    /// The listing that the request names, if it names one.
    pub(super) fn some_listing(&self, board: Board) -> Result<Option<usize>, Problem> {
        self.params.text("symbol").map(|symbol| self.named(board, symbol)).transpose()
    }

    /// Counts `times` requests of one kind and board.
    pub(super) fn charge(&mut self, what: &'static str, times: usize, limit: u32) -> Result<(), Problem> {
        let key = (self.account, what, None);
        let (allowed, left) = self.exchange.limits.allow(key, times, (limit, SPAN), self.turn.now_ns);
        self.usage = Some((limit, left));
        if allowed { Ok(()) } else { Err(Problem::new(10_006, "Too many visits. Exceeded the API Rate Limit.")) }
    }

    /// What faults do to an order request, with what that means for its answer. An error when it is lost.
    pub(super) fn twist(&mut self, listing: usize) -> Result<Twist, Problem> {
        let symbol = self.listed(listing).symbol.clone();
        let place = Place { symbol: &symbol, ..self.place };
        let twist = self.exchange.twist(&place, &mut self.turn);
        self.fate = twist.fate().or(self.fate);
        if twist.is_lost() { Err(Problem::unknown()) } else { Ok(twist) }
    }

    pub(super) fn lag_ns(&self) -> u64 {
        self.turn.query_lag_ns(self.exchange.venue, self.params.text("symbol").unwrap_or(""))
    }
}

/// The board of a category.
pub(super) fn board(params: &Params) -> Result<Board, Problem> {
    match params.required("category")? {
        "spot" => Ok(Board::BybitSpot),
        "linear" => Ok(Board::BybitLinear),
        _ => Err(Problem::new(10_001, "params error: Category is invalid")),
    }
}

/// A client id of the request, checked: up to 36 letters, digits, dashes and underscores.
pub(super) fn client_id(params: &Params) -> Result<&str, Problem> {
    let id = params.text("orderLinkId").unwrap_or("");
    let fine = id.len() <= 36 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if fine { Ok(id) } else { Err(Problem::wrong("orderLinkId")) }
}

/// There is no such order, or not any more.
pub(super) fn gone(known: Option<&Order>, board: Board) -> Problem {
    match (known.map(|order| order.status), board) {
        (None, Board::BybitSpot) => Problem::new(170_213, "Order does not exist."),
        (None, _) => Problem::new(110_001, "order not exists or too late to replace"),
        (Some(Status::Filled), Board::BybitSpot) => Problem::new(170_139, "Order has been filled."),
        (Some(_), Board::BybitSpot) => Problem::new(170_142, "Order has been canceled."),
        (Some(_), _) => Problem::new(110_008, "The order has been completed or cancelled."),
    }
}

/// A refusal in the words of a board.
pub(super) fn problem(why: Refusal, board: Board) -> Problem {
    let (code, message) = if board == Board::BybitSpot { spot(why) } else { linear(why) };
    Problem::new(code, message)
}

const fn spot(why: Refusal) -> (u32, &'static str) {
    match why {
        Refusal::Closed => (170_157, "The trading pair is not available for api trading."),
        Refusal::Tick => (170_134, "Order price has too many decimals."),
        Refusal::Price => (170_132, "Order price too high."),
        Refusal::Lot => (170_137, "Order quantity has too many decimals."),
        Refusal::Quantity => (170_136, "Order quantity exceeded lower limit."),
        Refusal::Notional(_) => (170_140, "Order value exceeded lower limit."),
        Refusal::Band | Refusal::Scripted => (170_193, "Buy order price cannot be higher than the price limit."),
        Refusal::Balance => (170_131, "Insufficient balance."),
        Refusal::DuplicateId => (170_141, "Duplicate clientOrderId."),
        Refusal::OpenOrders => (170_810, "Cannot exceed maximum of 500 conditional, TP/SL and active orders."),
        Refusal::Unknown => (170_213, "Order does not exist."),
        _ => usual(why),
    }
}

const fn linear(why: Refusal) -> (u32, &'static str) {
    match why {
        Refusal::Closed => (110_074, "This contract is not live."),
        Refusal::Tick => (10_001, "params error: price invalid"),
        Refusal::Price | Refusal::Band | Refusal::Scripted => (110_003, "Order price exceeds the allowable range."),
        Refusal::Lot | Refusal::Quantity => (10_001, "Qty invalid"),
        Refusal::Notional(_) => (110_094, "Order does not meet minimum order value."),
        Refusal::Balance => (110_007, "ab not enough for new order"),
        Refusal::DuplicateId => (110_072, "OrderLinkedID is duplicate"),
        Refusal::OpenOrders => (110_020, "Not allowed to have more than 500 active orders."),
        Refusal::Unknown => (110_001, "order not exists or too late to replace"),
        _ => usual(why),
    }
}

const fn usual(why: Refusal) -> (u32, &'static str) {
    match why {
        Refusal::ReduceOnly => (110_017, "current position is zero, cannot fix reduce-only order qty"),
        Refusal::Rate(..) => (10_006, "Too many visits. Exceeded the API Rate Limit."),
        Refusal::Amendment => {
            (10_001, "The order remains unchanged as the parameters entered match the existing ones.")
        }
        _ => (10_001, "params error"),
    }
}
