//! The effective settings with the origin of each, for `highwire check`.

use super::load::Loaded;
use config::{Value, ValueKind};
use serde_json::{Map, Value as Json, json};
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

    /// `{ "wire.idle": { "value": "auto", "origin": "default" }, … }`.
    pub fn to_json(&self) -> Json {
        let entry = |(key, value): (&String, &Value)| {
            (key.clone(), json!({ "value": json_of(value), "origin": self.origins[key].to_string() }))
        };
        Json::Object(self.values.iter().map(entry).collect())
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
