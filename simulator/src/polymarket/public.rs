//! What anybody may ask the CLOB: time, books, prices and a market's parameters.

use serde_json::{Value, json};

use super::book::Outcome;
use super::calendar::rfc3339;
use super::encode;
use super::fee::{RATE_PERCENT, price, text};
use super::house::House;
use super::rest::{Answer, Asked};
use super::updown::{SIZE_MIN, UpDown};

/// Markets on one page of `/markets`.
const PAGE: usize = 100;

/// The answer to a public request; `None` when the path is not one of these.
pub(super) fn answer(house: &House, asked: &Asked<'_>) -> Option<Answer> {
    let found = match (asked.method, asked.path) {
        ("GET", "/" | "/ok") => Answer::fine("\"OK\""),
        ("GET", "/time") => Answer::fine(house.now_s().to_string()),
        ("GET", "/version") => Answer::fine(r#"{"version":2}"#),
        ("GET", "/markets") => listed(house, asked),
        ("POST", "/books") => books(house, asked),
        ("GET", "/book") => of_token(house, asked, encode::summary),
        ("GET", "/tick-size") => of_token(house, asked, |m, _| format!(r#"{{"minimum_tick_size":{}}}"#, price(m.tick))),
        ("GET", "/neg-risk") => of_token(house, asked, |m, _| json!({ "neg_risk": m.negative_risk() }).to_string()),
        ("GET", "/fee-rate") => of_token(house, asked, |_, _| r#"{"base_fee":0}"#.to_owned()),
        ("GET", "/price") => {
            let bids = asked.param("side").is_none_or(|side| side == "BUY");
            of_token(house, asked, |m, o| json!({ "price": m.best(o, bids).map_or("0".to_owned(), price) }).to_string())
        }
        ("GET", "/midpoint") => of_token(house, asked, |m, o| json!({ "mid": middle(m, o) }).to_string()),
        ("GET", "/spread") => of_token(house, asked, |m, o| {
            let spread = m.best(o, false).zip(m.best(o, true)).map_or(0, |(ask, bid)| ask - bid);
            json!({ "spread": price(spread) }).to_string()
        }),
        ("GET", "/last-trade-price") => of_token(house, asked, |m, o| {
            json!({ "price": m.last_px.map_or("0.5".to_owned(), |px| price(o.own(px))), "side": "BUY" }).to_string()
        }),
        ("GET", path) => return of_condition(house, path),
        _ => return None,
    };
    Some(found)
}

fn of_condition(house: &House, path: &str) -> Option<Answer> {
    let missing = || Answer::refused(404, "market not found");
    let shown = |condition: &str, show: fn(&UpDown) -> Value| {
        house.markets.get(condition).map_or_else(missing, |market| Answer::fine(show(market).to_string()))
    };
    if let Some(condition) = path.strip_prefix("/clob-markets/") {
        return Some(shown(condition, compact));
    }
    if let Some(token) = path.strip_prefix("/markets-by-token/") {
        let named = |m: &UpDown| json!({ "condition_id": m.condition, "primary_token_id": m.tokens[0], "secondary_token_id": m.tokens[1] });
        return Some(house.of_token(token).map_or_else(missing, |(m, _)| Answer::fine(named(m).to_string())));
    }
    path.strip_prefix("/markets/").map(|condition| shown(condition, full))
}

fn of_token(house: &House, asked: &Asked<'_>, show: impl Fn(&UpDown, Outcome) -> String) -> Answer {
    let Some(token) = asked.param("token_id") else { return Answer::refused(400, "Invalid token id") };
    match house.of_token(token) {
        Some((market, outcome)) => Answer::fine(show(market, outcome)),
        None => Answer::refused(404, "No orderbook exists for the requested token id"),
    }
}

fn books(house: &House, asked: &Asked<'_>) -> Answer {
    let Ok(wanted) = serde_json::from_str::<Vec<Value>>(asked.body) else {
        return Answer::refused(400, "Invalid payload");
    };
    let found = wanted.iter().take(500).filter_map(|w| house.of_token(w["token_id"].as_str()?));
    let books: Vec<String> = found.map(|(market, outcome)| encode::summary(market, outcome)).collect();
    Answer::fine(format!("[{}]", books.join(",")))
}

fn middle(market: &UpDown, outcome: Outcome) -> String {
    let sides = market.best(outcome, true).zip(market.best(outcome, false));
    sides.map_or("0".to_owned(), |(bid, ask)| price((bid + ask) / 2))
}

/// What `/clob-markets/{condition}` says.
fn compact(market: &UpDown) -> Value {
    let tokens = Outcome::BOTH.map(|outcome| json!({ "t": market.token(outcome), "o": outcome.name() }));
    json!({
        "t": tokens, "c": market.condition, "mos": SIZE_MIN / super::MICRO, "mts": decimal(market.tick), "mbf": 0,
        "tbf": 0, "nr": market.negative_risk(), "itode": true, "ibce": true, "rfqe": false,
        "fd": { "r": RATE_PERCENT as f64 / 100.0, "e": 1, "to": true }, "oas": 0,
    })
}

fn decimal(px: i64) -> Value {
    serde_json::from_str(&price(px)).unwrap_or(Value::Null)
}

/// What `/markets/{condition}` says.
fn full(market: &UpDown) -> Value {
    let token = |outcome: Outcome| {
        let last = market.best(outcome, true).unwrap_or(super::PX_ONE / 2);
        json!({ "token_id": market.token(outcome), "outcome": outcome.name(), "price": decimal(last),
            "winner": market.winner == Some(outcome) })
    };
    json!({
        "enable_order_book": true, "active": true, "closed": market.winner.is_some(), "archived": false,
        "accepting_orders": market.open(), "minimum_order_size": SIZE_MIN / super::MICRO,
        "minimum_tick_size": decimal(market.tick), "condition_id": market.condition,
        "question_id": market.condition, "question": market.slug, "market_slug": market.slug,
        "end_date_iso": rfc3339(market.end_s()), "game_start_time": null, "seconds_delay": 0, "neg_risk": market.negative_risk(),
        "maker_base_fee": 0, "taker_base_fee": 0, "tokens": Outcome::BOTH.map(token),
        "size_min": text(SIZE_MIN),
    })
}

fn listed(house: &House, asked: &Asked<'_>) -> Answer {
    let all: Vec<Value> = house.markets.values().map(full).collect();
    Answer::fine(page(all, asked.param("next_cursor"), PAGE).to_string())
}

/// One page of rows as the CLOB pages: the cursor is the base64 of an offset, `LTE=` (−1) is the end.
pub(super) fn page(rows: Vec<Value>, cursor: Option<&str>, size: usize) -> Value {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let offset = cursor.and_then(|cursor| STANDARD.decode(cursor).ok()).and_then(|b| String::from_utf8(b).ok());
    let offset = offset.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
    let (total, data): (usize, Vec<Value>) = (rows.len(), rows.into_iter().skip(offset).take(size).collect());
    let next = if offset.saturating_add(size) < total {
        STANDARD.encode((offset + size).to_string())
    } else {
        "LTE=".to_owned()
    };
    json!({ "limit": size, "count": data.len(), "next_cursor": next, "data": data })
}
