//! Binary markets in the executor's tables: the two sides of one question are followed as one pair,
//! and having the no side is being short of the yes side.

use crate::spec::EngineSpec;
use highwire_links::ids::{InstrumentId, PairId};
use highwire_quant::complement::FeeCurve;

/// Per pair, where its trades are followed.
///
/// cold: once, when the executor is made
pub fn homes(spec: &EngineSpec) -> Box<[PairId]> {
    let mut homes: Vec<_> = (0..=u16::MAX).map(PairId).take(spec.pairs.len()).collect();
    for binary in &spec.tuning.binaries {
        let [yes, no] = [binary.yes, binary.no].map(|id| spec.instruments[id.index()].pair);
        homes[no.index()] = yes;
    }
    homes.into()
}

/// Per instrument, whether it stands on the no side.
///
/// cold: once, when the executor is made
pub fn inverse(spec: &EngineSpec) -> Box<[bool]> {
    let no_pairs: Vec<_> = spec.tuning.binaries.iter().map(|binary| spec.instruments[binary.no.index()].pair).collect();
    spec.instruments.iter().map(|instrument| no_pairs.contains(&instrument.pair)).collect()
}

/// Per pair, the fee of the binary market that it is a side of.
///
/// cold: once, when the executor is made
pub fn curves(spec: &EngineSpec) -> Box<[Option<FeeCurve>]> {
    let mut curves = vec![None; spec.pairs.len()];
    for binary in &spec.tuning.binaries {
        for id in [binary.yes, binary.no] {
            curves[spec.instruments[id.index()].pair.index()] = Some(binary.fee);
        }
    }
    curves.into()
}

/// Per pair, what engines before this one left: the two sides of a binary market cover each other.
///
/// cold: once, when the executor is made
pub fn drifts(spec: &EngineSpec) -> Box<[i64]> {
    let mut drifts = spec.tuning.inherited.drifts.clone();
    drifts.resize(spec.pairs.len(), 0);
    for binary in &spec.tuning.binaries {
        let [yes, no] = [binary.yes, binary.no].map(|id| spec.instruments[id.index()].pair.index());
        drifts[yes] = drifts[yes].saturating_sub(std::mem::take(&mut drifts[no]));
    }
    drifts.into()
}

/// Per pair, what its trades can be hedged with: its members, then those of the other side.
///
/// cold: once, when the executor is made
pub fn members(spec: &EngineSpec) -> Box<[Box<[InstrumentId]>]> {
    let mut members: Vec<Vec<InstrumentId>> = spec.pairs.iter().map(|pair| pair.members.clone()).collect();
    for binary in &spec.tuning.binaries {
        let [yes, no] = [binary.yes, binary.no].map(|id| spec.instruments[id.index()].pair);
        let others = members[no.index()].clone();
        members[yes.index()].extend(others);
    }
    members.into_iter().map(Into::into).collect()
}
