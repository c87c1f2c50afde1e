//! Why the settings could not be used: each error is one message that tells the operator what to change.

use super::origin::Origin;
use std::path::PathBuf;

/// Settings that cannot be used. The program ends with exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file of `--config` cannot be read.
    #[error("cannot read the configuration {}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// A layer is not TOML.
    #[error("{origin} is not valid TOML: {why}")]
    Syntax {
        /// The layer.
        origin: Origin,
        /// The parser's message, with line and column.
        why: String,
    },
    /// A key that does not exist.
    #[error("unknown key `{key}` ({origin}){}", hint(suggestion.as_deref()))]
    Unknown {
        /// Its full dotted path.
        key: String,
        /// Where it stands.
        origin: Origin,
        /// The nearest key that does exist.
        suggestion: Option<String>,
    },
    /// A value of the wrong type, out of range, or with a broken part.
    #[error("{0}")]
    Invalid(Box<Invalid>),
    /// Two values that contradict each other.
    #[error("`{key}` ({origin}) contradicts `{other}`: {why}")]
    Conflict {
        /// The one to look at first.
        key: &'static str,
        /// Where it stands.
        origin: Origin,
        /// The other.
        other: &'static str,
        /// The rule that is broken.
        why: &'static str,
    },
    /// The table of keys and the structs disagree: a fault of the program, held off by its tests.
    #[error("the settings do not fit the program: {0}")]
    Mismatch(#[from] config::ConfigError),
}

/// A value that cannot stand where it stands.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` = {value} ({origin}): {why}; allowed: {allowed}")]
pub struct Invalid {
    /// The full dotted path of the key, or of the broken part of its value.
    pub key: String,
    /// The value as written.
    pub value: String,
    /// Where it stands.
    pub origin: Origin,
    /// What is wrong with it.
    pub why: String,
    /// What may stand there.
    pub allowed: String,
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |key| format!("; did you mean `{key}`?"))
}
