//! Public topics by name: what a plan asks for, and which answer of the venue acknowledges or refuses
//! which of them, so that every topic's state can be tracked (requested → acked → data).
//!
//! A topic's name is a Binance stream (`btcusdt@bookTicker`), OKX's channel and instrument
//! (`books:BTC-USDT`), a Bybit topic (`orderbook.50.BTCUSDT`), or a Polymarket token id.

use crate::plan::Plan;
use crate::venue::Venue;
use serde_json::Value;

/// One request for topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What its answer echoes; `None` when the topics stand in the URL, where the venue answers
    /// nothing, or when answers name the topic themselves.
    pub request: Option<String>,
    /// Names of the topics.
    pub topics: Vec<String>,
}

/// What a message says about topics or about the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ack {
    /// The venue will send it.
    Subscribed {
        /// Which request was answered.
        request: Option<String>,
        /// Which topic; `None`: all of the request that are not refused by name.
        topic: Option<String>,
    },
    /// The venue will not send it.
    Refused {
        /// Which request was answered.
        request: Option<String>,
        /// Which topic; `None`: all of the request.
        topic: Option<String>,
        /// The venue's reason.
        why: String,
    },
    /// The venue will close the line soon: replace it now.
    Leaving,
}

/// What a plan asks for, connection by connection the plan's own requests only (not those of `also`).
pub fn requested(plan: &Plan) -> Vec<Request> {
    let in_path = plan.ws_path.split_once("streams=").map(|(_, streams)| Request {
        request: None,
        topics: streams.split('&').next().unwrap_or_default().split('/').map(str::to_owned).collect(),
    });
    in_path.into_iter().chain(plan.frames.iter().filter_map(|frame| request_of(frame))).collect()
}

/// The topics of a subscription frame.
pub fn request_of(frame: &str) -> Option<Request> {
    let frame: Value = serde_json::from_str(frame).ok()?;
    let lists = ["args", "params", "assets_ids"];
    let args = lists.iter().find_map(|key| frame.get(*key))?.as_array()?;
    let request = ["req_id", "id"].iter().find_map(|key| frame.get(*key)).and_then(word);
    Some(Request { request, topics: args.iter().filter_map(name).collect() })
}

/// The name of a topic: a string, or OKX's object.
fn name(arg: &Value) -> Option<String> {
    if let Some(text) = arg.as_str() {
        return Some(text.to_owned());
    }
    let field = |key: &str| arg.get(key).and_then(Value::as_str);
    Some(format!("{}:{}", field("channel")?, field("instId").or_else(|| field("instType"))?))
}

/// A string, or a number as text.
fn word(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| value.is_number().then(|| value.to_string()))
}

/// What a message of a public line says about topics or the line; empty for data, pongs and whatever
/// is not known.
pub fn acks(venue: Venue, frame: &[u8]) -> Vec<Ack> {
    let Ok(message) = serde_json::from_slice::<Value>(frame) else { return Vec::new() };
    match venue {
        Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr | Venue::BinanceUsdm | Venue::BinanceCoinm => {
            binance(&message)
        }
        Venue::Okx => okx(&message),
        Venue::BybitSpot | Venue::BybitLinear | Venue::BybitInverse => bybit(&message),
        // Nothing is acknowledged: the first book is the answer.
        Venue::Polymarket => Vec::new(),
    }
}

/// `{"result":null,"id":1}`, `{"error":{"code":2,"msg":".."},"id":1}`, `{"code":2,"msg":".."}`, and the
/// announced end, bare or wrapped.
fn binance(message: &Value) -> Vec<Ack> {
    let event = message.get("data").unwrap_or(message).get("e").and_then(Value::as_str);
    if event == Some("serverShutdown") {
        return vec![Ack::Leaving];
    }
    let request = message.get("id").and_then(word);
    let refusal = message.get("error").or_else(|| message.get("code").map(|_| message));
    if let Some(error) = refusal {
        return vec![Ack::Refused { request, topic: None, why: reason(error, "code", "msg") }];
    }
    let acked = request.is_some() && message.get("result").is_some_and(Value::is_null);
    acked.then_some(Ack::Subscribed { request, topic: None }).into_iter().collect()
}

/// `{"event":"subscribe","arg":{..}}`, `{"event":"error","code":"60018","msg":".."}` and the notice
/// 64008 of a service upgrade. An error names its topic in words only, if at all.
fn okx(message: &Value) -> Vec<Ack> {
    let request = message.get("id").and_then(word);
    match message.get("event").and_then(Value::as_str) {
        Some("subscribe") => {
            let topic = message.get("arg").and_then(name);
            topic.map(|topic| Ack::Subscribed { request, topic: Some(topic) }).into_iter().collect()
        }
        Some("error") => {
            let why = reason(message, "code", "msg");
            let topic = message.get("arg").and_then(name).or_else(|| okx_named(&why));
            vec![Ack::Refused { request, topic, why }]
        }
        Some("notice") if message.get("code").and_then(word).as_deref() == Some("64008") => vec![Ack::Leaving],
        _ => Vec::new(),
    }
}

/// The topic of `Wrong URL or channel:books,instId:XX-YY doesn't exist.`
fn okx_named(why: &str) -> Option<String> {
    let after = |marker: &str| {
        let rest = why.split_once(marker)?.1;
        let end = rest.find([',', ' ', '.']).unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    };
    Some(format!("{}:{}", after("channel:")?, after("instId:")?))
}

/// `{"success":true,"ret_msg":"subscribe","req_id":"..","op":"subscribe"}`, with `failTopics` where a
/// part was refused; a refusal's message may name the topic.
fn bybit(message: &Value) -> Vec<Ack> {
    let subscribes = message.get("op").and_then(Value::as_str) == Some("subscribe");
    let (Some(success), true) = (message.get("success").and_then(Value::as_bool), subscribes || has_lists(message))
    else {
        return Vec::new();
    };
    let request = message.get("req_id").and_then(word).filter(|id| !id.is_empty());
    let why = message.get("ret_msg").and_then(word).unwrap_or_default();
    let failed = topics_at(message, "/data/failTopics");
    let mut acks: Vec<Ack> =
        failed.map(|topic| Ack::Refused { request: request.clone(), topic: Some(topic), why: why.clone() }).collect();
    if success {
        acks.push(Ack::Subscribed { request, topic: None });
    } else if acks.is_empty() {
        let topic = bybit_named(&why);
        acks.push(Ack::Refused { request, topic, why });
    }
    acks
}

fn has_lists(message: &Value) -> bool {
    message.pointer("/data/failTopics").is_some() || message.pointer("/data/successTopics").is_some()
}

fn topics_at<'a>(message: &'a Value, path: &str) -> impl Iterator<Item = String> + 'a {
    message
        .pointer(path)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|topic| topic.as_str())
        .map(str::to_owned)
}

/// The topic of `error:handler not found,topic:orderbook.50.XX` or `Invalid symbol :[orderbook.50.XX]`.
fn bybit_named(why: &str) -> Option<String> {
    let rest = why.split_once("topic:").or_else(|| why.split_once(":[")).map(|(_, rest)| rest)?;
    let topic = rest.split([']', ',', ' ']).next().unwrap_or_default();
    (!topic.is_empty() && topic.contains('.')).then(|| topic.to_owned())
}

/// Code and message of a refusal.
fn reason(error: &Value, code: &str, message: &str) -> String {
    let part = |key: &str| error.get(key).and_then(word).unwrap_or_default();
    format!("{} {}", part(code), part(message)).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Channels, plan};

    const ALL: Channels = Channels { depth: true, top: true, trades: false };

    fn subscribed(request: Option<&str>, topic: Option<&str>) -> Ack {
        Ack::Subscribed { request: request.map(str::to_owned), topic: topic.map(str::to_owned) }
    }

    fn refused(request: Option<&str>, topic: Option<&str>, why: &str) -> Ack {
        Ack::Refused { request: request.map(str::to_owned), topic: topic.map(str::to_owned), why: why.to_owned() }
    }

    #[test]
    fn a_plan_names_its_topics() {
        let binance = requested(&plan(Venue::BinanceSpot, &["BTCUSDT"], ALL));
        assert_eq!(
            binance,
            [Request { request: None, topics: vec!["btcusdt@depth@100ms".into(), "btcusdt@bookTicker".into()] }]
        );
        let okx = requested(&plan(Venue::Okx, &["BTC-USDT"], ALL));
        assert_eq!(okx[0].topics, ["books:BTC-USDT", "bbo-tbt:BTC-USDT"]);
        let bybit = requested(&plan(Venue::BybitSpot, &["BTCUSDT"], ALL));
        assert_eq!(
            bybit,
            [Request {
                request: Some("s0".into()),
                topics: vec!["orderbook.50.BTCUSDT".into(), "orderbook.1.BTCUSDT".into()]
            }]
        );
    }

    #[test]
    fn binance_answers_by_request() {
        assert_eq!(acks(Venue::BinanceSpot, br#"{"result":null,"id":1}"#), [subscribed(Some("1"), None)]);
        let error = br#"{"error":{"code":2,"msg":"Invalid request: unknown stream"},"id":"a"}"#;
        assert_eq!(acks(Venue::BinanceSpot, error), [refused(Some("a"), None, "2 Invalid request: unknown stream")]);
        let bare = br#"{"code":2,"msg":"Invalid request: missing field"}"#;
        assert_eq!(acks(Venue::BinanceUsdm, bare), [refused(None, None, "2 Invalid request: missing field")]);
    }

    #[test]
    fn okx_answers_by_topic() {
        let ack =
            br#"{"id":"1512","event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}"#;
        assert_eq!(acks(Venue::Okx, ack), [subscribed(Some("1512"), Some("books:BTC-USDT"))]);
        let error = br#"{"event":"error","code":"60018","msg":"Wrong URL or channel:books,instId:XX-YY doesn't exist. Please use the correct URL.","connId":"a"}"#;
        let [Ack::Refused { topic, why, .. }] = &acks(Venue::Okx, error)[..] else { panic!("not refused") };
        assert_eq!(topic.as_deref(), Some("books:XX-YY"));
        assert!(why.starts_with("60018 Wrong URL"));
        assert_eq!(
            acks(Venue::Okx, br#"{"event":"error","code":"60012","msg":"Illegal request"}"#),
            [refused(None, None, "60012 Illegal request")]
        );
    }

    #[test]
    fn bybit_answers_by_request_and_may_refuse_a_part() {
        let ack = br#"{"success":true,"ret_msg":"subscribe","conn_id":"x","req_id":"s1","op":"subscribe"}"#;
        assert_eq!(acks(Venue::BybitSpot, ack), [subscribed(Some("s1"), None)]);
        let refusal = br#"{"success":false,"ret_msg":"error:handler not found,topic:orderbook.50.XX","conn_id":"x","req_id":"s1","op":"subscribe"}"#;
        let why = "error:handler not found,topic:orderbook.50.XX";
        assert_eq!(acks(Venue::BybitSpot, refusal), [refused(Some("s1"), Some("orderbook.50.XX"), why)]);
        let part = br#"{"success":true,"conn_id":"x","data":{"failTopics":["orderbook.50.XX"],"successTopics":["orderbook.1.BTCUSDT"]},"type":"COMMAND_RESP","req_id":"s2"}"#;
        assert_eq!(
            acks(Venue::BybitLinear, part),
            [refused(Some("s2"), Some("orderbook.50.XX"), ""), subscribed(Some("s2"), None)]
        );
    }

    #[test]
    fn an_announced_end_is_told() {
        assert_eq!(acks(Venue::BinanceSpot, br#"{"e":"serverShutdown","E":1770123456789}"#), [Ack::Leaving]);
        assert_eq!(
            acks(Venue::BinanceSpot, br#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}"#),
            [Ack::Leaving]
        );
        let notice = br#"{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"a4d3ae55"}"#;
        assert_eq!(acks(Venue::Okx, notice), [Ack::Leaving]);
    }

    #[test]
    fn data_and_pongs_are_nothing_of_it() {
        for (venue, frame) in [
            (Venue::BinanceSpot, r#"{"u":400900217,"s":"BNBUSDT","b":"25.3","B":"31","a":"25.4","A":"40"}"#),
            (Venue::Okx, "pong"),
            (Venue::Okx, r#"{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[]}"#),
            (Venue::BybitSpot, r#"{"success":true,"ret_msg":"pong","conn_id":"..","op":"ping"}"#),
            (Venue::BybitSpot, r#"{"topic":"orderbook.1.BTCUSDT","type":"snapshot","data":{}}"#),
        ] {
            assert_eq!(acks(venue, frame.as_bytes()), [], "{frame}");
        }
    }
}
