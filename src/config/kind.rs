//! The kinds of value a setting may have: each says what is allowed and checks it.

use super::suggest::nearest;
use super::value::{self, decimal};
use config::{Value, ValueKind};
use highwire_links::fixed::FixedError;
use highwire_links::limits::{PAIRS_MAX, VENUES_PER_PAIR_MAX};
use highwire_venues::polymarket::windows::parse_series;
use std::collections::BTreeSet;

/// What a value may be.
#[derive(Debug)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Text of a form.
    Text(Text),
    /// A whole number within `min..=max`.
    Whole {
        /// Least.
        min: i64,
        /// Most.
        max: i64,
        /// What it counts; empty for a bare number.
        unit: &'static str,
    },
    /// An exact decimal, written as text (`"7.5"`) or as a whole number.
    Decimal {
        /// Least.
        min: &'static str,
        /// Most.
        max: &'static str,
        /// Most decimals.
        dp: u8,
        /// What it counts.
        unit: &'static str,
    },
    /// A number that is no money.
    Ratio {
        /// Least.
        min: f64,
        /// Most.
        max: f64,
    },
    /// A list of processor numbers.
    Cores,
    /// A list of asset names, not empty.
    Assets,
    /// A list of lists of asset names.
    Groups,
    /// A list of tables `{ name, members }`.
    Pairs,
    /// A list of market names as they stand in addresses.
    Slugs,
    /// A list of series of up-or-down markets.
    Series,
    /// A list of tables `{ market, reference }`.
    Follows,
}

/// Forms of text.
#[derive(Debug)]
pub enum Text {
    /// Not empty.
    Name,
    /// Anything, also empty.
    Any,
    /// Empty, or where a secret stands. A secret that was written there by mistake fits neither form.
    Source,
    /// Empty, or with one of these schemes and a host.
    Url(&'static [&'static str]),
    /// `auto` or an offset.
    Clock,
    /// Empty, or an IP address and a port.
    Address,
}

/// What is wrong with a value, and where inside it (`[0].members[1]`; empty for the value itself).
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The part of the value, as a suffix to its key.
    pub part: String,
    /// What is wrong.
    pub why: String,
}

impl Kind {
    /// What may stand there, for the operator.
    pub fn allowed(&self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Choice(words) => format!("one of {}", quoted(words)),
            Self::Text(Text::Source) => "empty, \"env:NAME\" or \"file:PATH\"".to_owned(),
            Self::Text(Text::Any) => "a text, which may be empty".to_owned(),
            Self::Text(Text::Name) => "a text that is not empty".to_owned(),
            Self::Text(Text::Url(schemes)) => format!("empty, or an address that begins with {}", schemes.join(" or ")),
            Self::Text(Text::Address) => "empty, or an IP address and a port such as 127.0.0.1:9464".to_owned(),
            Self::Text(Text::Clock) => "\"auto\", or whole milliseconds as text from -86400000 to 86400000".to_owned(),
            Self::Whole { min, max, unit } => {
                format!("a whole number from {min} to {max} {unit}").trim_end().to_owned()
            }
            Self::Decimal { min, max, dp, unit } => {
                format!("a decimal in quotes from {min} to {max} {unit}, at most {dp} decimals")
            }
            Self::Ratio { min, max } => format!("a number from {min} to {max}"),
            Self::Cores => "a list of different processor numbers from 0 to 1023".to_owned(),
            Self::Assets => "a list of 1 or more different asset names such as \"BTC\"".to_owned(),
            Self::Groups => "a list of lists of 2 or more asset names, no name twice".to_owned(),
            Self::Slugs => format!("a list of up to {SLUGS_MAX} different names such as \"btc-updown-15m-1790000100\""),
            Self::Series => "a list of different series such as \"btc-15m\" or \"eth-1h\"".to_owned(),
            Self::Follows => {
                "a list of tables { market = \"btc-updown-15m-*\", reference = \"venue:SYMBOL\" }, each market once"
                    .to_owned()
            }
            Self::Pairs => format!(
                "up to {PAIRS_MAX} tables {{ name = \"BASE/QUOTE\", members = [\"venue:SYMBOL\", …] }}, \
                 each name once, each with 2 to {VENUES_PER_PAIR_MAX} different members"
            ),
        }
    }

    /// The value in the type that the structs expect.
    ///
    /// # Errors
    /// The [`Fault`] that makes it unusable.
    pub fn check(&self, value: &Value) -> Result<Value, Fault> {
        match self {
            Self::Flag => {
                matches!(value.kind, ValueKind::Boolean(_)).then_some(()).ok_or_else(|| typed(value, "a boolean"))
            }
            Self::Choice(words) => choice(text(value)?, words),
            Self::Text(form) => form.check(text(value)?),
            Self::Whole { min, max, .. } => in_range(&whole(value)?, min, max),
            Self::Decimal { min, max, dp, .. } => return exact(value, min, max, *dp),
            Self::Ratio { min, max } => return ratio(value, *min, *max),
            Self::Cores => cores(value),
            Self::Assets => assets(value, 1),
            Self::Groups => groups(value),
            Self::Pairs => pairs(value),
            Self::Slugs => slugs(value),
            Self::Series => series(value),
            Self::Follows => follows(value),
        }?;
        Ok(value.clone())
    }

    /// An environment variable's text as a value; text that does not fit stays text, for `check` to refuse.
    pub fn read(&self, written: &str) -> ValueKind {
        let kept = || ValueKind::String(written.to_owned());
        match self {
            Self::Choice(_) | Self::Text(_) | Self::Decimal { .. } => kept(),
            Self::Flag => written.parse().map_or_else(|_| kept(), ValueKind::Boolean),
            Self::Whole { .. } => written.parse().map_or_else(|_| kept(), ValueKind::I64),
            Self::Ratio { .. } => written.parse().map_or_else(|_| kept(), ValueKind::Float),
            Self::Cores | Self::Assets | Self::Groups | Self::Pairs | Self::Slugs | Self::Series | Self::Follows => {
                inline_toml(written).unwrap_or_else(kept)
            }
        }
    }
}

impl Text {
    fn check(&self, text: &str) -> Result<(), Fault> {
        let (sound, why) = match self {
            Self::Source => {
                let named = ["env:", "file:"].iter().any(|kind| text.len() > kind.len() && text.starts_with(kind));
                (text.is_empty() || named, "it names no place")
            }
            Self::Any => (true, "it is a text"),
            Self::Name => (!text.trim().is_empty(), "it is empty"),
            Self::Url(schemes) => (text.is_empty() || has_host(text, schemes), "it is not such an address"),
            Self::Clock => (value::clock(text).is_some(), "it is neither"),
            Self::Address => (value::address(text).is_some(), "it is no address with a port"),
        };
        if sound { Ok(()) } else { Err(fault(why)) }
    }
}

fn has_host(url: &str, schemes: &[&str]) -> bool {
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(scheme));
    rest.is_some_and(|host| host.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'['))
}

fn inline_toml(written: &str) -> Option<ValueKind> {
    use config::{File, FileFormat, Source};
    let layer = File::from_str(&format!("v = {written}"), FileFormat::Toml).collect().ok()?;
    layer.get("v").map(|value| value.kind.clone())
}

fn choice(word: &str, words: &[&str]) -> Result<(), Fault> {
    if words.contains(&word) {
        return Ok(());
    }
    let near = nearest(word, words.iter().copied());
    Err(fault(near.map_or("no such choice".to_owned(), |near| format!("no such choice; did you mean \"{near}\"?"))))
}

fn exact(value: &Value, min: &str, max: &str, dp: u8) -> Result<Value, Fault> {
    let written = match &value.kind {
        ValueKind::String(text) => text.clone(),
        ValueKind::I64(whole) => whole.to_string(),
        ValueKind::Float(_) => return Err(fault("a bare fraction is not exact: put it in quotes")),
        _ => return Err(typed(value, "a decimal in quotes")),
    };
    let bound = |text| decimal(text, dp).expect("bounds in the table of keys are decimals");
    let mantissa = decimal(&written, dp).map_err(|why| match why {
        FixedError::Precision => fault(format!("more than {dp} decimals")),
        other => fault(other.to_string()),
    })?;
    in_range(&mantissa, &bound(min), &bound(max))?;
    Ok(Value::new(None, ValueKind::String(written)))
}

fn ratio(value: &Value, min: f64, max: f64) -> Result<Value, Fault> {
    let number = match value.kind {
        ValueKind::Float(number) => number,
        ValueKind::I64(whole) => whole as f64,
        _ => return Err(typed(value, "a number")),
    };
    in_range(&number, &min, &max)?;
    Ok(Value::new(None, ValueKind::Float(number)))
}

fn cores(value: &Value) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for (i, item) in list(value)?.iter().enumerate() {
        let core = whole(item).and_then(|core| in_range(&core, &0, &1023).map(|()| core)).map_err(|f| at(i, f))?;
        if !seen.insert(core) {
            return Err(at(i, fault("it stands there twice")));
        }
    }
    Ok(())
}

fn assets(value: &Value, least: usize) -> Result<(), Fault> {
    let items = list(value)?;
    if items.len() < least {
        return Err(fault("too few"));
    }
    let mut seen = BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        let name = text(item).map_err(|f| at(i, f))?;
        if !is_asset(name) {
            return Err(at(i, fault("not an asset's name: capitals and digits")));
        }
        if !seen.insert(name) {
            return Err(at(i, fault("it stands there twice")));
        }
    }
    Ok(())
}

fn is_asset(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn groups(value: &Value) -> Result<(), Fault> {
    let mut all = Vec::new();
    for (i, group) in list(value)?.iter().enumerate() {
        assets(group, 2).map_err(|f| at(i, f))?;
        all.extend(list(group)?.iter().cloned());
    }
    assets(&Value::new(None, ValueKind::Array(all)), 0).map_err(|f| fault(f.why))
}

fn series(value: &Value) -> Result<(), Fault> {
    slugs(value)?;
    for (i, item) in list(value)?.iter().enumerate() {
        if parse_series(text(item)?).is_none() {
            return Err(at(i, fault("not a series that the venue has")));
        }
    }
    Ok(())
}

/// One request asks for all of them, and its answer is cut at a hundred without a word.
const SLUGS_MAX: usize = 50;

fn slugs(value: &Value) -> Result<(), Fault> {
    let items = list(value)?;
    if items.len() > SLUGS_MAX {
        return Err(fault("too many"));
    }
    let mut seen = BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        let name = text(item).map_err(|f| at(i, f))?;
        if !is_slug(name) {
            return Err(at(i, fault("not such a name: small letters, digits and hyphens")));
        }
        if !seen.insert(name) {
            return Err(at(i, fault("it stands there twice")));
        }
    }
    Ok(())
}

fn is_slug(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn follows(value: &Value) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for (i, item) in list(value)?.iter().enumerate() {
        let [market, reference] = parts(item, ["market", "reference"]).map_err(|f| at(i, f))?;
        let inside = |part: &str, why: String| at(i, Fault { part: format!(".{part}"), why });
        let named = text(market).map_err(|f| inside("market", f.why))?;
        if !is_slug(named.strip_suffix('*').unwrap_or(named)) {
            return Err(inside(
                "market",
                "not such a name: small letters, digits and hyphens, a * at its end".to_owned(),
            ));
        }
        if !seen.insert(named) {
            return Err(inside("market", "it stands there twice".to_owned()));
        }
        is_member(reference).map_err(|f| inside("reference", f.why))?;
    }
    Ok(())
}

fn pairs(value: &Value) -> Result<(), Fault> {
    let items = list(value)?;
    if items.len() > PAIRS_MAX {
        return Err(fault("too many"));
    }
    let mut names = BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        let name = pair(item).map_err(|f| at(i, f))?;
        if !names.insert(name) {
            return Err(at(i, Fault { part: ".name".to_owned(), why: "it stands there twice".to_owned() }));
        }
    }
    Ok(())
}

/// Checks one pair and gives its name.
fn pair(item: &Value) -> Result<&str, Fault> {
    let [name, listed] = parts(item, ["name", "members"])?;
    let inside = |suffix: &str, f: Fault| Fault { part: format!("{suffix}{}", f.part), why: f.why };
    let name = text(name).map_err(|f| inside(".name", f))?;
    if !name.split_once('/').is_some_and(|(base, quote)| !base.is_empty() && !quote.is_empty()) {
        return Err(inside(".name", fault("not of the form BASE/QUOTE")));
    }
    members(listed).map_err(|f| inside(".members", f))?;
    Ok(name)
}

/// Both entries of a table that has no others.
fn parts<'v>(item: &'v Value, names: [&str; 2]) -> Result<[&'v Value; 2], Fault> {
    let ValueKind::Table(table) = &item.kind else {
        return Err(typed(item, "a table"));
    };
    if let Some(stray) = table.keys().find(|key| !names.contains(&key.as_str())) {
        let near = nearest(stray, names.into_iter()).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
        return Err(Fault { part: format!(".{stray}"), why: format!("unknown key{near}") });
    }
    let part = |name: &str| table.get(name).ok_or_else(|| fault(format!("`{name}` is missing")));
    Ok([part(names[0])?, part(names[1])?])
}

fn members(value: &Value) -> Result<(), Fault> {
    let items = list(value)?;
    if !(2..=VENUES_PER_PAIR_MAX).contains(&items.len()) {
        return Err(fault("too few or too many"));
    }
    let mut seen = BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        if !seen.insert(is_member(item).map_err(|f| at(i, f))?) {
            return Err(at(i, fault("it stands there twice")));
        }
    }
    Ok(())
}

/// Checks that it names a venue that exists and a symbol, and gives it.
fn is_member(item: &Value) -> Result<&str, Fault> {
    let written = text(item)?;
    let member = value::member(written).ok_or_else(|| fault("not of the form venue:SYMBOL"))?;
    if !super::VENUES.contains(&member.venue.as_str()) {
        let near = nearest(&member.venue, super::VENUES.into_iter());
        let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        return Err(fault(format!("unknown venue `{}`{hint}", member.venue)));
    }
    Ok(written)
}

fn text(value: &Value) -> Result<&str, Fault> {
    if let ValueKind::String(text) = &value.kind { Ok(text) } else { Err(typed(value, "a text")) }
}

fn whole(value: &Value) -> Result<i64, Fault> {
    match value.kind {
        ValueKind::I64(whole) => Ok(whole),
        ValueKind::U64(whole) => i64::try_from(whole).map_err(|_| fault("out of range")),
        _ => Err(typed(value, "a whole number")),
    }
}

fn list(value: &Value) -> Result<&[Value], Fault> {
    if let ValueKind::Array(items) = &value.kind { Ok(items) } else { Err(typed(value, "a list")) }
}

fn in_range<T: PartialOrd>(value: &T, min: &T, max: &T) -> Result<(), Fault> {
    if value >= min && value <= max { Ok(()) } else { Err(fault("out of range")) }
}

fn typed(value: &Value, wanted: &str) -> Fault {
    let found = match value.kind {
        ValueKind::Nil => "nothing",
        ValueKind::Boolean(_) => "a boolean",
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => "a whole number",
        ValueKind::Float(_) => "a number with a fraction",
        ValueKind::String(_) => "a text",
        ValueKind::Table(_) => "a section",
        ValueKind::Array(_) => "a list",
    };
    fault(format!("it is {found}, not {wanted}"))
}

fn fault(why: impl Into<String>) -> Fault {
    Fault { part: String::new(), why: why.into() }
}

fn at(index: usize, inner: Fault) -> Fault {
    Fault { part: format!("[{index}]{}", inner.part), why: inner.why }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}
