//! What an earlier run left in an instrument that this one does not trade: delisted, renamed, or not configured any more. It
//! stays on record under its name, and people are told, since nobody hedges or closes it.

use crate::state::State;
use crate::universe::Universe;
use highwire_actors::alerter::Bell;
use highwire_links::fixed::Amount;
use highwire_supervision::incident::Severity;

/// Tells of each.
pub fn tell(state: &State, universe: &Universe, bell: &Bell) {
    for holding in state.holdings.iter().filter(|holding| holding.standing.position != 0) {
        let (listed, name) = (&holding.listed, holding.name());
        let is_here = universe.specs.iter().any(|spec| holding.is(spec.venue.name(), &spec.symbol));
        let qty = Amount::from_mantissa(holding.standing.position.into(), listed.scale.qty_dp).unwrap_or_default();
        if !is_here {
            let text = format!("{name} is not listed, or not configured any more: a position of {qty} is kept");
            tracing::error!(instrument = name, %qty, "held, and not traded by this run");
            bell.raise(format!("stranded/{name}"), Severity::Critical, text);
        }
    }
}
