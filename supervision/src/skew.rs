//! How far a venue's clock is from ours, from timed requests: the true offset lies within half of a
//! round trip of the middle, so the fastest of the recent answers says most. One odd answer says
//! nothing; two that agree with one another and not with the rest are a step (faults.md C11).

use highwire_links::Nanos;
use std::collections::VecDeque;

/// Answers that are remembered.
const KEPT: usize = 16;
/// How fast two clocks may drift apart, parts per million: old answers say less.
const DRIFT_PPM: u64 = 200;
/// What a venue's millisecond stamps leave open.
const STAMP_NS: u64 = 1_000_000;
/// So many answers are asked for at once before the usual pause: one alone may have been slow on its way.
const FIRST_ANSWERS: usize = 4;
/// Odd answers in a row that make a step.
const STEP_ANSWERS: usize = 2;

/// One timed answer. All times are UTC nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// When we asked, by our clock.
    pub sent_ns: i64,
    /// When the answer was there, by our clock.
    pub received_ns: i64,
    /// The venue's time in it.
    pub venue_ns: i64,
}

/// What is known of the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Venue time minus ours.
    pub offset_ns: i64,
    /// The offset lies within so much of it.
    pub error_ns: u64,
}

/// Whether a venue's time is good enough to sign and trade with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not measured, or too long ago.
    Unknown,
    /// Within the limit.
    Fine,
    /// Too far off: nothing is opened there.
    Skewed,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at_ns: i64,
    offset_ns: i64,
    error_ns: u64,
}

impl Sample {
    fn of(probe: Probe) -> Option<Self> {
        let trip_ns = probe.received_ns.checked_sub(probe.sent_ns).filter(|trip| *trip >= 0)?;
        let middle_ns = probe.sent_ns.checked_add(trip_ns / 2)?;
        // A stamp names the millisecond that has begun: on average half of it has passed.
        let offset_ns = probe.venue_ns.checked_sub(middle_ns)?.checked_add(STAMP_NS as i64 / 2)?;
        Some(Self { at_ns: probe.received_ns, offset_ns, error_ns: trip_ns.unsigned_abs() / 2 + STAMP_NS / 2 })
    }

    /// What it leaves open by now.
    fn error_at(&self, now_ns: i64) -> u64 {
        let age_ns = now_ns.saturating_sub(self.at_ns).unsigned_abs();
        self.error_ns.saturating_add(age_ns / 1_000_000 * DRIFT_PPM)
    }

    fn agrees(&self, other: &Self) -> bool {
        let now_ns = self.at_ns.max(other.at_ns);
        self.offset_ns.abs_diff(other.offset_ns) <= self.error_at(now_ns).saturating_add(other.error_at(now_ns))
    }
}

/// One venue's clock.
#[derive(Clone, Debug)]
pub struct Skew {
    limit_ns: u64,
    stale_ns: u64,
    samples: VecDeque<Sample>,
    odd: Vec<Sample>,
    verdict: Verdict,
}

impl Skew {
    /// Nothing known. Beyond `limit_ns` (`SKEW_MS`) the venue is not traded on; after `stale_ns` without
    /// an answer nothing is known any more.
    pub fn new(limit_ns: Nanos, stale_ns: Nanos) -> Self {
        Self { limit_ns, stale_ns, samples: VecDeque::with_capacity(KEPT), odd: Vec::new(), verdict: Verdict::Unknown }
    }

    /// An answer came; the estimate, when it changed.
    pub fn on_probe(&mut self, probe: Probe) -> Option<Estimate> {
        let sample = Sample::of(probe)?;
        let now_ns = sample.at_ns;
        let before = self.estimate(now_ns);
        if self.best(now_ns).is_none_or(|best| best.agrees(&sample)) {
            self.odd.clear();
            self.keep(sample);
        } else {
            self.odd.retain(|odd| odd.agrees(&sample));
            self.odd.push(sample);
            if self.odd.len() >= STEP_ANSWERS {
                self.samples.clear();
                for odd in std::mem::take(&mut self.odd) {
                    self.keep(odd);
                }
            }
        }
        self.estimate(now_ns).filter(|now| before.is_none_or(|before| before.offset_ns != now.offset_ns))
    }

    /// Whether the next probe should come at once: few are known, or an answer was odd, and one alone decides nothing.
    pub fn wants_probe(&self) -> bool {
        self.samples.len() < FIRST_ANSWERS || !self.odd.is_empty()
    }

    /// What is known at `now_ns` (UTC, ours).
    pub fn estimate(&self, now_ns: i64) -> Option<Estimate> {
        let best = self.best(now_ns)?;
        Some(Estimate { offset_ns: best.offset_ns, error_ns: best.error_at(now_ns) })
    }

    /// Judges at `now_ns`; a venue once skewed must come well within the limit to be fine again.
    pub fn judge(&mut self, now_ns: i64) -> Verdict {
        let newest =
            self.samples.back().filter(|newest| now_ns.saturating_sub(newest.at_ns).unsigned_abs() <= self.stale_ns);
        let estimate = newest.and(self.estimate(now_ns));
        let limit_ns = if self.verdict == Verdict::Skewed { self.limit_ns / 5 * 4 } else { self.limit_ns };
        self.verdict = match estimate {
            None => Verdict::Unknown,
            Some(estimate) if estimate.offset_ns.unsigned_abs() > limit_ns => Verdict::Skewed,
            Some(_) => Verdict::Fine,
        };
        self.verdict
    }

    fn best(&self, now_ns: i64) -> Option<Sample> {
        self.samples.iter().min_by_key(|sample| sample.error_at(now_ns)).copied()
    }

    fn keep(&mut self, sample: Sample) {
        if self.samples.len() == KEPT {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use proptest::prelude::*;

    const MS: i64 = 1_000_000;
    const LIMIT_NS: u64 = 250_000_000;

    /// The answer of a venue `offset_ns` ahead, over a path of `there_ns` and `back_ns`.
    fn probe(sent_ns: i64, offset_ns: i64, there_ns: i64, back_ns: i64) -> Probe {
        let venue_ns = (sent_ns + there_ns + offset_ns).div_euclid(MS) * MS;
        Probe { sent_ns, received_ns: sent_ns + there_ns + back_ns, venue_ns }
    }

    proptest! {
        #[test]
        fn the_true_offset_is_always_within_the_error_even_when_it_drifts(
            offset_ms in -70_000..70_000i64, seed in any::<u64>(), drift_ppm in -50..50i64,
        ) {
            let (mut skew, mut dice) = (Skew::new(LIMIT_NS, u64::MAX), Dice::new(seed));
            for second in 0..120i64 {
                let offset_ns = offset_ms * MS + second * drift_ppm * 1_000;
                let (there, back) = ((dice.roll() % 80) as i64 * MS / 2, (dice.roll() % 80) as i64 * MS / 2);
                let probe = probe(second * 1_000 * MS, offset_ns, there, back);
                skew.on_probe(probe);
                let estimate = skew.estimate(probe.received_ns).unwrap();
                prop_assert!(estimate.offset_ns.abs_diff(offset_ns) <= estimate.error_ns + MS as u64 / 2);
            }
        }

        #[test]
        fn one_odd_answer_moves_nothing_and_a_step_is_followed_by_the_second(
            offset_ms in -200..200i64, step_ms in prop_oneof![-70_000..-100i64, 100..70_000i64],
        ) {
            let mut skew = Skew::new(LIMIT_NS, u64::MAX);
            for second in 0..5 {
                skew.on_probe(probe(second * 1_000 * MS, offset_ms * MS, 5 * MS, 5 * MS));
            }
            let odd = probe(5_000 * MS, (offset_ms + step_ms) * MS, 5 * MS, 5 * MS);
            prop_assert_eq!(skew.on_probe(odd), None);
            prop_assert!(skew.wants_probe());
            let stepped = skew.on_probe(probe(5_100 * MS, (offset_ms + step_ms) * MS, 5 * MS, 5 * MS)).unwrap();
            prop_assert!(stepped.offset_ns.abs_diff((offset_ms + step_ms) * MS) <= 20 * MS as u64);
            for again in [5_300, 5_500] {
                skew.on_probe(probe(again * MS, (offset_ms + step_ms) * MS, 5 * MS, 5 * MS));
            }
            prop_assert!(!skew.wants_probe());
        }
    }

    #[test]
    fn the_first_answers_are_asked_for_at_once_and_the_fastest_of_them_counts() {
        let mut skew = Skew::new(LIMIT_NS, u64::MAX);
        for (at, back_ms) in [20, 30, 2, 15].into_iter().enumerate() {
            assert!(skew.wants_probe());
            skew.on_probe(probe(at as i64 * 200 * MS, 0, MS, back_ms * MS));
        }
        assert!(!skew.wants_probe() && skew.estimate(800 * MS).unwrap().offset_ns.abs() <= 2 * MS);
    }

    #[test]
    fn two_odd_answers_that_contradict_one_another_are_no_step() {
        let mut skew = Skew::new(LIMIT_NS, u64::MAX);
        skew.on_probe(probe(0, 0, MS, MS));
        assert_eq!(skew.on_probe(probe(1_000 * MS, 5_000 * MS, MS, MS)), None);
        assert_eq!(skew.on_probe(probe(2_000 * MS, -9_000 * MS, MS, MS)), None);
        assert!(skew.estimate(2_000 * MS).unwrap().offset_ns.abs() <= MS);
    }

    #[test]
    fn beyond_the_limit_a_venue_is_skewed_until_well_within_it_and_silence_makes_it_unknown() {
        let mut skew = Skew::new(LIMIT_NS, 10_000_000_000);
        assert_eq!(skew.judge(0), Verdict::Unknown);
        let mut to = |second: i64, offset_ms: i64| {
            for half in 0..2 {
                skew.on_probe(probe(second * 1_000 * MS + half, offset_ms * MS, MS, MS));
            }
            skew.judge(second * 1_000 * MS)
        };
        assert_eq!(
            [to(1, 240), to(2, 260), to(3, 240), to(4, 190)],
            [Verdict::Fine, Verdict::Skewed, Verdict::Skewed, Verdict::Fine]
        );
        assert_eq!(skew.judge(15_000 * MS), Verdict::Unknown);
    }

    #[test]
    fn an_answer_from_before_its_question_is_no_answer() {
        let mut skew = Skew::new(LIMIT_NS, u64::MAX);
        assert_eq!(skew.on_probe(Probe { sent_ns: 2, received_ns: 1, venue_ns: 0 }), None);
        assert_eq!(skew.on_probe(Probe { sent_ns: 0, received_ns: i64::MAX, venue_ns: i64::MIN }), None);
    }
}
