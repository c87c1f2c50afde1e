//! The same walk as the journal sees it: what is folded from the records must be what the engine has.

use crate::venues::{VENUES, spec};
use highwire::state::State;
use highwire_actors::scribe::entry_of;
use highwire_engine::engine::Engine;
use highwire_links::audit::Record;
use highwire_links::{InstrumentId, PairId};
use highwire_store::journal::{Entry, Listed, Stamped, Statement};

/// The fold of a walk.
pub struct Told {
    state: State,
}

impl Told {
    /// The walk's markets and funds, and nothing traded.
    pub fn new() -> Self {
        let (spec, mut told) = (spec(), Self { state: State::default() });
        for (id, instrument) in (0..VENUES).zip(&spec.instruments) {
            let venue = format!("venue{id}");
            told.add(Entry::Listed(Listed {
                instrument: instrument.id,
                venue: venue.clone(),
                symbol: "X".to_owned(),
                base: "B".to_owned(),
                quote: "Q".to_owned(),
                pair: "B/Q".to_owned(),
                scale: instrument.scale,
                contract: instrument.contract,
                is_spot: true,
            }));
            let highwire_engine::spec::Funds::Spot { base, quote } = spec.funds[id] else { continue };
            for (asset, amount) in [("B", base), ("Q", quote)] {
                told.add(Entry::Opening(Statement { venue: venue.clone(), asset: asset.to_owned(), amount }));
            }
        }
        told
    }

    fn add(&mut self, entry: Entry) {
        let sequence = self.state.sequence + 1;
        self.state.take(&Stamped { sequence, at_ns: sequence, entry });
    }

    /// Takes a record of the engine in.
    pub fn take(&mut self, record: &Record) {
        if let Some(entry) = entry_of(record) {
            self.add(entry);
        }
    }

    /// What differs from the engine; with nothing in flight also what no trade follows: a saga believes a count that
    /// is booked only later.
    pub fn differs(&self, engine: &Engine) -> Option<String> {
        let members: Vec<InstrumentId> = (0..VENUES as u16).map(InstrumentId).collect();
        let (funds, inherited) = self.state.inheritance(VENUES, &[members]);
        let told = funds.into_iter().zip(inherited.standings);
        for (id, told) in (0..).map(InstrumentId).zip(told) {
            let account = engine.account(id)?;
            if (account.funds(), account.standing()) != told {
                return Some(format!("market {}: {account:?} in the engine, {told:?} on record", id.0));
            }
        }
        let (open, known) = (engine.open_orders(), self.state.orders.len());
        if open != known {
            return Some(format!("{open} orders open in the engine, {known} on record"));
        }
        let (dust, drift) = (engine.executor().dust(PairId(0)), inherited.drifts[0]);
        if open == 0 && engine.saga(PairId(0)).is_none() && dust * 1_000 != drift {
            return Some(format!("{dust} left in the engine, {drift} on record"));
        }
        (!self.state.faults.is_empty()).then(|| format!("{:?}", self.state.faults))
    }
}
