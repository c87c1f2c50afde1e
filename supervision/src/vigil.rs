//! Whether a watcher may judge others by their silence: not at a look before which it was away itself, since a process that
//! stood still stood still as a whole, and nobody in it could have been heard.

use highwire_links::Nanos;

/// Watches the watcher.
#[derive(Clone, Copy, Debug)]
pub struct Vigil {
    away_ns: Nanos,
    looked_ns: Option<Nanos>,
}

impl Vigil {
    /// One who has not looked for longer than `away_ns` was away.
    pub fn new(away_ns: Nanos) -> Self {
        Self { away_ns, looked_ns: None }
    }

    /// A look: whether what is silent now may be judged for it. The first may be.
    pub fn on_look(&mut self, now: Nanos) -> bool {
        let before = self.looked_ns.replace(now);
        before.is_none_or(|before| now.saturating_sub(before) <= self.away_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_away_judges_again_from_the_next_look_on() {
        let mut vigil = Vigil::new(100);
        let judged = [5_000, 5_100, 5_201, 5_301, 9_000, 9_001].map(|now| vigil.on_look(now));
        assert_eq!(judged, [true, true, false, true, false, true]);
    }
}
