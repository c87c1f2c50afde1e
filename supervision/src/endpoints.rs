//! Which of a feed's addresses each line takes: different ones where there are several, another one
//! after a failure, and a failed one not until it had time to recover, unless all have failed.

use highwire_links::Nanos;

/// A failed endpoint is passed over for so long while another is good.
const REST_NS: Nanos = 30_000_000_000;

/// The endpoints of one feed, and where its lines are.
#[derive(Clone, Debug)]
pub struct Endpoints {
    failed_ns: Vec<Option<Nanos>>,
    lines: Vec<usize>,
}

impl Endpoints {
    /// `lines` lines over `endpoints` endpoints (at least one of each), spread evenly.
    pub fn new(endpoints: usize, lines: usize) -> Self {
        let endpoints = endpoints.max(1);
        Self { failed_ns: vec![None; endpoints], lines: (0..lines.max(1)).map(|line| line % endpoints).collect() }
    }

    /// The endpoint that a line is on.
    pub fn of(&self, line: usize) -> usize {
        self.lines.get(line).copied().unwrap_or(0)
    }

    /// The line's endpoint failed it.
    pub fn on_failed(&mut self, line: usize, now: Nanos) {
        let at = self.of(line);
        if let Some(failed) = self.failed_ns.get_mut(at) {
            *failed = Some(now);
        }
    }

    /// The line's endpoint serves it.
    pub fn on_good(&mut self, line: usize) {
        let at = self.of(line);
        if let Some(failed) = self.failed_ns.get_mut(at) {
            *failed = None;
        }
    }

    /// Chooses where the line connects next; with `elsewhere` not where it is, if there is another.
    pub fn choose(&mut self, line: usize, elsewhere: bool, now: Nanos) -> usize {
        let here = self.of(line);
        let count = self.failed_ns.len();
        let score = |endpoint: usize| {
            let failed = self.failed_ns[endpoint];
            let resting = failed.is_some_and(|at| now.saturating_sub(at) < REST_NS);
            let users = self.lines.iter().enumerate().filter(|&(other, &at)| other != line && at == endpoint).count();
            let left = elsewhere && endpoint == here && count > 1;
            // Among equals the one that failed longest ago, then the nearest.
            (left, resting, users, failed.unwrap_or(0), (endpoint + count - here) % count)
        };
        let chosen = (0..count).min_by_key(|&endpoint| score(endpoint)).unwrap_or(0);
        if let Some(at) = self.lines.get_mut(line) {
            *at = chosen;
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn two_lines_share_an_endpoint_only_when_there_is_no_other_good_one(
            endpoints in 2..5usize, events in prop::collection::vec((0..2usize, any::<bool>(), 0..40u64), 1..60),
        ) {
            let mut chooser = Endpoints::new(endpoints, 2);
            let mut now = REST_NS;
            for (line, failed, step) in events {
                now += step * 1_000_000_000;
                let before = chooser.of(line);
                if failed {
                    chooser.on_failed(line, now);
                }
                let chosen = chooser.choose(line, failed, now);
                prop_assert!(chosen < endpoints && !(failed && chosen == before));
                if chosen == chooser.of(1 - line) {
                    let free = (0..endpoints).filter(|&e| e != chosen && !(failed && e == before));
                    for other in free {
                        prop_assert!(chooser.failed_ns[other].is_some_and(|at| now - at < REST_NS));
                    }
                }
            }
        }
    }

    #[test]
    fn one_endpoint_serves_all_and_a_failed_one_is_used_again_after_its_rest() {
        let mut alone = Endpoints::new(1, 2);
        alone.on_failed(0, 0);
        assert_eq!(alone.choose(0, true, 0), 0);
        let mut two = Endpoints::new(2, 2);
        two.on_failed(0, 10);
        assert_eq!([two.choose(0, true, 10), two.choose(0, false, 11)], [1, 1]);
        assert_eq!(two.choose(0, false, 10 + REST_NS), 0, "back to a place of its own");
    }
}
