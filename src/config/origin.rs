//! Where a setting came from: what `highwire check` shows beside every value.

use std::path::PathBuf;

/// The layer that had the last word on a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The embedded `configs/default.toml`.
    Default,
    /// The file given by `--config`.
    File(PathBuf),
    /// An environment variable, by its name.
    Env(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Env(name) => write!(f, "env:{name}"),
        }
    }
}
