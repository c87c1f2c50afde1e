//! A request to Binance once it is known who asks: its parameters, the trading core, and the venue's way of saying no.

use std::collections::BTreeMap;

use crate::amount::Amount;
use crate::config::Board;
use crate::exchange::order::Order;
use crate::exchange::refusal::Refusal;
use crate::exchange::twist::Twist;
use crate::exchange::{Exchange, Turn};
use crate::fault::Place;
use crate::fault::verb::AnswerFault;
use crate::market::listing::Listing;
use crate::text::excerpt;

/// Parameters by name, decoded.
pub(super) type Params = BTreeMap<String, String>;
/// JSON, or why not.
pub(super) type Answer = Result<String, Problem>;

/// An error as the venue gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: u16,
    pub(super) code: i32,
    pub(super) message: String,
    /// What stands beside code and message.
    pub(super) data: Option<String>,
}

impl Problem {
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        let status = match code {
            -2014 | -2015 => 401,
            -1015 => 429,
            _ => 400,
        };
        Self { status, code, message: message.into(), data: None }
    }

    /// A parameter that is missing, empty or malformed.
    pub(super) fn missing(name: &str) -> Self {
        Self::new(-1102, format!("Mandatory parameter '{name}' was not sent, was empty/null, or malformed."))
    }

    /// What became of the request is not known.
    pub(super) fn unknown() -> Self {
        let message =
            "Timeout waiting for response from backend server. Send status unknown; execution status unknown.";
        Self { status: 504, ..Self::new(-1007, message) }
    }

    /// `{"code":..,"msg":".."}`, as an error's body and in the place of results.
    pub(super) fn json(&self) -> String {
        let message = serde_json::Value::from(self.message.as_str());
        let data = self.data.as_ref().map(|data| format!(r#","data":{data}"#)).unwrap_or_default();
        format!(r#"{{"code":{},"msg":{message}{data}}}"#, self.code)
    }
}

/// One request.
pub(super) struct Call<'a> {
    pub(super) usdm: bool,
    pub(super) account: usize,
    pub(super) params: &'a Params,
    pub(super) exchange: &'a mut Exchange,
    pub(super) turn: Turn<'a>,
    pub(super) place: Place<'a>,
    /// Whether the key may withdraw.
    pub(super) withdraws: bool,
    /// What faults do to the answer, and how late it is in ns.
    pub(super) fate: Option<(AnswerFault, u64)>,
    /// Whether it took in an order: the counts of orders are told then.
    pub(super) ordered: bool,
}

impl Call<'_> {
    pub(super) const fn board(&self) -> Board {
        if self.usdm { Board::BinanceUsdm } else { Board::BinanceSpot }
    }

    /// A parameter that is there and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Problem> {
        self.text(name).ok_or_else(|| Problem::missing(name))
    }

    /// A decimal above or at zero.
    pub(super) fn amount(&self, name: &str) -> Result<Option<Amount>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let illegal = || {
            let range = "^([0-9]{1,20})(\\.[0-9]{1,20})?$";
            Problem::new(-1100, format!("Illegal characters found in parameter '{name}'; legal range is '{range}'."))
        };
        let amount = Amount::parse(text).filter(|amount| *amount >= Amount::ZERO).ok_or_else(illegal)?;
        if amount.decimals() > 8 {
            return Err(Problem::new(-1111, format!("Parameter '{name}' has too much precision.")));
        }
        Ok(Some(amount))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        let malformed = || Problem::new(-1130, format!("Data sent for parameter '{name}' is not valid."));
        self.text(name).map(|text| text.parse().map_err(|_| malformed())).transpose()
    }

    /// The number of the listing that the request is about.
    pub(super) fn listing(&self) -> Result<usize, Problem> {
        let symbol = self.required("symbol")?;
        self.turn.market.find(self.board(), symbol).ok_or_else(|| Problem::new(-1121, "Invalid symbol."))
    }

    /// The listing that the request is about, if it names one.
    pub(super) fn some_listing(&self) -> Result<Option<usize>, Problem> {
        self.text("symbol").map(|_| self.listing()).transpose()
    }

    /// What faults do to an order request, with what that means for its answer. An error when it is lost.
    pub(super) fn twist(&mut self, listing: Option<usize>) -> Result<Twist, Problem> {
        let symbol = listing.map(|listing| self.turn.market.listing(listing).symbol.clone()).unwrap_or_default();
        let place = Place { symbol: &symbol, ..self.place };
        let twist = self.exchange.twist(&place, &mut self.turn);
        self.fate = twist.fate().or(self.fate);
        if twist.is_lost() { Err(Problem::unknown()) } else { Ok(twist) }
    }

    /// The order that the request names by `orderId` or `origClientOrderId`, as `lag_ns` ago; `None` if there is none.
    pub(super) fn named_order(&self, listing: usize, lag_ns: u64) -> Result<Option<Order>, Problem> {
        let (id, client_id) = (self.number("orderId")?, self.text("origClientOrderId"));
        let found = match (id, client_id) {
            (Some(id), _) => self.exchange.order(self.account, id, lag_ns, &self.turn),
            (None, Some(client_id)) => self.exchange.by_client(self.account, client_id, lag_ns, &self.turn),
            (None, None) => {
                let message = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!";
                return Err(Problem::new(-1102, message));
            }
        };
        Ok(found.filter(|order| order.listing == listing).cloned())
    }

    /// The open order that the request names.
    pub(super) fn open_order(&self, listing: usize) -> Result<Order, Problem> {
        self.named_order(listing, 0)?.filter(Order::is_open).ok_or_else(unknown_order)
    }

    pub(super) fn lag_ns(&self, listing: Option<usize>) -> u64 {
        let symbol = listing.map_or("", |listing| self.turn.market.listing(listing).symbol.as_str());
        self.turn.query_lag_ns(self.exchange.venue, symbol)
    }

    pub(super) fn listed(&self, listing: usize) -> &Listing {
        self.turn.market.listing(listing)
    }

    /// A client id of the request, checked.
    pub(super) fn client_id(&self, name: &str) -> Result<Option<String>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let (more, range) =
            if self.usdm { (":./_-", "^[\\.A-Z\\:/a-z0-9_-]{1,36}$") } else { ("-_", "^[a-zA-Z0-9-_]{1,36}$") };
        if text.len() <= 36 && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c)) {
            return Ok(Some(text.to_owned()));
        }
        let message = format!("Illegal characters found in parameter '{name}'; legal range is '{range}'.");
        Err(Problem::new(-1100, message))
    }

    /// At most this many of something, the latest.
    pub(super) fn limit(&self, usual: usize, most: usize) -> Result<usize, Problem> {
        Ok(self.number("limit")?.map_or(usual, |limit| limit as usize).clamp(1, most))
    }
}

pub(super) fn unknown_order() -> Problem {
    Problem::new(-2011, "Unknown order sent.")
}

pub(super) fn no_such_order() -> Problem {
    Problem::new(-2013, "Order does not exist.")
}

/// A word that is not one of the venue's.
pub(super) fn odd(code: i32, what: &str, word: &str) -> Problem {
    tracing::debug!(what, word = excerpt(word), "a word that the venue does not have");
    Problem::new(code, format!("Invalid {what}."))
}

/// A refusal in the words of the spot exchange.
pub(super) fn spot_problem(why: Refusal) -> Problem {
    let filter = |name: &str| Problem::new(-1013, format!("Filter failure: {name}"));
    let rejected = |message: &str| Problem::new(-2010, message);
    match why {
        Refusal::Closed => rejected("Market is closed."),
        Refusal::Tick | Refusal::Price => filter("PRICE_FILTER"),
        Refusal::Lot | Refusal::Quantity => filter("LOT_SIZE"),
        Refusal::Notional(_) => filter("NOTIONAL"),
        Refusal::Band => filter("PERCENT_PRICE_BY_SIDE"),
        Refusal::OpenOrders => filter("MAX_NUM_ORDERS"),
        Refusal::Balance => rejected("Account has insufficient balance for requested action."),
        Refusal::DuplicateId => rejected("Duplicate order sent."),
        Refusal::WouldTake => rejected("Order would immediately match and take."),
        Refusal::FillOrKill | Refusal::ReduceOnly | Refusal::Scripted => {
            rejected("This action is disabled on this account.")
        }
        Refusal::Rate(most, s) => rate(most, s),
        Refusal::Unknown => unknown_order(),
        Refusal::Amendment => Problem::new(-2038, "The requested action would change no state; rejecting."),
    }
}

/// A refusal in the words of the futures exchange.
pub(super) fn usdm_problem(why: Refusal) -> Problem {
    match why {
        Refusal::Closed => Problem::new(-4188, "Symbol is closed."),
        Refusal::Tick => Problem::new(-4014, "Price not increased by tick size."),
        Refusal::Price => Problem::new(-4002, "Price greater than max price."),
        Refusal::Lot => Problem::new(-1111, "Precision is over the maximum defined for this asset."),
        Refusal::Quantity => Problem::new(-4003, "Quantity less than or equal to zero."),
        Refusal::Notional(least) => Problem::new(
            -4164,
            format!("Order's notional must be no smaller than {least} (unless you choose reduce only)."),
        ),
        Refusal::Band => {
            Problem::new(-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.")
        }
        Refusal::Balance => Problem::new(-2019, "Margin is insufficient."),
        Refusal::DuplicateId => Problem::new(-4116, "ClientOrderId is duplicated."),
        Refusal::WouldTake => Problem::new(
            -5022,
            "Due to the order could not be executed as maker, the Post Only order will be rejected. The order will not be recorded in the order history",
        ),
        Refusal::FillOrKill => Problem::new(
            -5021,
            "Due to the order could not be filled immediately, the FOK order has been rejected. The order will not be recorded in the order history",
        ),
        Refusal::ReduceOnly => Problem::new(-2022, "ReduceOnly Order is rejected."),
        Refusal::OpenOrders => Problem::new(-2025, "Reach max open order limit."),
        Refusal::Rate(most, s) => rate(most, s),
        Refusal::Unknown => unknown_order(),
        Refusal::Amendment => Problem::new(-5027, "No need to modify the order."),
        Refusal::Scripted => Problem::new(-2010, "New order rejected."),
    }
}

fn rate(most: u32, seconds: u64) -> Problem {
    let span = match seconds {
        86_400 => "1 DAY".to_owned(),
        60 => "1 MINUTE".to_owned(),
        s => format!("{s} SECOND"),
    };
    Problem::new(-1015, format!("Too many new orders; current limit is {most} orders per {span}."))
}
