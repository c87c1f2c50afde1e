//! What a campaign saw, in numbers.

use highwire_judge::{Kind, Violation};
use std::fmt::{self, Display, Formatter};

/// Violations that are printed in full.
const SHOWN: usize = 20;

/// The counts.
#[derive(Debug, Default)]
pub struct Tally {
    /// Kills, and how many of them before the first order.
    pub kills: (u64, u64),
    /// Starts.
    pub starts: u64,
    /// Judgements.
    pub judged: u64,
    /// Orders on record, and at the venues.
    pub orders: (usize, usize),
    /// Fills on record, and at the venues.
    pub fills: (usize, usize),
    /// Requests for orders that venues refused.
    pub refused: usize,
    /// Records of the journal.
    pub records: usize,
    /// Labelled adjustments.
    pub adjustments: usize,
    /// From a start to its first order at a venue, milliseconds.
    pub restarts_ms: Vec<u64>,
    /// Starts that ended by themselves, because a venue wanted fewer requests.
    pub turned_away: u64,
    /// Starts that did not trade by themselves.
    pub stuck: u64,
    /// Ends in order after which something was not at rest.
    pub unrested: u64,
    /// What is wrong by the last judgement.
    pub violations: Vec<Violation>,
}

impl Tally {
    /// Whether nothing is wrong.
    pub fn is_well(&self) -> bool {
        self.violations.is_empty() && self.stuck == 0 && self.unrested == 0
    }
}

/// The value below which this share of a sorted list lies, in percent.
fn part(sorted: &[u64], percent: usize) -> u64 {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or(0)
}

impl Display for Tally {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { kills: (kills, early), starts, judged, orders, fills, .. } = self;
        writeln!(
            f,
            "kills          {kills} ({early} of them before the first order), {starts} starts, judged {judged} times"
        )?;
        writeln!(
            f,
            "orders         {} on record, {} taken in by venues, {} refused",
            orders.0, orders.1, self.refused
        )?;
        writeln!(f, "fills          {} on record, {} at venues", fills.0, fills.1)?;
        writeln!(f, "journal        {} records, {} labelled adjustments", self.records, self.adjustments)?;
        let mut times = self.restarts_ms.clone();
        times.sort_unstable();
        let (p50, p99, most) = (part(&times, 50), part(&times, 99), part(&times, 100));
        writeln!(f, "start → order  p50 {p50} ms, p99 {p99} ms, most {most} ms ({} starts)", times.len())?;
        writeln!(
            f,
            "stuck          {} starts did not trade by themselves, {} ends not at rest",
            self.stuck, self.unrested
        )?;
        for kind in Kind::ALL {
            let count = self.violations.iter().filter(|violation| violation.kind == kind).count();
            writeln!(f, "{:<22} {count}", kind.name())?;
        }
        self.violations.iter().take(SHOWN).try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}
