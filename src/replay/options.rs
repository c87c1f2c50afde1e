//! What a replay was asked to do.

use std::path::PathBuf;

/// Which threads do the work. The digest is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// One thread runs everything to completion.
    #[default]
    One,
    /// The feed on one thread, engine and gateway on another, in step over the real rings.
    Split,
}

/// The arguments of a replay.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Files, or folders of files.
    pub paths: Vec<PathBuf>,
    /// Times real speed; 0 is as fast as possible.
    pub speed: f64,
    /// Where to write the tops.
    pub tops: Option<PathBuf>,
    /// Which pairs to compare; empty means those of the configuration.
    pub pairs: Vec<String>,
    /// Trade without fees.
    pub no_fees: bool,
    /// The thread layout.
    pub layout: Layout,
    /// Show a progress bar.
    pub progress: bool,
}
