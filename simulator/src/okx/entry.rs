//! Order requests: place, cancel, change, one or many at a time; each order of a request has its own answer.

use serde_json::Value;

use super::call::{Answer, Call, Problem, Told, client_id, problem};
use super::words;
use crate::config::Board;
use crate::exchange::deadman::Reach;
use crate::exchange::order::{Ending, Order, SelfTrade, Side, Size, Status, Ticket, TimeInForce};
use crate::fault::verb::AnswerFault;
use crate::params::Params;

/// Requests about one order each, per instrument and span.
const SINGLE: u32 = 60;
/// Orders in batches, per instrument and span.
const BATCHED: u32 = 300;
/// Orders and amendments of an account per span.
const ALL: u32 = 1_000;

/// Client id and number of the order that an element is about.
type Named = (String, u64);
/// Does what one element of a request asks for.
type One = fn(&mut Call<'_>, &Params) -> Result<Named, Problem>;

/// Answers every element by itself; what refuses a single request refuses it as such.
fn each(call: &mut Call<'_>, one: One) -> Answer {
    let (args, mut rows, mut failed) = (call.args, Vec::new(), 0);
    call.params()?;
    for params in args {
        let outcome = one(call, params);
        match &outcome {
            Err(problem) if problem.whole() && args.len() == 1 => return Err(problem.clone()),
            Err(_) => failed += 1,
            Ok(_) => {}
        }
        rows.push(element(params, &outcome, call.turn.venue_ns / 1_000_000));
    }
    let code = match failed {
        0 => "0",
        _ if failed == rows.len() => "1",
        _ => "2",
    };
    Ok(Told { code, rows })
}

/// The answer to one element.
fn element(params: &Params, outcome: &Result<Named, Problem>, now_ms: u64) -> String {
    let asked = |name: &str| params.text(name).unwrap_or("").to_owned();
    let (client_id, id, code, message) = match outcome {
        Ok((client_id, id)) => (client_id.clone(), id.to_string(), "0", ""),
        Err(problem) => (asked("clOrdId"), asked("ordId"), problem.code, problem.message.as_str()),
    };
    let text = |text: String| Value::from(text);
    format!(
        r#"{{"clOrdId":{},"ordId":{},"reqId":{},"tag":{},"ts":"{now_ms}","sCode":"{code}","sMsg":{},"subCode":""}}"#,
        text(client_id),
        text(id),
        text(asked("reqId")),
        text(asked("tag")),
        Value::from(message),
    )
}

fn named(order: &Order) -> Named {
    (order.own_id().to_owned(), order.id)
}

impl Call<'_> {
    /// Counts one order of a request: alone and in a batch they have limits of their own.
    fn count(&mut self, single: &'static str, batched: &'static str, listing: usize) -> Result<(), Problem> {
        match self.args.len() {
            1 => self.charge(single, Some(listing), 1, SINGLE),
            _ => self.charge(batched, Some(listing), 1, BATCHED),
        }
    }

    /// Counts an order or amendment of the account.
    fn count_all(&mut self) -> Result<(), Problem> {
        let over = |_| Problem::new("50061", "Sub-account rate limit exceeded.");
        self.charge("orders", None, 1, ALL).map_err(over)
    }

    /// The order that an element names by `ordId` or `clOrdId`, as `lag_ns` ago; `None` if there is none.
    pub(super) fn named_order(&self, params: &Params, listing: usize, lag_ns: u64) -> Result<Option<Order>, Problem> {
        let found = match (params.text("ordId"), client_id(params)?) {
            (Some(id), _) => {
                let id = id.parse().map_err(|_| Problem::wrong("ordId"))?;
                self.exchange.order(self.account, id, lag_ns, &self.turn)
            }
            (None, "") => return Err(Problem::new("51000", "Either ordId or clOrdId is required")),
            (None, id) => self.exchange.by_client(self.account, id, lag_ns, &self.turn),
        };
        Ok(found.filter(|order| order.listing == listing).cloned())
    }

    fn ticket(&self, params: &Params, listing: usize) -> Result<Ticket, Problem> {
        let spot = self.listed(listing).board == Board::OkxSpot;
        let side = match params.required("side")? {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            _ => return Err(Problem::wrong("side")),
        };
        match (params.required("tdMode")?, spot) {
            ("cash", true) | ("cross", false) => {}
            _ => return Err(Problem::wrong("tdMode")),
        }
        if !matches!(params.text("posSide"), None | Some("net")) {
            return Err(Problem::wrong("posSide"));
        }
        let word = params.required("ordType")?;
        let price = if matches!(word, "market" | "optimal_limit_ioc") { None } else { params.amount("px")? };
        let (tif, priced) = match word {
            "limit" => (TimeInForce::Gtc, true),
            "post_only" => (TimeInForce::PostOnly, true),
            "fok" => (TimeInForce::Fok, true),
            "ioc" => (TimeInForce::Ioc, true),
            "market" => (TimeInForce::Ioc, false),
            "optimal_limit_ioc" if !spot => (TimeInForce::Ioc, false),
            _ => return Err(Problem::wrong("ordType")),
        };
        if priced && price.is_none() {
            return Err(Problem::empty("px"));
        }
        let amount = params.amount("sz")?.ok_or_else(|| Problem::empty("sz"))?;
        // a market order that buys names what it spends, unless it says otherwise
        let in_quote = match params.text("tgtCcy") {
            _ if !spot || priced => false,
            None => side == Side::Buy,
            Some("quote_ccy") => true,
            Some("base_ccy") => false,
            Some(_) => return Err(Problem::wrong("tgtCcy")),
        };
        Ok(Ticket {
            account: self.account,
            listing,
            client_id: client_id(params)?.to_owned(),
            side,
            price,
            size: if in_quote { Size::Quote(amount) } else { Size::Quantity(amount) },
            tif,
            reduce_only: !spot && params.text("reduceOnly") == Some("true"),
            self_trade: self_trade(params)?,
            word: word.to_owned(),
            forced: None,
        })
    }
}

fn self_trade(params: &Params) -> Result<Option<SelfTrade>, Problem> {
    match params.text("stpMode") {
        None => Ok(None),
        Some(word @ ("cancel_maker" | "cancel_taker" | "cancel_both")) => Ok(SelfTrade::named(word)),
        Some(_) => Err(Problem::wrong("stpMode")),
    }
}

/// New orders.
pub(super) fn place(call: &mut Call<'_>) -> Answer {
    each(call, |call, params| {
        let listing = call.listing(params)?;
        call.count("order", "batch-orders", listing)?;
        call.count_all()?;
        call.in_time()?;
        let ticket = call.ticket(params, listing)?;
        let twist = call.twist(listing)?;
        let placed = call.exchange.place(&ticket, &twist, &mut call.turn).map_err(problem)?;
        Ok(named(&placed.order))
    })
}

/// Cancels orders.
pub(super) fn cancel(call: &mut Call<'_>) -> Answer {
    each(call, |call, params| {
        let gone = || problem(crate::exchange::refusal::Refusal::Unknown);
        let listing = call.listing(params)?;
        call.count("cancel-order", "batch-cancel-orders", listing)?;
        let order = call.named_order(params, listing, 0)?.filter(Order::is_open).ok_or_else(gone)?;
        let twist = call.twist(listing)?;
        if twist.is_refused() {
            return Err(gone());
        }
        if let Some(late_ns) = twist.cancel_race_ns {
            call.fate = Some((AnswerFault::Late, late_ns));
        }
        let cancelled = call.exchange.cancel(order.id, None, &twist, &mut call.turn);
        cancelled.map(|order| named(&order)).map_err(problem)
    })
}

/// Gives orders another price or size.
pub(super) fn amend(call: &mut Call<'_>) -> Answer {
    each(call, |call, params| {
        let listing = call.listing(params)?;
        call.count("amend-order", "batch-amend-orders", listing)?;
        call.count_all()?;
        call.in_time()?;
        let order = call.named_order(params, listing, 0)?;
        let order = order.ok_or_else(|| Problem::new("51503", "Your order has already been filled or canceled."))?;
        ended(&order)?;
        let (size, price) = (params.amount("newSz")?, params.amount("newPx")?);
        if size.is_none() && price.is_none() {
            return Err(Problem::new("51500", "You must enter a price, quantity, or TP/SL."));
        }
        let twist = call.twist(listing)?;
        let amended = call.exchange.amend(order.id, price, size, &twist, &mut call.turn);
        match amended {
            Ok(placed) => Ok(named(&placed.order)),
            Err(why) if params.text("cxlOnFail") == Some("true") => {
                call.exchange.cancel(order.id, None, &twist, &mut call.turn).map_err(problem)?;
                Err(problem(why))
            }
            Err(why) => Err(problem(why)),
        }
    })
}

/// An order that has ended is not amended.
fn ended(order: &Order) -> Result<(), Problem> {
    match order.status {
        Status::Filled => Err(Problem::new("51510", "Modification failed as the order has been completed.")),
        Status::Ended(_) => Err(Problem::new("51509", "Modification failed as the order has been canceled.")),
        Status::New | Status::Partial => Ok(()),
    }
}

/// Sets the switch that cancels the account's orders; 0 takes it off.
pub(super) fn cancel_all_after(call: &mut Call<'_>) -> Answer {
    let params = call.params()?;
    let seconds = params.number("timeOut")?.ok_or_else(|| Problem::empty("timeOut"))?;
    if seconds != 0 && !(10..=120).contains(&seconds) {
        return Err(Problem::wrong("timeOut"));
    }
    let (account, now_ms) = (call.account, call.turn.venue_ns / 1_000_000);
    call.exchange.arm_deadman(account, Reach::All, seconds * 1_000, &mut call.turn);
    let due_ms = if seconds == 0 { 0 } else { now_ms + seconds * 1_000 };
    let tag = Value::from(params.text("tag").unwrap_or(""));
    Ok(Told::fine(vec![format!(r#"{{"triggerTime":"{due_ms}","tag":{tag},"ts":"{now_ms}"}}"#)]))
}

/// Mass cancels are for options, which are not listed here.
pub(super) fn mass_cancel(call: &mut Call<'_>) -> Answer {
    call.params()?.required("instType")?;
    Err(Problem::wrong("instType"))
}

/// Why an order was cancelled, as a number; empty when it was not.
pub(super) const fn cancel_source(order: &Order) -> &'static str {
    match order.status {
        Status::Ended(Ending::Cancelled) => "1",
        Status::Ended(Ending::FillOrKill) => "13",
        Status::Ended(Ending::Immediate) => "14",
        Status::Ended(Ending::ReduceOnly) => "17",
        Status::Ended(Ending::DeadMan) => "20",
        Status::Ended(Ending::WouldTake) => "31",
        Status::Ended(Ending::SelfTrade) => "32",
        Status::Ended(Ending::Refused | Ending::Venue) => "0",
        Status::New | Status::Partial | Status::Filled => "",
    }
}

/// One order by its number or client id.
pub(super) fn order(call: &mut Call<'_>) -> Answer {
    let params = call.params()?;
    let listing = call.named(params.required("instId")?)?;
    let lag_ns = call.lag_ns(&call.listed(listing).symbol);
    let order = call.named_order(params, listing, lag_ns)?;
    let order = order.ok_or_else(|| Problem::new("51603", "Order does not exist"))?;
    let fills = call.exchange.fills_of(&order);
    Ok(Told::fine(vec![words::order(&order, &fills, call.listed(listing))]))
}
