//! Whether a watcher may judge others by their silence: not soon after it was away itself, since a process that stood still
//! stood still as a whole, and everybody in it needs a moment to be heard again.

use highwire_links::Nanos;

/// Watches the watcher.
#[derive(Clone, Copy, Debug)]
pub struct Vigil {
    away_ns: Nanos,
    looked_ns: Option<Nanos>,
    back_ns: Option<Nanos>,
}

impl Vigil {
    /// One who has not looked for longer than `away_ns` was away, and judges nobody for as long after it.
    pub fn new(away_ns: Nanos) -> Self {
        Self { away_ns, looked_ns: None, back_ns: None }
    }

    /// A look: whether what is silent now may be judged for it. The first may be.
    pub fn on_look(&mut self, now: Nanos) -> bool {
        let before = self.looked_ns.replace(now);
        if before.is_some_and(|before| now.saturating_sub(before) > self.away_ns) {
            self.back_ns = Some(now);
        }
        self.back_ns = self.back_ns.filter(|back_ns| now.saturating_sub(*back_ns) <= self.away_ns);
        self.back_ns.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_away_judges_again_when_all_have_had_a_moment() {
        let mut vigil = Vigil::new(100);
        let judged = [5_000, 5_100, 5_201, 5_301, 5_302, 9_000, 9_001].map(|now| vigil.on_look(now));
        assert_eq!(judged, [true, true, false, false, true, false, false]);
    }
}
