//! What only an account may ask: keys, orders, cancels, records, balances, and the dead-man switch.

use serde_json::{Map, Value, json};

use super::account::Heartbeat;
use super::book::Outcome;
use super::encode;
use super::fee::text;
use super::house::{House, Order, Status};
use super::ledger::Fact;
use super::order::Submission;
use super::public::page;
use super::rest::{Answer, Asked};
use super::word::{Word, fixed, hex};

/// Orders in one request, and ids in one cancel.
const ORDERS_MAX: usize = 15;
const CANCELS_MAX: usize = 1_000;
/// Rows of one page of records.
const PAGE: usize = 100;

/// The answer to a private request; `None` when the path is not one of these.
pub(super) fn answer(house: &mut House, asked: &Asked<'_>) -> Option<Answer> {
    let work: fn(&mut House, &Asked<'_>, usize) -> Answer = match (asked.method, asked.path) {
        ("POST", "/auth/api-key") | ("GET", "/auth/derive-api-key") => {
            return Some(asked.wallet(house).map_or_else(|denied| denied, |account| keys(house, account)));
        }
        ("GET", "/auth/api-keys") => |house, _, account| {
            Answer::fine(json!({ "apiKeys": [house.accounts[account].credentials.key] }).to_string())
        },
        ("GET", "/auth/ban-status/closed-only") => |_, _, _| Answer::fine(r#"{"closed_only":false}"#),
        ("POST", "/order") => place,
        ("POST", "/orders") => place_many,
        ("DELETE", "/order") => cancel_one,
        ("DELETE", "/orders") => cancel_many,
        ("DELETE", "/cancel-all") => |house, _, account| cancelled(house, account, |_| true),
        ("DELETE", "/cancel-market-orders") => cancel_market,
        ("GET", "/data/orders") => orders,
        ("GET", "/data/trades") => trades,
        ("GET", "/balance-allowance") => balance,
        ("GET", "/balance-allowance/update") => |_, _, _| Answer::fine("{}"),
        ("POST", "/v1/heartbeats") => heartbeat,
        ("GET", path) if path.starts_with("/data/order/") => order,
        _ => return None,
    };
    let answer = asked.account(house).map_or_else(|denied| denied, |account| work(house, asked, account));
    let (method, path) = (asked.method.to_owned(), asked.path.to_owned());
    house.note(Fact::Request { method, path, status: answer.status });
    Some(answer)
}

fn keys(house: &House, account: usize) -> Answer {
    let c = &house.accounts[account].credentials;
    Answer::fine(json!({ "apiKey": c.key, "secret": c.secret, "passphrase": c.passphrase }).to_string())
}

/// Takes what every order request has to pass: the engine's phase and the signer's tokens.
fn passes(house: &mut House, account: usize, tokens: i64, taking: bool) -> Result<i64, Answer> {
    if let Some((status, body)) = house.turned_away(taking) {
        return Err(Answer { status, body: body.to_owned(), tokens: None });
    }
    house
        .take_tokens(account, tokens)
        .map_err(|seconds| Answer { tokens: Some(Err(seconds)), ..Answer::refused(429, "order rate limit exceeded") })
}

fn place(house: &mut House, asked: &Asked<'_>, account: usize) -> Answer {
    let Ok(request) = serde_json::from_str::<Value>(asked.body) else {
        return Answer::refused(400, "Invalid order payload");
    };
    let taking = request["postOnly"] != true;
    let left = match passes(house, account, 1, taking) {
        Ok(left) => left,
        Err(refused) => return refused,
    };
    let (status, body) = match placed(house, account, &request) {
        Ok(body) => (200, body),
        Err((status, why)) => (status, json!({ "error": why })),
    };
    Answer { status, body: body.to_string(), tokens: Some(Ok(left)) }
}

fn placed(house: &mut House, account: usize, request: &Value) -> Result<Value, (u16, String)> {
    let taken = Submission::parse(request).map_err(|why| (400, why.to_owned()));
    let taken = taken.and_then(|submission| house.submit(account, &submission));
    if let Err((_, why)) = &taken {
        house.note(Fact::Refused { account, why: why.clone() });
    }
    let id = taken?;
    let Some(order) = house.orders.get(&id) else { return Err((500, "could not insert order".to_owned())) };
    let (shares, dollars) = (text(order.matched), text(order.dollars));
    let (making, taking) = if order.matched == 0 {
        (String::new(), String::new())
    } else if order.terms.buy {
        (dollars, shares)
    } else {
        (shares, dollars)
    };
    let status = match order.status {
        Status::Delayed(_) => "delayed",
        _ if order.matched > 0 => "matched",
        Status::Live => "live",
        Status::Matched | Status::Canceled(_) => "unmatched",
    };
    Ok(json!({
        "success": true, "errorMsg": "", "orderID": hex(&id), "status": status, "makingAmount": making,
        "takingAmount": taking, "tradeIDs": order.trades, "transactionsHashes": [],
    }))
}

fn place_many(house: &mut House, asked: &Asked<'_>, account: usize) -> Answer {
    let requests = match serde_json::from_str::<Vec<Value>>(asked.body) {
        Ok(requests) if !requests.is_empty() && requests.len() <= ORDERS_MAX => requests,
        _ => return Answer::refused(400, "Invalid order payload"),
    };
    let taking = requests.iter().any(|request| request["postOnly"] != true);
    let left = match passes(house, account, requests.len() as i64, taking) {
        Ok(left) => left,
        Err(refused) => return refused,
    };
    let row = |(_, why): (u16, String)| json!({ "success": false, "errorMsg": why, "orderID": "", "status": "" });
    let rows: Vec<Value> = requests.iter().map(|request| placed(house, account, request).unwrap_or_else(row)).collect();
    Answer { tokens: Some(Ok(left)), ..Answer::fine(Value::from(rows).to_string()) }
}

fn cancel_ids(house: &mut House, account: usize, ids: &[&str]) -> Answer {
    if let Some((status, body)) = house.turned_away(false) {
        return Answer { status, body: body.to_owned(), tokens: None };
    }
    let (mut done, mut not) = (Vec::new(), Map::new());
    for &id in ids {
        let outcome = fixed::<32>(id).ok_or("Invalid orderID").and_then(|word| house.cancel(account, &word));
        match outcome {
            Ok(()) => done.push(id),
            Err(why) => drop(not.insert(id.chars().take(80).collect(), Value::from(why))),
        }
    }
    Answer::fine(json!({ "canceled": done, "not_canceled": not }).to_string())
}

fn cancel_one(house: &mut House, asked: &Asked<'_>, account: usize) -> Answer {
    let body: Value = serde_json::from_str(asked.body).unwrap_or_default();
    match body["orderID"].as_str() {
        Some(id) => cancel_ids(house, account, &[id]),
        None => Answer::refused(400, "Invalid orderID"),
    }
}

fn cancel_many(house: &mut House, asked: &Asked<'_>, account: usize) -> Answer {
    match serde_json::from_str::<Vec<String>>(asked.body) {
        Ok(ids) if ids.len() <= CANCELS_MAX => {
            cancel_ids(house, account, &ids.iter().map(String::as_str).collect::<Vec<_>>())
        }
        _ => Answer::refused(400, "Invalid payload"),
    }
}

fn cancel_market(house: &mut House, asked: &Asked<'_>, account: usize) -> Answer {
    let body: Value = serde_json::from_str(asked.body).unwrap_or_default();
    let part = |name: &str| body[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let (market, token) = (part("market"), part("asset_id"));
    cancelled(house, account, |order| {
        market.as_ref().is_none_or(|m| *m == order.condition) && token.as_ref().is_none_or(|t| *t == order.token)
    })
}

fn cancelled(house: &mut House, account: usize, fits: impl Fn(&Order) -> bool) -> Answer {
    if let Some((status, body)) = house.turned_away(false) {
        return Answer { status, body: body.to_owned(), tokens: None };
    }
    let ids: Vec<String> = house.cancel_where(account, fits).iter().map(|id| hex(id)).collect();
    Answer::fine(json!({ "canceled": ids, "not_canceled": {} }).to_string())
}

fn orders(house: &mut House, asked: &Asked<'_>, account: usize) -> Answer {
    let holder = &house.accounts[account];
    let fits = |name: &str, value: &str| asked.param(name).is_none_or(|wanted| wanted == value);
    let open = house.arrivals.iter().filter_map(|id| house.orders.get(id)).filter(|o| o.account == account && o.open());
    let rows = open.filter(|o| fits("market", &o.condition) && fits("asset_id", &o.token) && fits("id", &hex(&o.id)));
    let rows: Vec<Value> = rows.map(|order| encode::order_row(order, holder)).collect();
    Answer::fine(page(rows, asked.param("next_cursor"), PAGE).to_string())
}

fn order(house: &mut House, asked: &Asked<'_>, account: usize) -> Answer {
    let id: Option<Word> = asked.path.strip_prefix("/data/order/").and_then(fixed);
    let order = id.and_then(|id| house.orders.get(&id)).filter(|order| order.account == account);
    match order {
        Some(order) => Answer::fine(encode::order_row(order, &house.accounts[account]).to_string()),
        None => Answer::refused(404, "order not found"),
    }
}

fn trades(house: &mut House, asked: &Asked<'_>, account: usize) -> Answer {
    let fits = |name: &str, value: &str| asked.param(name).is_none_or(|wanted| wanted == value);
    let second = |name: &str| asked.param(name).and_then(|text| text.parse::<u64>().ok());
    let (after, before) = (second("after").unwrap_or(0), second("before").unwrap_or(u64::MAX));
    let mine = house.trades.iter().rev().filter(|t| {
        let token = &t.tokens[t.taker.outcome as usize];
        std::iter::once(&t.taker).chain(&t.makers).any(|part| part.account == Some(account))
            && (after..before).contains(&(t.matched_ms / 1_000))
            && fits("market", &t.condition)
            && fits("asset_id", token)
            && fits("id", &t.id)
    });
    let rows: Vec<Value> = mine.map(|trade| encode::trade_row(trade, account, &house.accounts)).collect();
    Answer::fine(page(rows, asked.param("next_cursor"), PAGE).to_string())
}

fn balance(house: &mut House, asked: &Asked<'_>, account: usize) -> Answer {
    let kind = asked.param("signature_type").and_then(|text| text.parse::<u8>().ok()).unwrap_or(0);
    let holder = &house.accounts[account];
    let purse = holder.purses.get(&holder.funder(kind));
    let total = match asked.param("asset_type") {
        Some("COLLATERAL") => purse.map_or(0, |purse| purse.collateral.total),
        Some(kind @ ("CONDITIONAL" | "CONDITIONAL-V2")) => {
            let token = asked.param("token_id").and_then(|token| house.of_token(token));
            let Some((market, outcome)) = token.filter(|(market, _)| market.asset_type() == kind) else {
                return Answer::refused(400, "Invalid asset type");
            };
            let key: (String, Outcome) = (market.condition.clone(), outcome);
            purse.and_then(|purse| purse.shares.get(&key)).map_or(0, |funds| funds.total)
        }
        _ => return Answer::refused(400, "Invalid asset type"),
    };
    let unlimited = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    let spender = "0xE111180000d2663C0091e4f400237545B87B996B";
    Answer::fine(json!({ "balance": total.to_string(), "allowances": { spender: unlimited } }).to_string())
}

/// Starts or feeds the dead-man switch; a wrong id is refused with the right one.
fn heartbeat(house: &mut House, asked: &Asked<'_>, account: usize) -> Answer {
    let body: Value = serde_json::from_str(asked.body).unwrap_or_default();
    let said = body["heartbeat_id"].as_str().unwrap_or("");
    if let Some(known) = house.accounts[account].heartbeat.as_ref().filter(|known| known.id != said) {
        let body = json!({ "heartbeat_id": known.id, "error": "Invalid Heartbeat ID" });
        return Answer { status: 400, body: body.to_string(), tokens: None };
    }
    let beat = Heartbeat { id: house.uuid(), heard_ns: house.now_ns };
    let body = json!({ "heartbeat_id": beat.id, "error": null }).to_string();
    house.accounts[account].heartbeat = Some(beat);
    Answer::fine(body)
}
