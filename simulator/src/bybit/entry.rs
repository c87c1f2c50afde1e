//! Order requests: create, cancel, amend, cancel all, batches of them, and the switch that guards connections.

use serde_json::Value;

use super::call::{Answer, Call, Problem, Told, client_id, gone, problem};
use super::words::{category, order_id, order_number};
use crate::config::Board;
use crate::exchange::order::{Ending, Order, SelfTrade, Side, Size, Ticket, TimeInForce};
use crate::fault::verb::AnswerFault;
use crate::params::Params;

/// Does what one order's parameters ask for.
type One = fn(&mut Call<'_>, &Params, Board) -> Result<Order, Problem>;

/// What orders of a kind count for, and how many a second are allowed on a board.
#[derive(Clone, Copy)]
struct Quota {
    spot: (&'static str, u32),
    linear: (&'static str, u32),
}

const CREATES: Quota = Quota { spot: ("create.spot", 20), linear: ("create.linear", 10) };
const CANCELS: Quota = Quota { spot: ("cancel.spot", 20), linear: ("cancel.linear", 10) };
const AMENDS: Quota = Quota { spot: ("amend.spot", 10), linear: ("amend.linear", 10) };

impl Call<'_> {
    fn count(&mut self, quota: Quota, board: Board, times: usize) -> Result<(), Problem> {
        let (what, limit) = if board == Board::BybitSpot { quota.spot } else { quota.linear };
        self.charge(what, times, limit)
    }

    /// The order that is named by `orderId` or `orderLinkId`, as `lag_ns` ago; `None` if there is none.
    pub(super) fn named_order(&self, params: &Params, board: Board, lag_ns: u64) -> Result<Option<Order>, Problem> {
        let found = match (params.text("orderId"), client_id(params)?) {
            (Some(id), _) => order_number(id).and_then(|id| self.exchange.order(self.account, id, lag_ns, &self.turn)),
            (None, "") => return Err(Problem::new(10_001, "OrderId or orderLinkId is required")),
            (None, id) => self.exchange.by_client(self.account, id, lag_ns, &self.turn),
        };
        Ok(found.filter(|order| self.listed(order.listing).board == board).cloned())
    }

    fn ticket(&self, params: &Params, board: Board, listing: usize) -> Result<Ticket, Problem> {
        let spot = board == Board::BybitSpot;
        let side = match params.required("side")? {
            "Buy" => Side::Buy,
            "Sell" => Side::Sell,
            _ => return Err(Problem::wrong("side")),
        };
        let word = params.required("orderType")?;
        let limit = match word {
            "Limit" => true,
            "Market" => false,
            _ => return Err(Problem::wrong("orderType")),
        };
        if !matches!(params.text("positionIdx"), None | Some("0")) {
            return Err(Problem::new(10_001, "position idx not match position mode"));
        }
        let qty = params.amount("qty")?.ok_or_else(|| Problem::wrong("qty"))?;
        let price = if limit { Some(params.amount("price")?.ok_or_else(|| Problem::wrong("price"))?) } else { None };
        // a market order that buys names what it spends, unless it says otherwise
        let in_quote = match params.text("marketUnit") {
            _ if !spot || limit => false,
            None => side == Side::Buy,
            Some("quoteCoin") => true,
            Some("baseCoin") => false,
            Some(_) => return Err(Problem::wrong("marketUnit")),
        };
        Ok(Ticket {
            account: self.account,
            listing,
            client_id: client_id(params)?.to_owned(),
            side,
            price,
            size: if in_quote { Size::Quote(qty) } else { Size::Quantity(qty) },
            tif: if limit { tif(params)? } else { TimeInForce::Ioc },
            reduce_only: !spot && params.text("reduceOnly") == Some("true"),
            self_trade: self_trade(params)?,
            word: word.to_owned(),
            forced: None,
        })
    }
}

fn tif(params: &Params) -> Result<TimeInForce, Problem> {
    match params.text("timeInForce") {
        None | Some("GTC") => Ok(TimeInForce::Gtc),
        Some("IOC") => Ok(TimeInForce::Ioc),
        Some("FOK") => Ok(TimeInForce::Fok),
        Some("PostOnly") => Ok(TimeInForce::PostOnly),
        Some(_) => Err(Problem::wrong("timeInForce")),
    }
}

fn self_trade(params: &Params) -> Result<Option<SelfTrade>, Problem> {
    match params.text("smpType") {
        None => Ok(None),
        Some(word @ ("None" | "CancelMaker" | "CancelTaker" | "CancelBoth")) => Ok(SelfTrade::named(word)),
        Some(_) => Err(Problem::wrong("smpType")),
    }
}

fn place(call: &mut Call<'_>, params: &Params, board: Board) -> Result<Order, Problem> {
    let listing = call.named(board, params.required("symbol")?)?;
    let ticket = call.ticket(params, board, listing)?;
    let twist = call.twist(listing)?;
    let placed = call.exchange.place(&ticket, &twist, &mut call.turn);
    placed.map(|placed| placed.order).map_err(|why| problem(why, board))
}

fn withdraw(call: &mut Call<'_>, params: &Params, board: Board) -> Result<Order, Problem> {
    call.named(board, params.required("symbol")?)?;
    let known = call.named_order(params, board, 0)?;
    let order = known.clone().filter(Order::is_open).ok_or_else(|| gone(known.as_ref(), board))?;
    let twist = call.twist(order.listing)?;
    if twist.is_refused() {
        return Err(gone(None, board));
    }
    if let Some(late_ns) = twist.cancel_race_ns {
        call.fate = Some((AnswerFault::Late, late_ns));
    }
    let cancelled = call.exchange.cancel(order.id, None, &twist, &mut call.turn);
    cancelled.map_err(|why| problem(why, board))
}

fn change(call: &mut Call<'_>, params: &Params, board: Board) -> Result<Order, Problem> {
    call.named(board, params.required("symbol")?)?;
    let known = call.named_order(params, board, 0)?;
    let order = known.clone().filter(Order::is_open).ok_or_else(|| gone(known.as_ref(), board))?;
    let (qty, price) = (params.amount("qty")?, params.amount("price")?);
    if qty.is_none() && price.is_none() {
        return Err(Problem::wrong("qty"));
    }
    let twist = call.twist(order.listing)?;
    let amended = call.exchange.amend(order.id, price, qty, &twist, &mut call.turn);
    amended.map(|placed| placed.order).map_err(|why| problem(why, board))
}

fn single(call: &mut Call<'_>, quota: Quota, one: One) -> Answer {
    let board = call.board()?;
    call.count(quota, board, 1)?;
    let order = one(call, call.params, board)?;
    Ok(Told::fine(format!(r#"{{"orderId":"{}","orderLinkId":"{}"}}"#, order_id(order.id, board), order.own_id())))
}

/// Each order of a batch has its own code, which stands beside the results.
fn batch(call: &mut Call<'_>, quota: Quota, one: One) -> Answer {
    let board = call.board()?;
    let listed: Value =
        serde_json::from_str(call.params.required("request")?).map_err(|_| Problem::wrong("request"))?;
    let most = if board == Board::BybitSpot { 10 } else { 20 };
    let orders = listed.as_array().filter(|orders| (1..=most).contains(&orders.len()));
    let orders = orders.ok_or_else(|| Problem::wrong("request"))?;
    call.count(quota, board, orders.len())?;
    let (mut rows, mut codes) = (Vec::new(), Vec::new());
    for order in orders {
        let params = Params::of_json(order);
        let outcome = one(call, &params, board);
        let (id, client_id, at) = match &outcome {
            Ok(order) => {
                let at_ms = (order.created_ns / 1_000_000).to_string();
                (order_id(order.id, board), order.own_id().to_owned(), at_ms)
            }
            Err(_) => (String::new(), params.text("orderLinkId").unwrap_or("").to_owned(), String::new()),
        };
        let (symbol, client_id) = (Value::from(params.text("symbol").unwrap_or("")), Value::from(client_id));
        rows.push(format!(
            r#"{{"category":"{}","symbol":{symbol},"orderId":"{id}","orderLinkId":{client_id},"createAt":"{at}"}}"#,
            category(board)
        ));
        let (code, message) = outcome.err().map_or((0, "OK".to_owned()), |problem| (problem.code, problem.message));
        codes.push(format!(r#"{{"code":{code},"msg":{}}}"#, Value::from(message)));
    }
    let list = |rows: Vec<String>| format!(r#"{{"list":[{}]}}"#, rows.join(","));
    Ok(Told { result: list(rows), beside: list(codes) })
}

/// A new order.
pub(super) fn create(call: &mut Call<'_>) -> Answer {
    single(call, CREATES, place)
}

/// New orders.
pub(super) fn create_batch(call: &mut Call<'_>) -> Answer {
    batch(call, CREATES, place)
}

/// Cancels an order.
pub(super) fn cancel(call: &mut Call<'_>) -> Answer {
    single(call, CANCELS, withdraw)
}

/// Cancels orders.
pub(super) fn cancel_batch(call: &mut Call<'_>) -> Answer {
    batch(call, CANCELS, withdraw)
}

/// Gives an order another price or quantity.
pub(super) fn amend(call: &mut Call<'_>) -> Answer {
    single(call, AMENDS, change)
}

/// Gives orders another price or quantity.
pub(super) fn amend_batch(call: &mut Call<'_>) -> Answer {
    batch(call, AMENDS, change)
}

/// Cancels every order on a symbol, or (linear, with the coin that settles) on the board.
pub(super) fn cancel_all(call: &mut Call<'_>) -> Answer {
    let board = call.board()?;
    call.count(CANCELS, board, 1)?;
    let wanted = call.some_listing(board)?;
    let by_coin = ["baseCoin", "settleCoin"].iter().any(|name| call.params.text(name).is_some());
    if wanted.is_none() && board == Board::BybitLinear && !by_coin {
        return Err(Problem::new(10_001, "Missing some parameters that must be filled in, symbol or settleCoin"));
    }
    let ours = |listing: &usize| call.listed(*listing).board == board;
    let listings: Vec<usize> = match wanted {
        Some(listing) => vec![listing],
        None => (0..call.turn.market.len()).filter(ours).collect(),
    };
    let mut rows = Vec::new();
    for listing in listings {
        let twist = call.twist(listing)?;
        if twist.is_refused() {
            return Err(gone(None, board));
        }
        let ended = call.exchange.cancel_all(call.account, Some(listing), Ending::Cancelled, &mut call.turn);
        let row = |order: &Order| {
            format!(r#"{{"orderId":"{}","orderLinkId":"{}"}}"#, order_id(order.id, board), order.own_id())
        };
        rows.extend(ended.iter().map(row));
    }
    Ok(Told::fine(format!(r#"{{"list":[{}],"success":"1"}}"#, rows.join(","))))
}

/// Sets how long orders outlive the last private stream that holds the `dcp` topic of their product.
pub(super) fn protect(call: &mut Call<'_>) -> Answer {
    let seconds = call.params.number("timeWindow")?.ok_or_else(|| Problem::wrong("timeWindow"))?;
    if !(10..=300).contains(&seconds) {
        return Err(Problem::wrong("timeWindow"));
    }
    let board = match call.params.text("product") {
        None | Some("DERIVATIVES") => Board::BybitLinear,
        Some("SPOT") => Board::BybitSpot,
        Some(_) => return Err(Problem::wrong("product")),
    };
    call.exchange.protect(call.account, board, seconds * 1_000);
    Ok(Told::fine("{}".to_owned()))
}
