//! The nearest known word to a mistyped one.

/// Below this likeness (Jaro–Winkler, 0 to 1) a suggestion would confuse more than it helps.
const LIKENESS_MIN: f64 = 0.75;

/// The candidate nearest to `word`, if one is near. Dotted paths are compared part by part, so that
/// a slip in the section counts as much as one in the key.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (likeness(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

fn likeness(word: &str, candidate: &str) -> f64 {
    if word.split('.').count() != candidate.split('.').count() {
        return strsim::jaro_winkler(word, candidate) * 0.9;
    }
    let parts = word.split('.').zip(candidate.split('.'));
    parts.map(|(a, b)| strsim::jaro_winkler(a, b)).product()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expect: Option<&str>) {
        let known = ["wire.idle", "wire.layout", "risk.edge_min_bps", "venues.okx.enabled", "service.log"];
        assert_eq!(nearest(word, known.into_iter()), expect);
    }

    #[test]
    fn a_slip_finds_its_key_and_nonsense_finds_none() {
        check("wire.idel", Some("wire.idle"));
        check("wires.layout", Some("wire.layout"));
        check("risk.edge_min_bp", Some("risk.edge_min_bps"));
        check("venues.okex.enabled", Some("venues.okx.enabled"));
        check("zzz.qqq", None);
    }
}
