//! The table of steps, cheapest first. To add one, add a row.
//!
//! In a command or a variable `{target}` stands for the target folder and `{data}` for the folder of
//! recordings, which is what `HIGHWIRE_DATA` names.

/// One step.
#[derive(Debug)]
pub struct Step {
    /// For the table and `--only`.
    pub name: &'static str,
    /// Program and arguments.
    pub command: &'static [&'static str],
    /// Variables on top of ours.
    pub env: &'static [(&'static str, &'static str)],
    /// A variable without which the step is skipped; `.ci/run` makes sure of it.
    pub needs: Option<&'static str>,
}

/// Every step, in order.
pub const STEPS: &[Step] = &[
    step("fmt", &["cargo", "fmt", "--all", "--check"]),
    step("tidy", &["cargo", "xtask", "tidy"]),
    step("licences", &["cargo", "xtask", "licences"]),
    step("clippy", &["cargo", "clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    step("test", &["cargo", "xtask", "test"]),
    // Another cfg is another build of every crate: a folder of its own keeps both warm.
    Step {
        env: &[("RUSTFLAGS", "--cfg loom"), ("CARGO_TARGET_DIR", "{target}/loom")],
        ..step("loom", &["cargo", "test", "-p", "highwire-links", "--test", "loom", "--release"])
    },
    // Days under faults in the profile that the tests have built; the long form is in docs/drill.md.
    step(
        "drill",
        &["cargo", "run", "--quiet", "-p", "drill", "--", "--days", "40", "--days-per-seed", "2", "--all-verbs"],
    ),
    step("check", &["cargo", "run", "--quiet", "--", "check", "--config", "configs/paper.toml"]),
    Step { env: &[("HIGHWIRE__DEMO__SECONDS", "5")], ..step("demo", &["cargo", "run", "--quiet", "--", "demo"]) },
    step("kills", &["cargo", "xtask", "killcampaign", "--kills", "100"]),
    Step {
        needs: Some("HIGHWIRE_DATA"),
        ..step("replay", &["cargo", "run", "--quiet", "--", "replay", "{data}/cryptofeed/OKX", "--json"])
    },
];

const fn step(name: &'static str, command: &'static [&'static str]) -> Step {
    Step { name, command, env: &[], needs: None }
}
