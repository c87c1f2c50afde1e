//! How old the books were at decisions, by two records: what the decision was told, and what the simulator knows of the
//! same book. A queue before us must not make the two part.

use crate::rig::Rig;
use highwire_links::Nanos;
use highwire_links::page::{Page, Rung};
use highwire_simulator::{Venue as Room, digest};
use std::collections::HashMap;

/// A decision about a book.
#[derive(Clone, Copy, Debug)]
pub struct Age {
    /// How old the decision took it to be.
    pub told_ns: Nanos,
    /// What it was told of its time, less when the venue changed it: the error of the measured clock offset, and no more.
    pub shift_ns: i64,
}

impl Rig {
    /// Every last decision of an opportunity since then that this book took part in, as far as the venue's record of the
    /// stream reaches back. What is judged are two stamps of the same book: how long anything took is in neither.
    pub fn ages(&self, name: &str, (room, stream): (Room, &str), from: Nanos) -> Vec<Age> {
        let id = self.id(name);
        let mut truth: HashMap<u64, Vec<Nanos>> = HashMap::new();
        for published in self.simulator.ledger(room, stream) {
            truth.entry(published.best).or_default().push(published.event_ns);
        }
        let sights: HashMap<Nanos, Page> =
            self.spectator.sights(id).into_iter().map(|sight| (sight.page.event_ns, sight.page)).collect();
        let age = |(at_ns, book_ns): (Nanos, Nanos)| {
            let events = truth.get(&self.best(id, sights.get(&book_ns)?))?;
            let shift = |&event_ns: &Nanos| book_ns.cast_signed() - event_ns.cast_signed();
            let shift_ns = events.iter().map(shift).min_by_key(|shift| shift.abs())?;
            Some(Age { told_ns: at_ns.saturating_sub(book_ns), shift_ns })
        };
        let decisions = self.decisions(id, from);
        let ages: Vec<Age> = decisions.iter().copied().filter_map(age).collect();
        // A look from outside misses a book that stands for less than its own length.
        assert!(2 * ages.len() >= decisions.len(), "{} of {} decisions are accounted for", ages.len(), decisions.len());
        ages
    }

    /// When decisions about a book were made, and what it was of.
    fn decisions(&self, id: usize, from: Nanos) -> Vec<(Nanos, Nanos)> {
        let chronicle = self.service.watch().chronicle();
        let of = |o: &highwire::ledger::Opportunity| {
            let decided = o.decided.filter(|decided| decided.at_ns >= from)?;
            let legs = [o.opened.buy, o.opened.sell].into_iter().zip(decided.books_ns);
            let book_ns = legs.filter(|(leg, _)| leg.index() == id).map(|(_, book_ns)| book_ns).next()?;
            (book_ns > 0).then_some((decided.at_ns, book_ns))
        };
        chronicle.ledger.opportunities.iter().filter_map(of).collect()
    }

    /// The digest of a page's levels, as the simulator makes it.
    fn best(&self, id: usize, page: &Page) -> u64 {
        let spec = &self.universe.specs[id];
        let level = |rung: &Rung| (rung.px / spec.tick, rung.qty / spec.lot);
        let side = |rungs: &[Rung]| rungs.iter().filter(|rung| rung.qty > 0).map(level).collect::<Vec<_>>();
        digest(&side(&page.bids), &side(&page.asks))
    }
}
