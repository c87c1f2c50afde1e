//! Order requests of both exchanges: place, cancel, change; what differs is said in the venue's parameters.

use super::call::{Answer, Call, Problem, odd, spot_problem, unknown_order, usdm_problem};
use super::words::{self, Detail};
use crate::exchange::Placed;
use crate::exchange::order::{Ending, Order, SelfTrade, Side, Size, Ticket, TimeInForce};
use crate::exchange::refusal::Refusal;
use crate::fault::verb::AnswerFault;

impl Call<'_> {
    pub(super) fn refused(&self, why: Refusal) -> Problem {
        if self.usdm { usdm_problem(why) } else { spot_problem(why) }
    }

    /// Reads a new order.
    fn ticket(&self, listing: usize) -> Result<Ticket, Problem> {
        let side = match self.required("side")? {
            "BUY" => Side::Buy,
            "SELL" => Side::Sell,
            word => return Err(odd(-1117, "side", word)),
        };
        let word = self.required("type")?;
        let client_id = self.client_id("newClientOrderId")?.unwrap_or_default();
        let (tif, price, size) = match word {
            "LIMIT" => (self.tif()?, Some(self.needed("price")?), Size::Quantity(self.needed("quantity")?)),
            "MARKET" => (TimeInForce::Ioc, None, self.size()?),
            "LIMIT_MAKER" if !self.usdm => {
                self.unwanted("timeInForce")?;
                (TimeInForce::PostOnly, Some(self.needed("price")?), Size::Quantity(self.needed("quantity")?))
            }
            word => return Err(odd(-1116, "orderType", word)),
        };
        if price.is_none() {
            self.unwanted("price")?;
            self.unwanted("timeInForce")?;
        }
        let (reduce_only, self_trade, word) = (self.reduces()?, self.self_trade()?, word.to_owned());
        let account = self.account;
        Ok(Ticket { account, listing, client_id, side, price, size, tif, reduce_only, self_trade, word, forced: None })
    }

    fn tif(&self) -> Result<TimeInForce, Problem> {
        match (self.required("timeInForce")?, self.usdm) {
            ("GTC", _) => Ok(TimeInForce::Gtc),
            ("IOC", _) => Ok(TimeInForce::Ioc),
            ("FOK", _) => Ok(TimeInForce::Fok),
            ("GTX", true) => Ok(TimeInForce::PostOnly),
            (word, _) => Err(odd(-1115, "timeInForce", word)),
        }
    }

    fn size(&self) -> Result<Size, Problem> {
        match (self.amount("quantity")?, self.amount("quoteOrderQty")?) {
            (Some(qty), None) => Ok(Size::Quantity(qty)),
            (None, Some(quote)) if !self.usdm => Ok(Size::Quote(quote)),
            (Some(_), Some(_)) => Err(Problem::new(-1128, "Combination of optional parameters invalid.")),
            _ => Err(Problem::missing("quantity")),
        }
    }

    fn reduces(&self) -> Result<bool, Problem> {
        if self.usdm && !matches!(self.text("positionSide"), None | Some("BOTH")) {
            return Err(Problem::new(-4061, "Order's position side does not match user's setting."));
        }
        Ok(self.usdm && self.text("reduceOnly").is_some_and(|text| text.eq_ignore_ascii_case("true")))
    }

    fn self_trade(&self) -> Result<Option<SelfTrade>, Problem> {
        let Some(word) = self.text("selfTradePreventionMode") else { return Ok(None) };
        let known = ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"].contains(&word);
        let mode = SelfTrade::named(word).filter(|_| known);
        mode.map(Some)
            .ok_or_else(|| Problem::new(-1013, "This symbol does not allow the specified self-trade prevention mode."))
    }

    fn needed(&self, name: &str) -> Result<crate::amount::Amount, Problem> {
        self.amount(name)?.ok_or_else(|| Problem::missing(name))
    }

    fn unwanted(&self, name: &str) -> Result<(), Problem> {
        match self.text(name) {
            None => Ok(()),
            Some(_) => Err(Problem::new(-1106, format!("Parameter '{name}' sent when not required."))),
        }
    }

    fn detail(&self) -> Result<Detail, Problem> {
        let usual = match (self.usdm, self.text("type")) {
            (false, Some("LIMIT" | "MARKET")) => Detail::Full,
            _ => Detail::Ack,
        };
        match self.text("newOrderRespType") {
            None => Ok(usual),
            Some("ACK") => Ok(Detail::Ack),
            Some("RESULT") => Ok(Detail::Result),
            Some("FULL") if !self.usdm => Ok(Detail::Full),
            Some(word) => Err(odd(-1126, "newOrderRespType", word)),
        }
    }

    fn told(&self, placed: &Placed, detail: Detail) -> String {
        match self.usdm {
            true => words::usdm_order(&placed.order, detail == Detail::Ack),
            false => words::spot_placed(placed, detail),
        }
    }

    /// The cancel's own client id; the venue gives one.
    fn request_id(&self) -> Result<String, Problem> {
        let given = || format!("c{:016x}", self.turn.venue_ns);
        Ok(self.client_id("newClientOrderId")?.unwrap_or_else(given))
    }

    fn cancel(&mut self, order: &Order, request: String) -> Result<Order, Problem> {
        let twist = self.twist(Some(order.listing))?;
        if twist.is_refused() {
            return Err(unknown_order());
        }
        if let Some(late_ns) = twist.cancel_race_ns {
            self.fate = Some((AnswerFault::Late, late_ns));
        }
        self.exchange.cancel(order.id, Some(request), &twist, &mut self.turn).map_err(|why| self.refused(why))
    }
}

/// A new order.
pub(super) fn place(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let (ticket, detail) = (call.ticket(listing)?, call.detail()?);
    let twist = call.twist(Some(listing))?;
    call.ordered = true;
    let placed = call.exchange.place(&ticket, &twist, &mut call.turn);
    let placed = placed.map_err(|why| call.refused(why))?;
    Ok(call.told(&placed, detail))
}

/// A new order that is only checked.
pub(super) fn test(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let ticket = call.ticket(listing)?;
    let twist = call.twist(Some(listing))?;
    call.exchange.test(&ticket, &twist, &mut call.turn).map_err(|why| call.refused(why))?;
    if call.usdm || call.text("computeCommissionRates") != Some("true") {
        return Ok("{}".to_owned());
    }
    let rules = call.exchange.rules(call.board());
    let (maker, taker) = (words::eight(rules.maker), words::eight(rules.taker));
    Ok(format!(
        r#"{{"standardCommissionForOrder":{{"maker":"{maker}","taker":"{taker}"}},"specialCommissionForOrder":{{"maker":"0.00000000","taker":"0.00000000"}},"taxCommissionForOrder":{{"maker":"0.00000000","taker":"0.00000000"}},"discount":{{"enabledForAccount":false,"enabledForSymbol":false,"discountAsset":"BNB","discount":"0.00000000"}}}}"#
    ))
}

/// Cancels one order.
pub(super) fn cancel(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let (order, request) = (call.open_order(listing)?, call.request_id()?);
    let fits = match (call.text("cancelRestrictions"), order.filled.is_positive()) {
        (None, _) | (Some("ONLY_NEW"), false) | (Some("ONLY_PARTIALLY_FILLED"), true) => true,
        (Some("ONLY_NEW" | "ONLY_PARTIALLY_FILLED"), _) => false,
        (Some(word), _) => return Err(odd(-1145, "cancelRestrictions", word)),
    };
    if !fits {
        return Err(Problem::new(-2011, "Order was not canceled due to cancel restrictions."));
    }
    let order = call.cancel(&order, request.clone())?;
    Ok(if call.usdm { words::usdm_order(&order, false) } else { words::spot_cancelled(&order, &request) })
}

/// Cancels every order on a symbol.
pub(super) fn cancel_all(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let twist = call.twist(Some(listing))?;
    if twist.is_refused() {
        return Err(unknown_order());
    }
    let ended = call.exchange.cancel_all(call.account, Some(listing), Ending::Cancelled, &mut call.turn);
    if call.usdm {
        return Ok(r#"{"code":200,"msg":"The operation of cancel all open order is done."}"#.to_owned());
    }
    if ended.is_empty() {
        return Err(unknown_order());
    }
    let request = call.request_id()?;
    let orders: Vec<_> = ended.iter().map(|order| words::spot_cancelled(order, &request)).collect();
    Ok(format!("[{}]", orders.join(",")))
}

/// Spot: makes an order smaller; it keeps its place.
pub(super) fn amend(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let order = call.open_order(listing)?;
    let qty = call.needed("newQty")?;
    if qty >= order.qty {
        return Err(Problem::new(-2038, "The new quantity must be lower than the current quantity."));
    }
    let twist = call.twist(Some(listing))?;
    let placed = call.exchange.amend(order.id, None, Some(qty), &twist, &mut call.turn);
    let order = placed.map_err(|why| call.refused(why))?.order;
    let (client_id, id, at) = (&order.client_id, order.id, words::ms(order.changed_ns));
    let mode = words::self_trade(order.self_trade);
    Ok(format!(
        r#"{{"transactTime":{at},"executionId":{id},"amendedOrder":{{"symbol":"{}","orderId":{id},"orderListId":-1,"origClientOrderId":"{client_id}","clientOrderId":"{client_id}","price":"{}","qty":"{}","executedQty":"{}","preventedQty":"0.00000000","quoteOrderQty":"0.00000000","cumulativeQuoteQty":"{}","status":"{}","timeInForce":"{}","type":"{}","side":"{}","workingTime":{},"selfTradePreventionMode":"{mode}"}}}}"#,
        order.symbol,
        words::eight(order.price.unwrap_or_default()),
        words::eight(order.qty),
        words::eight(order.filled),
        words::eight(order.cost),
        words::status(&order),
        words::tif(&order, false),
        words::kind(&order),
        words::side(order.side),
        words::ms(order.created_ns),
    ))
}

/// Futures: gives an order another price and quantity; it loses its place.
pub(super) fn modify(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let order = call.open_order(listing).map_err(|problem| match problem.code {
        -2011 => super::call::no_such_order(),
        _ => problem,
    })?;
    let (price, qty) = (call.needed("price")?, call.needed("quantity")?);
    if call.required("side")? != words::side(order.side) {
        return Err(Problem::new(-1102, "Order side cannot be modified."));
    }
    let twist = call.twist(Some(listing))?;
    let placed = call.exchange.amend(order.id, Some(price), Some(qty), &twist, &mut call.turn);
    let placed = placed.map_err(|why| call.refused(why))?;
    Ok(words::usdm_order(&placed.order, false))
}

/// Spot: cancels one order and places another in its stead.
pub(super) fn replace(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let stop = match call.required("cancelReplaceMode")? {
        "STOP_ON_FAILURE" => true,
        "ALLOW_FAILURE" => false,
        word => return Err(odd(-1145, "cancelReplaceMode", word)),
    };
    let (id, client_id) = (call.text("cancelOrderId"), call.text("cancelOrigClientOrderId"));
    let target = match (id.map(str::parse::<u64>), client_id) {
        (Some(Ok(id)), _) => call.exchange.order(call.account, id, 0, &call.turn).cloned(),
        (Some(Err(_)), _) => None,
        (None, Some(client_id)) => call.exchange.by_client(call.account, client_id, 0, &call.turn).cloned(),
        (None, None) => return Err(Problem::missing("cancelOrderId")),
    };
    let request = call.client_id("cancelNewClientOrderId")?.unwrap_or_else(|| format!("c{:016x}", call.turn.venue_ns));
    let target = target.filter(|order| order.is_open() && order.listing == listing).ok_or_else(unknown_order);
    let cancelled = target.and_then(|order| call.cancel(&order, request.clone()));
    let placed = if cancelled.is_err() && stop { None } else { Some(place(call)) };
    let (cancel_word, cancel_text) = match &cancelled {
        Ok(order) => ("SUCCESS", words::spot_cancelled(order, &request)),
        Err(problem) => ("FAILURE", problem.json()),
    };
    let (place_word, place_text) = match &placed {
        None => ("NOT_ATTEMPTED", "null".to_owned()),
        Some(Ok(text)) => ("SUCCESS", text.clone()),
        Some(Err(problem)) => ("FAILURE", problem.json()),
    };
    let data = format!(
        r#"{{"cancelResult":"{cancel_word}","newOrderResult":"{place_word}","cancelResponse":{cancel_text},"newOrderResponse":{place_text}}}"#
    );
    match (cancelled.is_ok(), matches!(placed, Some(Ok(_)))) {
        (true, true) => Ok(data),
        (false, false) => Err(Problem { data: Some(data), ..Problem::new(-2022, "Order cancel-replace failed.") }),
        _ => Err(Problem {
            status: 409,
            data: Some(data),
            ..Problem::new(-2021, "Order cancel-replace partially failed.")
        }),
    }
}
