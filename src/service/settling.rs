//! Trades that wait to be settled, between the threads' records, which begin and end the wait, and the governor's look.

use crate::config::Config;
use crate::universe::Universe;
use highwire_actors::governor::Reading;
use highwire_links::fill::{Report, ReportKind, Settlement};
use highwire_links::{Nanos, VenueId};
use highwire_supervision::degrade::{Cause, Scope};
use highwire_supervision::settlement::{SettlementRule, Settlements};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What waits; its copies share it.
#[derive(Clone)]
pub struct Settling(Arc<Mutex<Settlements>>);

impl Settling {
    /// Nothing waits.
    pub fn new(config: &Config) -> Self {
        let modes = &config.modes;
        let rule = SettlementRule {
            stuck_ns: modes.settle_stuck_ms.saturating_mul(1_000_000),
            failed_percent: modes.settle_failed_percent,
        };
        Self(Arc::new(Mutex::new(Settlements::new(rule))))
    }

    /// A report was recorded.
    pub fn on_report(&self, report: &Report, universe: &Universe) {
        let Some(venue) = universe.instruments.get(report.instrument.index()).map(|instrument| instrument.venue) else {
            return;
        };
        match (report.kind, report.settlement) {
            (ReportKind::Fill | ReportKind::Foreign, Settlement::Pending) => {
                self.lock().on_matched(venue, report.trade, report.at_ns);
            }
            (ReportKind::Settlement, Settlement::Settled | Settlement::Failed) => {
                let failed = report.settlement == Settlement::Failed;
                self.lock().on_end(venue, report.trade, failed, report.at_ns);
            }
            _ => {}
        }
    }

    /// How settling goes, for whoever rules modes.
    pub fn readings(&self, now: Nanos) -> Vec<Reading> {
        let judged = self.lock().judge(now);
        let reading = |(venue, going, note): (VenueId, _, String)| Reading {
            scope: Scope::Venue(venue),
            cause: Cause::Settlement,
            value: going as i64,
            note,
        };
        judged.into_iter().map(reading).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Settlements> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
