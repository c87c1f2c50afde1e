//! Whether a line is still there: a line that falls silent against its own habit is pinged, and one that
//! answered pings before and does not now is dead. A half-open connection is found within a second on a
//! lively feed, and a quiet feed is left alone.

use highwire_links::Nanos;

/// No line is asked before this silence.
const ASK_NS_MIN: Nanos = 400_000_000;
/// A silence of so many usual gaps is against a line's habit.
const USUAL_GAPS: Nanos = 20;
/// Of so many, where something comes at least every tenth of a second: with the answer's time that is a second at most.
const LIVELY_GAPS: Nanos = 5;
/// The longest usual gap of a lively line.
const LIVELY_NS_MAX: Nanos = 100_000_000;
/// An answer takes no longer than this.
const ANSWER_NS: Nanos = 500_000_000;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Wait,
    /// Send a ping.
    Ask,
    /// It is dead.
    Dead,
}

/// The rule, for one line.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    heard_ns: Nanos,
    /// The usual gap between reads that brought bytes: a running estimate of the median.
    usual_ns: Nanos,
    /// When the ping that is not answered yet was sent; 0: none.
    asked_ns: Nanos,
    /// It has answered a ping: not every venue does.
    answers: bool,
    /// The first ping was sent: it shows whether pings are answered at all.
    tried: bool,
}

impl Probe {
    /// A line that began at `now`.
    pub fn new(now: Nanos) -> Self {
        Self { heard_ns: now, usual_ns: 0, asked_ns: 0, answers: false, tried: false }
    }

    /// Bytes came.
    pub fn on_bytes(&mut self, now: Nanos) {
        let gap_ns = now.saturating_sub(self.heard_ns);
        let step_ns = self.usual_ns / 16 + 1_000;
        let longer = gap_ns > self.usual_ns;
        self.usual_ns = if longer { self.usual_ns + step_ns } else { self.usual_ns.saturating_sub(step_ns) };
        (self.heard_ns, self.asked_ns) = (now, 0);
    }

    /// A pong came.
    pub fn on_pong(&mut self) {
        self.answers = true;
    }

    /// Looks at the time.
    pub fn on_time(&mut self, now: Nanos) -> Verdict {
        let gaps = if self.usual_ns <= LIVELY_NS_MAX { LIVELY_GAPS } else { USUAL_GAPS };
        let limit_ns = self.usual_ns.saturating_mul(gaps).max(ASK_NS_MIN);
        if self.asked_ns > 0 {
            let late = self.answers && !cfg!(mutant = "half-open") && now.saturating_sub(self.asked_ns) > ANSWER_NS;
            return if late { Verdict::Dead } else { Verdict::Wait };
        }
        if self.tried && now.saturating_sub(self.heard_ns) <= limit_ns {
            return Verdict::Wait;
        }
        if self.tried {
            self.asked_ns = now.max(1);
        }
        self.tried = true;
        Verdict::Ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    fn lively(answers: bool) -> (Probe, Nanos) {
        every(10, answers)
    }

    fn every(ms: u64, answers: bool) -> (Probe, Nanos) {
        let mut probe = Probe::new(0);
        assert_eq!(probe.on_time(0), Verdict::Ask, "the first ping shows whether pings are answered");
        if answers {
            probe.on_pong();
        }
        let mut now = 0;
        for _ in 0..2_000 {
            now += ms * MS;
            probe.on_bytes(now);
            assert_eq!(probe.on_time(now), Verdict::Wait);
        }
        (probe, now)
    }

    #[test]
    fn a_lively_line_that_goes_silent_is_asked_and_dead_within_a_second() {
        let (mut probe, last) = lively(true);
        let at = |ms: u64| last + ms * MS;
        assert_eq!(
            [400, 401, 402, 901, 902].map(|ms| probe.on_time(at(ms))),
            [Verdict::Wait, Verdict::Ask, Verdict::Wait, Verdict::Wait, Verdict::Dead]
        );
    }

    #[test]
    fn one_that_brings_something_ten_times_a_second_is_dead_within_a_second_and_a_little() {
        let (mut probe, last) = every(95, true);
        assert_eq!([450, 530].map(|ms| probe.on_time(last + ms * MS)), [Verdict::Wait, Verdict::Ask]);
        assert_eq!(probe.on_time(last + 1_031 * MS), Verdict::Dead);
    }

    #[test]
    fn any_byte_is_an_answer_and_a_venue_that_never_answers_is_not_killed_for_it() {
        let (mut probe, last) = lively(true);
        assert_eq!(probe.on_time(last + 600 * MS), Verdict::Ask);
        probe.on_bytes(last + 700 * MS);
        assert_eq!(probe.on_time(last + 1_050 * MS), Verdict::Wait);
        let (mut mute, last) = lively(false);
        assert_eq!(mute.on_time(last + 600 * MS), Verdict::Ask);
        assert_eq!(mute.on_time(last + 60_000 * MS), Verdict::Wait);
    }

    #[test]
    fn a_quiet_line_is_left_alone_for_as_long_as_it_is_usually_quiet() {
        let mut probe = Probe::new(0);
        probe.on_time(0);
        probe.on_pong();
        let mut now = 0;
        for _ in 0..3_000 {
            now += 2_000 * MS;
            probe.on_bytes(now);
        }
        assert_eq!(probe.on_time(now + 20_000 * MS), Verdict::Wait);
    }
}
