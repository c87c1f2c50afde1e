//! Binary markets: which two tokens are the sides of one question.

use highwire_engine::engine::Binary;
use highwire_links::InstrumentId;
use highwire_quant::complement::FeeCurve;
use highwire_venues::spec::InstrumentSpec;

/// The binary markets among these instruments: two tokens of one condition with a fee that is known. The first of them
/// is the yes side.
pub fn binaries(specs: &[InstrumentSpec]) -> Vec<Binary> {
    let mut found = Vec::new();
    for (yes, spec) in specs.iter().enumerate() {
        let Some(terms) = spec.outcome else { continue };
        let is_other = |other: &InstrumentSpec| other.outcome.is_some_and(|o| o.condition == terms.condition);
        let no = specs.iter().skip(yes + 1).position(is_other).map(|further| yes + 1 + further);
        if let Some((no, rate_ppb)) = no.zip(terms.fee.curve_ppb()) {
            // The universe holds at most INSTRUMENTS_MAX of these.
            let [yes, no] = [yes, no].map(|place| InstrumentId(u16::try_from(place).unwrap_or(u16::MAX)));
            found.push(Binary { yes, no, fee: FeeCurve { rate_ppb } });
        }
    }
    found
}
