//! The effective settings with the origin of each, for `highwire check`.

use super::load::Loaded;
use config::{Value, ValueKind};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write;

impl Loaded {
    /// One line per key: `key = value  # origin`, in the order of the keys' names.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (key, value) in &self.values {
            let origin = &self.origins[key];
            writeln!(text, "{key} = {}  # {origin}", json_of(value)).expect("writing to a String cannot fail");
        }
        text
    }

    /// Every key with its value as a configuration file says it, some of them replaced: what another process is to run with.
    pub fn to_file(&self, replaced: &BTreeMap<String, Json>) -> String {
        let kept = self.values.iter().filter(|(_, value)| !has_tables(value));
        let mut all: BTreeMap<&String, Json> = kept.map(|(key, value)| (key, json_of(value))).collect();
        all.extend(replaced.iter().map(|(key, value)| (key, value.clone())));
        all.iter().fold(String::new(), |text, (key, value)| text + &format!("{key} = {}\n", toml_of(value)))
    }

    /// `{ "wire.idle": { "value": "auto", "origin": "default" }, … }`.
    pub fn to_json(&self) -> Json {
        let entry = |(key, value): (&String, &Value)| {
            (key.clone(), json!({ "value": json_of(value), "origin": self.origins[key].to_string() }))
        };
        Json::Object(self.values.iter().map(entry).collect())
    }
}

/// A list of tables is told by whoever replaces it.
fn has_tables(value: &Value) -> bool {
    matches!(&value.kind, ValueKind::Array(items) if items.iter().any(|item| matches!(item.kind, ValueKind::Table(_))))
}

/// JSON as TOML: only objects are written another way.
fn toml_of(value: &Json) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        Json::Array(items) => format!("[{}]", list(items.iter().map(toml_of).collect())),
        Json::Object(entries) => {
            let entry = |(key, value): (&String, &Json)| format!("{} = {}", json!(key), toml_of(value));
            format!("{{ {} }}", list(entries.iter().map(entry).collect()))
        }
        scalar => scalar.to_string(),
    }
}

/// A value as JSON, which for scalars and lists of scalars is also TOML.
pub(super) fn json_of(value: &Value) -> Json {
    match &value.kind {
        ValueKind::Nil => Json::Null,
        ValueKind::Boolean(flag) => json!(flag),
        ValueKind::I64(whole) => json!(whole),
        ValueKind::U64(whole) => json!(whole),
        ValueKind::I128(whole) => json!(whole.to_string()),
        ValueKind::U128(whole) => json!(whole.to_string()),
        ValueKind::Float(number) => json!(number),
        ValueKind::String(text) => json!(text),
        ValueKind::Array(items) => Json::Array(items.iter().map(json_of).collect()),
        ValueKind::Table(table) => {
            Json::Object(table.iter().map(|(key, value)| (key.clone(), json_of(value))).collect::<Map<_, _>>())
        }
    }
}
