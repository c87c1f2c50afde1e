//! Merges the layers and checks every key of every layer before anything is used.

use super::error::{ConfigError, Invalid};
use super::explain::json_of;
use super::keys::{Found, Key, find};
use super::kind::{Kind, Text};
use super::origin::Origin;
use super::schema::Config;
use config::{File, FileFormat, Map, Source, Value, ValueKind};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

/// The embedded defaults, which explain every key.
pub const DEFAULTS: &str = include_str!("../../configs/default.toml");
/// What a variable's name begins with.
const ENV_PREFIX: &str = "HIGHWIRE__";

/// The effective settings and where each came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Which layer had the last word, by dotted key.
    pub origins: BTreeMap<String, Origin>,
    /// The values as written, by dotted key.
    pub(super) values: BTreeMap<String, Value>,
}

/// Loads defaults, the file at `path` if one is given, and the process environment.
///
/// # Errors
/// The first [`ConfigError`] met, defaults first, then the file, then the environment.
pub fn load(path: Option<&Path>) -> Result<Loaded, ConfigError> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    load_from(path, std::env::vars_os().map(|(name, value)| (text(name), text(value))))
}

/// As [`load`], with the environment given: for tests, and for callers with overrides of their own.
///
/// # Errors
/// As [`load`].
pub fn load_from(path: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Loaded, ConfigError> {
    let mut merged = Merge::default();
    merged.file(DEFAULTS, &Origin::Default)?;
    if let Some(path) = path {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|why| ConfigError::Unreadable { path: path.to_owned(), why })?;
        merged.file(&text, &Origin::File(path.to_owned()))?;
    }
    // In the order of their names, so that the first error is always the same one.
    for (name, value) in env.collect::<BTreeMap<_, _>>() {
        merged.variable(&name, &value)?;
    }
    merged.finish()
}

/// The layers so far: each checked, not yet one.
#[derive(Default)]
struct Merge {
    layers: Vec<Layer>,
    origins: BTreeMap<String, Origin>,
    values: BTreeMap<String, Value>,
}

/// Checked values of one origin, as a source of the `config` crate.
#[derive(Clone, Debug)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

impl Merge {
    fn file(&mut self, text: &str, origin: &Origin) -> Result<(), ConfigError> {
        let read = File::from_str(text, FileFormat::Toml).collect();
        let read = read.map_err(|why| ConfigError::Syntax { origin: origin.clone(), why: why.to_string() })?;
        let mut layer = Layer(Map::new());
        self.section("", &read, origin, &mut layer)?;
        self.layers.push(layer);
        Ok(())
    }

    /// Checks a section's entries in the order of their names, so that the first error is always the same one.
    fn section(
        &mut self,
        at: &str,
        table: &Map<String, Value>,
        origin: &Origin,
        layer: &mut Layer,
    ) -> Result<(), ConfigError> {
        let sorted: BTreeMap<&String, &Value> = table.iter().collect();
        for (name, value) in sorted {
            let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            match (find(&path), &value.kind) {
                (Found::Key(key), _) => self.accept(path, key, value, origin, layer)?,
                (Found::Section, ValueKind::Table(inner)) => self.section(&path, inner, origin, layer)?,
                (Found::Section, _) => return Err(not_a_section(path, value, origin)),
                (Found::Unknown(suggestion), _) => {
                    return Err(ConfigError::Unknown { key: path, origin: origin.clone(), suggestion });
                }
            }
        }
        Ok(())
    }

    fn variable(&mut self, name: &str, text: &str) -> Result<(), ConfigError> {
        let Some(rest) = name.strip_prefix(ENV_PREFIX) else { return Ok(()) };
        let origin = Origin::Env(name.to_owned());
        let path = rest.to_lowercase().replace("__", ".");
        let mut layer = Layer(Map::new());
        match find(&path) {
            Found::Key(key) => self.accept(path, key, &Value::new(None, key.kind.read(text)), &origin, &mut layer)?,
            Found::Section => return Err(not_a_section(path, &Value::new(None, text), &origin)),
            Found::Unknown(suggestion) => {
                let suggestion =
                    suggestion.map(|path| format!("{ENV_PREFIX}{}", path.to_uppercase().replace('.', "__")));
                return Err(ConfigError::Unknown { key: path, origin, suggestion });
            }
        }
        self.layers.push(layer);
        Ok(())
    }

    fn accept(
        &mut self,
        path: String,
        key: &Key,
        value: &Value,
        origin: &Origin,
        layer: &mut Layer,
    ) -> Result<(), ConfigError> {
        let key_kind = &key.kind;
        let checked = key_kind.check(value).map_err(|fault| {
            let (key, allowed) = (format!("{path}{}", fault.part), key_kind.allowed());
            // Whoever wrote a secret there by mistake must not find it in a log.
            let hidden = Value::new(None, "[REDACTED]");
            let shown = if matches!(key_kind, Kind::Text(Text::Source)) { &hidden } else { value };
            invalid(key, shown, origin, fault.why, allowed)
        })?;
        layer.0.insert(path.clone(), checked.clone());
        self.origins.insert(path.clone(), origin.clone());
        self.values.insert(path, checked);
        Ok(())
    }

    fn finish(self) -> Result<Loaded, ConfigError> {
        let mut builder = config::Config::builder();
        for layer in self.layers {
            builder = builder.add_source(layer);
        }
        let config: Config = builder.build()?.try_deserialize()?;
        let loaded = Loaded { config, origins: self.origins, values: self.values };
        contradictions(&loaded)?;
        Ok(loaded)
    }
}

/// Rules that span two keys.
fn contradictions(loaded: &Loaded) -> Result<(), ConfigError> {
    let (risk, supervision) = (&loaded.config.risk, &loaded.config.supervision);
    let rules = [
        (
            supervision.backoff_base_ms <= supervision.backoff_cap_ms,
            ("supervision.backoff_base_ms", "supervision.backoff_cap_ms"),
            "the first wait is longer than the longest",
        ),
        (
            risk.order_notional_max <= risk.position_notional_max,
            ("risk.order_notional_max", "risk.position_notional_max"),
            "one order would exceed the largest position",
        ),
    ];
    match rules.into_iter().find(|(holds, ..)| !holds) {
        None => Ok(()),
        Some((_, (key, other), why)) => {
            let origin =
                [key, other].map(|key| loaded.origins[key].clone()).into_iter().find(|o| *o != Origin::Default);
            Err(ConfigError::Conflict { key, origin: origin.unwrap_or(Origin::Default), other, why })
        }
    }
}

fn not_a_section(key: String, value: &Value, origin: &Origin) -> ConfigError {
    let allowed = format!("a section `[{key}]` with keys of its own");
    let why = "it is a value, not a section".to_owned();
    invalid(key, value, origin, why, allowed)
}

fn invalid(key: String, value: &Value, origin: &Origin, why: String, allowed: String) -> ConfigError {
    let value = json_of(value).to_string();
    ConfigError::Invalid(Box::new(Invalid { key, value, origin: origin.clone(), why, allowed }))
}
