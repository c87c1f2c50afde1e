//! A request to OKX once it is known who asks: its parameters, the trading core, and the venue's way of saying no.

use serde_json::Value;

use crate::config::Board;
use crate::exchange::refusal::Refusal;
use crate::exchange::twist::Twist;
use crate::exchange::{Exchange, Turn};
use crate::fault::Place;
use crate::fault::verb::AnswerFault;
use crate::market::listing::Listing;
use crate::params::{Flaw, Params};

/// The span of all limits, in ns.
pub(super) const SPAN: u64 = 2_000_000_000;

/// An error as the venue gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let status = match code {
            "50000" | "50002" | "50004" | "50014" | "51000" => 400,
            "50011" => 429,
            _ => 200,
        };
        Self { status, code, message: message.into() }
    }

    /// A parameter that is missing.
    pub(super) fn empty(name: &str) -> Self {
        Self::new("50014", format!("Parameter {name} can not be empty."))
    }

    /// A parameter that is not what it should be.
    pub(super) fn wrong(name: &str) -> Self {
        Self::new("51000", format!("Parameter {name} error"))
    }

    /// What became of the request is not known.
    pub(super) fn unknown() -> Self {
        let message = "API endpoint request timeout (does not mean that the request was successful or failed, please check the request result).";
        Self::new("50004", message)
    }

    /// Whether it refuses the request as such, not one order of it.
    pub(super) fn whole(&self) -> bool {
        self.code.starts_with("500")
    }
}

impl From<Flaw<'_>> for Problem {
    fn from(flaw: Flaw<'_>) -> Self {
        match flaw {
            Flaw::Empty(name) => Self::empty(name),
            Flaw::Wrong(name) => Self::wrong(name),
        }
    }
}

/// What is told when nothing is wrong with the request as such.
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// 0, or what became of the orders of the request: 1 = none, 2 = some succeeded.
    pub(super) code: &'static str,
    pub(super) rows: Vec<String>,
}

impl Told {
    pub(super) fn fine(rows: Vec<String>) -> Self {
        Self { code: "0", rows }
    }

    const fn message(&self) -> &'static str {
        match self.code.as_bytes() {
            b"1" => "All operations failed",
            b"2" => "Bulk operation partially succeeded.",
            _ => "",
        }
    }
}

/// What is told, or why not.
pub(super) type Answer = Result<Told, Problem>;

/// The members `code`, `data` and `msg` of an answer.
pub(super) fn written(answer: &Answer) -> String {
    let (code, message, data) = match answer {
        Ok(told) => (told.code, told.message(), told.rows.join(",")),
        Err(problem) => (problem.code, problem.message.as_str(), String::new()),
    };
    format!(r#""code":"{code}","data":[{data}],"msg":{}"#, Value::from(message))
}

/// One request.
pub(super) struct Call<'a> {
    pub(super) account: usize,
    /// One, but for batches.
    pub(super) args: &'a [Params],
    pub(super) exchange: &'a mut Exchange,
    pub(super) turn: Turn<'a>,
    pub(super) place: Place<'a>,
    /// Whether instruments of orders are named by their code, as on sockets.
    pub(super) by_code: bool,
    /// The time until which orders are taken, in ms.
    pub(super) deadline_ms: Option<u64>,
    /// Whether the key may withdraw.
    pub(super) withdraws: bool,
    /// What faults do to the answer, and how late it is in ns.
    pub(super) fate: Option<(AnswerFault, u64)>,
}

impl<'a> Call<'a> {
    /// The parameters of a request that is no batch.
    pub(super) fn params(&self) -> Result<&'a Params, Problem> {
        let args = self.args;
        args.first().ok_or_else(|| Problem::new("50000", "Body for POST request cannot be empty."))
    }

    pub(super) fn listed(&self, listing: usize) -> &Listing {
        self.turn.market.listing(listing)
    }

    /// The instrument of that name.
    pub(super) fn named(&self, symbol: &str) -> Result<usize, Problem> {
        let board = if symbol.ends_with("-SWAP") { Board::OkxSwap } else { Board::OkxSpot };
        let found = self.turn.market.find(board, symbol);
        found.ok_or_else(|| Problem::new("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist."))
    }

    /// The instrument that an order is about.
    pub(super) fn listing(&self, params: &Params) -> Result<usize, Problem> {
        if !self.by_code {
            return self.named(params.required("instId")?);
        }
        let code = params.number("instIdCode")?.ok_or_else(|| Problem::empty("instIdCode"))?;
        let all = 0..self.turn.market.len();
        let fits = |listing: &Listing| super::words::is_ours(listing) && super::words::code(listing) == code;
        let found = all.into_iter().find(|&number| fits(self.listed(number)) && !self.listed(number).gone);
        found.ok_or_else(|| Problem::new("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist."))
    }

    /// Counts `times` requests of one kind, which may have a limit for each instrument.
    pub(super) fn charge(
        &mut self,
        what: &'static str,
        listing: Option<usize>,
        times: usize,
        limit: u32,
    ) -> Result<(), Problem> {
        let key = (self.account, what, listing);
        let (allowed, _) = self.exchange.limits.allow(key, times, (limit, SPAN), self.turn.now_ns);
        if allowed { Ok(()) } else { Err(Problem::new("50011", "Too Many Requests")) }
    }

    /// What faults do to an order request, with what that means for its answer. An error when it is lost.
    pub(super) fn twist(&mut self, listing: usize) -> Result<Twist, Problem> {
        let symbol = self.listed(listing).symbol.clone();
        let place = Place { symbol: &symbol, ..self.place };
        let twist = self.exchange.twist(&place, &mut self.turn);
        self.fate = twist.fate().or(self.fate);
        if twist.is_lost() { Err(Problem::unknown()) } else { Ok(twist) }
    }

    pub(super) fn lag_ns(&self, symbol: &str) -> u64 {
        self.turn.query_lag_ns(self.exchange.venue, symbol)
    }

    /// Orders and amendments that come too late are not taken.
    pub(super) fn in_time(&self) -> Result<(), Problem> {
        let now_ms = self.turn.venue_ns / 1_000_000;
        match self.deadline_ms {
            Some(deadline_ms) if deadline_ms <= now_ms => Err(Problem::new(
                "50036",
                "The expTime can't be earlier than the current system time. Please adjust the expTime and try again.",
            )),
            _ => Ok(()),
        }
    }
}

/// A client id of the request, checked: up to 32 letters and digits.
pub(super) fn client_id(params: &Params) -> Result<&str, Problem> {
    let id = params.text("clOrdId").unwrap_or("");
    let fine = id.len() <= 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if fine { Ok(id) } else { Err(Problem::wrong("clOrdId")) }
}

/// A refusal in the venue's words.
pub(super) fn problem(why: Refusal) -> Problem {
    let (code, message) = match why {
        Refusal::Closed => ("51022", "Instrument suspended."),
        Refusal::Tick | Refusal::Price => ("51000", "Parameter px error"),
        Refusal::Lot => ("51121", "Order quantity must be a multiple of the lot size."),
        Refusal::Quantity | Refusal::Notional(_) => {
            ("51020", "Your order should meet or exceed the minimum order amount.")
        }
        Refusal::Band | Refusal::Scripted => ("51006", "Order price is not within the price limit."),
        Refusal::Balance => ("51008", "Order failed. Insufficient balance or margin in account."),
        Refusal::DuplicateId => ("51016", "Client order ID already exists."),
        Refusal::ReduceOnly => {
            ("51169", "Order failed because you don't have any positions in this direction to reduce or close.")
        }
        Refusal::OpenOrders => ("51103", "The number of pending orders exceeds the limit."),
        Refusal::Rate(1_000, _) => ("50061", "Sub-account rate limit exceeded."),
        Refusal::Rate(..) => ("50011", "Too Many Requests"),
        Refusal::Amendment | Refusal::WouldTake | Refusal::FillOrKill => ("51000", "Parameter newSz or newPx error"),
        Refusal::Unknown => ("51400", "Cancellation failed as the order has been filled, canceled or does not exist."),
    };
    Problem::new(code, message)
}
