//! A fault script: when which verb meets what, for how long. JSON, either a list of entries or an object
//! with `faults` (other members belong to the scenario and are refused here, so that a typo is never silent).

use serde_json::{Map, Value};

use crate::config::{Endpoint, Venue};
use crate::fault::verb::Verb;

/// What a fault meets; `None` means every one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The venue.
    pub venue: Option<Venue>,
    /// The endpoint.
    pub endpoint: Option<Endpoint>,
    /// Number of the connection, as `GET /state` shows it.
    pub conn: Option<u64>,
    /// A stream's key (`btcusdt@depth@100ms`, `books:BTC-USDT`, `spot/orderbook.50.BTCUSDT`), or for REST
    /// the beginning of a path. A `*` at the end stands for anything.
    pub topic: Option<String>,
    /// An instrument, in the venue's spelling.
    pub symbol: Option<String>,
}

/// Something that happens in the simulator and can set off a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A connection was upgraded.
    Connect,
    /// A stream was subscribed to.
    Subscribe,
    /// A push went out on a stream.
    Push,
    /// A REST request arrived.
    Request,
    /// An order request arrived.
    Order,
    /// An order was filled, in part or in full.
    Fill,
}

/// When a fault begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// So many nanoseconds after the script was handed in.
    At(u64),
    /// At the `count`-th happening that fits the target, and `delay_ns` later.
    After {
        /// What must happen.
        what: Happening,
        /// How often, from 1.
        count: u64,
        /// And then so many nanoseconds.
        delay_ns: u64,
    },
}

/// One entry of a script.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// When.
    pub when: When,
    /// What.
    pub verb: Verb,
    /// To what.
    pub target: Target,
    /// For how many nanoseconds; `None` = until it is taken back (or at once over, where the verb is an act).
    pub duration_ns: Option<u64>,
}

impl Injection {
    /// `verb` on `venue`, now, until taken back.
    pub fn new(venue: Venue, verb: Verb) -> Self {
        let target = Target { venue: Some(venue), ..Target::default() };
        Self { when: When::At(0), verb, target, duration_ns: None }
    }

    /// The same on one endpoint only.
    #[must_use]
    pub fn on(mut self, endpoint: Endpoint) -> Self {
        self.target.endpoint = Some(endpoint);
        self
    }

    /// The same on one connection only.
    #[must_use]
    pub fn conn(mut self, conn: u64) -> Self {
        self.target.conn = Some(conn);
        self
    }

    /// The same for one topic (or path) only.
    #[must_use]
    pub fn topic(mut self, topic: &str) -> Self {
        self.target.topic = Some(topic.to_owned());
        self
    }

    /// The same for one instrument only.
    #[must_use]
    pub fn symbol(mut self, symbol: &str) -> Self {
        self.target.symbol = Some(symbol.to_owned());
        self
    }

    /// The same for `ms` milliseconds.
    #[must_use]
    pub fn lasting_ms(mut self, ms: u64) -> Self {
        self.duration_ns = Some(ms.saturating_mul(MS));
        self
    }
}

const MS: u64 = 1_000_000;

/// Reads a script: a list of entries, one entry, or `{"faults": [..]}`.
///
/// # Errors
/// Not JSON, or an entry that is not understood: which one, and why.
pub fn parse(text: &str) -> Result<Vec<Injection>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let list = match value {
        Value::Array(list) => list,
        Value::Object(mut map) if map.contains_key("faults") => {
            let faults = map.remove("faults");
            if let Some(key) = map.keys().next() {
                return Err(format!("unknown key `{key}` beside `faults`"));
            }
            let Some(Value::Array(list)) = faults else { return Err("`faults` is not a list".to_owned()) };
            list
        }
        entry @ Value::Object(_) => vec![entry],
        _ => return Err("a script is a list of entries".to_owned()),
    };
    let read = |(place, entry)| self::entry(entry).map_err(|why| format!("entry {place}: {why}"));
    list.into_iter().enumerate().map(read).collect()
}

fn entry(value: Value) -> Result<Injection, String> {
    let Value::Object(mut map) = value else { return Err("not an object".to_owned()) };
    let name = text(&mut map, "verb")?.ok_or("no `verb`")?;
    let target = Target {
        venue: text(&mut map, "venue")?.map(|n| Venue::named(&n).ok_or(format!("unknown venue `{n}`"))).transpose()?,
        endpoint: text(&mut map, "endpoint")?
            .map(|n| Endpoint::named(&n).ok_or(format!("unknown endpoint `{n}`, there are A and B")))
            .transpose()?,
        conn: number(&mut map, "conn")?,
        topic: text(&mut map, "topic")?,
        symbol: text(&mut map, "symbol")?,
    };
    let duration_ns = number(&mut map, "duration_ms")?.map(|ms| ms.saturating_mul(MS));
    let when = when(&mut map)?;
    // what is left are the verb's own parameters; serde names what it does not know
    let verb: Verb = serde_json::from_value(Value::Object(Map::from_iter([(name.clone(), Value::Object(map))])))
        .map_err(|error| format!("verb `{name}`: {error}"))?;
    if let Some(why) = verb.wrong() {
        return Err(format!("verb `{name}`: {why}"));
    }
    Ok(Injection { when, verb, target, duration_ns })
}

fn when(map: &mut Map<String, Value>) -> Result<When, String> {
    let at = number(map, "at_ms")?;
    let Some(after) = map.remove("after") else { return Ok(When::At(at.unwrap_or(0).saturating_mul(MS))) };
    let Value::Object(mut after) = after else { return Err("`after` is not an object".to_owned()) };
    if at.is_some() {
        return Err("`at_ms` and `after` exclude each other".to_owned());
    }
    let what = match text(&mut after, "event")?.as_deref() {
        Some("connect") => Happening::Connect,
        Some("subscribe") => Happening::Subscribe,
        Some("push") => Happening::Push,
        Some("request") => Happening::Request,
        Some("order") => Happening::Order,
        Some("fill") => Happening::Fill,
        other => return Err(format!("unknown event `{}`", other.unwrap_or(""))),
    };
    let count = number(&mut after, "count")?.unwrap_or(1).max(1);
    let delay_ns = number(&mut after, "delay_ms")?.unwrap_or(0).saturating_mul(MS);
    match after.keys().next() {
        Some(key) => Err(format!("unknown key `{key}` in `after`")),
        None => Ok(When::After { what, count, delay_ns }),
    }
}

fn text(map: &mut Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match map.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{key}` is not a text")),
    }
}

fn number(map: &mut Map<String, Value>, key: &str) -> Result<Option<u64>, String> {
    match map.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).ok_or(format!("`{key}` is not a whole number from 0")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_when_what_where_and_how_long() {
        let script = parse(
            r#"{"faults":[{"at_ms":5,"verb":"gap","n":2,"venue":"okx","endpoint":"B","topic":"books:*","duration_ms":7},
                {"after":{"event":"order","count":17},"verb":"reset","conn":3}]}"#,
        )
        .unwrap();
        assert_eq!(script[0].when, When::At(5_000_000));
        assert_eq!((&script[0].verb, script[0].duration_ns), (&Verb::Gap { n: 2 }, Some(7_000_000)));
        assert_eq!((script[0].target.venue, script[0].target.endpoint), (Some(Venue::Okx), Some(Endpoint::B)));
        assert_eq!(script[1].when, When::After { what: Happening::Order, count: 17, delay_ns: 0 });
        assert_eq!((&script[1].verb, script[1].target.conn), (&Verb::Reset {}, Some(3)));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let why = |text: &str| parse(text).unwrap_err();
        assert!(why("[").contains("not JSON"));
        assert!(why(r#"[{"verb":"gapp"}]"#).contains("unknown variant `gapp`"));
        assert!(why(r#"[{"verb":"gap"},{"verb":"gap","m":1}]"#).contains("entry 1: verb `gap`: unknown field `m`"));
        assert!(why(r#"[{"verb":"gap","venue":"nyse"}]"#).contains("unknown venue `nyse`"));
        assert!(why(r#"[{"verb":"gap","endpoint":"C"}]"#).contains("unknown endpoint `C`"));
        assert!(why(r#"[{"verb":"corrupt","p":2}]"#).contains("between 0 and 1"));
        assert!(why(r#"[{"verb":"reset","after":{"event":"rain"}}]"#).contains("unknown event `rain`"));
        assert!(why(r#"{"faults":[],"sede":1}"#).contains("`sede`"));
        assert!(why(r#"[{"n":1}]"#).contains("no `verb`"));
    }
}
