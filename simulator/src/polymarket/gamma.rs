//! Discovery: events and markets by slug or series, as the Gamma host serves them, and the data host's
//! positions. They have prefixes of their own, `/gamma` and `/data-api`, and answer without them too, so that
//! one address can stand for all three hosts: only `/markets` is known to two, and told apart by its query. Members that hold lists are strings of JSON, as on the venue.

use serde_json::{Value, json};

use super::book::Outcome;
use super::calendar::{Span, rfc3339};
use super::eip712::Exchange;
use super::fee::{RATE_PERCENT, price, text};
use super::house::House;
use super::rest::{Answer, Asked};
use super::updown::{SIZE_MIN, UpDown, label};

/// Rows of one page; a larger limit is cut to it without a word, as on the venue.
const PAGE: usize = 100;

/// The answer to a discovery request; `None` when the path is not one of these.
pub(super) fn answer(house: &House, asked: &Asked<'_>) -> Option<Answer> {
    let path = path(asked).filter(|_| asked.method == "GET")?;
    let one = |found: Option<Value>| match found {
        Some(row) => Answer::fine(row.to_string()),
        None => Answer::refused(404, "not found"),
    };
    let by_slug = |slug: &str| house.markets.values().find(|market| market.slug == slug);
    Some(match path {
        "/events" => Answer::fine(Value::from(rows(house, asked, event)).to_string()),
        "/markets" => Answer::fine(Value::from(rows(house, asked, market)).to_string()),
        "/events/keyset" => keyset(house, asked),
        "/series" => Answer::fine(Value::from(series(house, asked)).to_string()),
        "/positions" => positions(house, asked),
        _ => match path.strip_prefix("/markets/slug/") {
            Some(slug) => one(by_slug(slug).map(market)),
            None => one(path.strip_prefix("/events/slug/").and_then(by_slug).map(event)),
        },
    })
}

/// The path at its own host, if the request is for one of them.
fn path<'a>(asked: &Asked<'a>) -> Option<&'a str> {
    let prefixed = asked.path.strip_prefix("/gamma").or_else(|| asked.path.strip_prefix("/data-api"));
    let bare = match asked.path {
        "/events" | "/events/keyset" | "/series" | "/positions" => true,
        "/markets" => ["slug", "condition_ids", "clob_token_ids", "limit"].iter().any(|key| asked.param(key).is_some()),
        path => path.starts_with("/events/slug/") || path.starts_with("/markets/slug/"),
    };
    prefixed.or(bare.then_some(asked.path))
}

/// Markets that fit the request's filters, by their start.
fn wanted<'a>(house: &'a House, asked: &Asked<'_>) -> Vec<&'a UpDown> {
    let all = |name: &str| -> Vec<&str> {
        asked.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    };
    let (slugs, conditions, tokens) = (all("slug"), all("condition_ids"), all("clob_token_ids"));
    let series = asked.param("series_id").and_then(|id| id.parse::<u32>().ok());
    let closed = asked.param("closed").and_then(|text| text.parse::<bool>().ok());
    let fits = |m: &&UpDown| {
        (slugs.is_empty() || slugs.contains(&m.slug.as_str()))
            && (conditions.is_empty() || conditions.contains(&m.condition.as_str()))
            && (tokens.is_empty() || m.tokens.iter().any(|token| tokens.contains(&token.as_str())))
            && series.is_none_or(|id| m.span.series(&m.coin).0 == id)
            && closed.is_none_or(|closed| closed == m.winner.is_some())
    };
    let mut found: Vec<_> = house.markets.values().filter(fits).collect();
    found.sort_by_key(|m| (m.start_s, &m.slug));
    found
}

fn limit(asked: &Asked<'_>) -> usize {
    asked.param("limit").and_then(|text| text.parse().ok()).unwrap_or(PAGE).min(PAGE)
}

fn rows(house: &House, asked: &Asked<'_>, show: fn(&UpDown) -> Value) -> Vec<Value> {
    let offset = asked.param("offset").and_then(|text| text.parse().ok()).unwrap_or(0);
    wanted(house, asked).into_iter().skip(offset).take(limit(asked)).map(show).collect()
}

fn keyset(house: &House, asked: &Asked<'_>) -> Answer {
    let (all, limit) = (wanted(house, asked), limit(asked).max(1));
    let after = asked.param("after_cursor").or_else(|| asked.param("next_cursor"));
    let from = after.map_or(0, |cursor| all.iter().position(|m| m.condition == cursor).map_or(all.len(), |at| at + 1));
    let shown: Vec<_> = all.iter().skip(from).take(limit).collect();
    let more = from + shown.len() < all.len();
    let next = shown.last().filter(|_| more).map(|m| m.condition.clone());
    let events: Vec<Value> = shown.into_iter().map(|m| event(m)).collect();
    Answer::fine(json!({ "events": events, "next_cursor": next }).to_string())
}

fn series(house: &House, asked: &Asked<'_>) -> Vec<Value> {
    let coins: std::collections::BTreeSet<&str> = house.markets.values().map(|m| m.coin.as_str()).collect();
    let all = coins.into_iter().flat_map(|coin| Span::ALL.map(|span| span.series(coin)));
    let fits = |slug: &str| asked.param("slug").is_none_or(|wanted| wanted == slug);
    all.filter(|(_, slug)| fits(slug)).map(|(id, slug)| json!({ "id": id.to_string(), "slug": slug })).collect()
}

fn event(m: &UpDown) -> Value {
    let (id, series) = m.span.series(&m.coin);
    json!({
        "id": identity(m), "slug": m.slug, "ticker": m.slug, "title": title(m), "active": true,
        "closed": m.winner.is_some(), "startTime": rfc3339(m.start_s), "endDate": rfc3339(m.end_s()),
        "enableOrderBook": true, "negRisk": m.negative_risk(), "seriesSlug": series,
        "series": [{ "id": id.to_string(), "slug": series }], "markets": [market(m)],
    })
}

fn market(m: &UpDown) -> Value {
    let best =
        |bids: bool| m.best(Outcome::Up, bids).map(price).and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let won = |outcome: Outcome| if m.winner == Some(outcome) { "1" } else { "0" };
    let prices = match (m.winner, m.best(Outcome::Up, true)) {
        (Some(_), _) => [won(Outcome::Up).to_owned(), won(Outcome::Down).to_owned()],
        (None, Some(px)) => [price(px), price(super::PX_ONE - px)],
        (None, None) => ["0.5".to_owned(), "0.5".to_owned()],
    };
    let tick: Value = serde_json::from_str(&price(m.tick)).unwrap_or_default();
    let mut row = json!({
        "id": identity(m), "question": title(m), "conditionId": m.condition, "slug": m.slug,
        "resolutionSource": source(m), "description": rules(m), "startDate": rfc3339(m.start_s - 86_400),
        "eventStartTime": rfc3339(m.start_s), "endDate": rfc3339(m.end_s()),
        "outcomes": r#"["Up", "Down"]"#, "outcomePrices": json!(prices).to_string(),
        "clobTokenIds": json!(m.conditional).to_string(), "active": true, "closed": m.winner.is_some(),
        "enableOrderBook": true, "acceptingOrders": m.open(), "orderPriceMinTickSize": tick,
        "orderMinSize": SIZE_MIN / super::MICRO, "negRisk": m.negative_risk(), "secondsDelay": 0, "version": "v1",
        "bestBid": best(true), "bestAsk": best(false), "umaResolutionStatus": if m.winner.is_some() { "resolved" } else { "" },
    });
    if m.exchange == Exchange::Ledger {
        row["version"] = json!("v2");
        row["positionIds"] = json!(json!(m.tokens).to_string());
    }
    row["feesEnabled"] = json!(true);
    row["feeType"] = json!("crypto_fees_v2");
    let rate = RATE_PERCENT as f64 / 100.0;
    row["feeSchedule"] = json!({ "rate": rate, "exponent": 1, "takerOnly": true, "rebateRate": 0.2 });
    if m.span == Span::Quarter {
        let coin = m.coin.to_lowercase();
        let duration = label(m.length_s);
        row["cryptoMarketConfig"] = json!({ "id": format!("{coin}-{duration}-twap-60"), "asset": coin,
            "duration": duration, "twapEnabled": true, "twapLookbackSeconds": 60 });
    }
    row
}

/// What is said to decide the market, as the venue says it; here it is the simulator's own price.
fn source(m: &UpDown) -> String {
    match m.span {
        Span::Quarter => format!("https://data.chain.link/streams/{}-usd-twap-60s-streams", m.coin.to_lowercase()),
        Span::Hour => format!("https://www.binance.com/en/trade/{}_USDT", m.coin),
    }
}

fn rules(m: &UpDown) -> String {
    let (coin, source) = (&m.coin, source(m));
    match m.span {
        Span::Quarter => format!(
            "This market will resolve to \"Up\" if the price at the end of the time range is greater than or equal to the \
             price at the beginning of it. Otherwise it will resolve to \"Down\". The source is Chainlink, {source}."
        ),
        Span::Hour => format!(
            "This market will resolve to \"Up\" if the close price is greater than or equal to the open price for the \
             {coin}/USDT 1 hour candle that begins on the time and date specified in the title, by Binance, {source}."
        ),
    }
}

fn identity(m: &UpDown) -> String {
    let digits = m.condition.get(2..10).unwrap_or("0");
    u32::from_str_radix(digits, 16).unwrap_or(0).to_string()
}

fn title(m: &UpDown) -> String {
    format!("{} Up or Down - {} to {}", m.coin, rfc3339(m.start_s), rfc3339(m.end_s()))
}

fn positions(house: &House, asked: &Asked<'_>) -> Answer {
    let user = asked.param("user").and_then(super::word::fixed);
    let purse = user.and_then(|address| house.accounts.iter().find_map(|account| account.purses.get(&address)));
    let row = |((condition, outcome), funds): (&(String, Outcome), &super::account::Funds)| {
        let token = house.markets.get(condition).map(|m| m.token(*outcome).to_owned());
        let size: Value = serde_json::from_str(&text(funds.total)).unwrap_or_default();
        json!({ "conditionId": condition, "asset": token, "outcome": outcome.name(), "size": size })
    };
    let held = purse.into_iter().flat_map(|purse| &purse.shares).filter(|(_, funds)| funds.total != 0);
    Answer::fine(Value::from(held.map(row).collect::<Vec<_>>()).to_string())
}
