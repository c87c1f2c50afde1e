//! What a demo was asked to do; what is not said comes from the configuration.

/// The arguments of a demo.
#[derive(Clone, Debug, Default)]
pub struct DemoOptions {
    /// Seconds until the summary; 0 is until somebody ends it.
    pub seconds: Option<u64>,
    /// Seed of the simulated market.
    pub seed: Option<u64>,
}
