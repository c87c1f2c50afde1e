//! Data clocks: when each subscription (an instrument on a line) last brought data, what gap is usual for it,
//! and whether it has fallen silent. Pings and pongs never count here; only data does.

use highwire_links::limits::CONNECTIONS_MAX;
use highwire_links::{InstrumentId, Nanos};

/// No subscription is silent before this: a market may pause.
const SILENT_NS_MIN: Nanos = 3_000_000_000;
/// One that another line outruns is silent after this: the market does not pause.
const OUTRUN_NS_MIN: Nanos = 600_000_000;
/// One whose newest data is as old as that by the venue's own clock is silent after this already: the thread may have
/// been away while another line went on.
const BEHIND_NS_MIN: Nanos = 300_000_000;
/// A line that has brought so much since it began can outrun another.
const FLOWS_BEATS: u8 = 10;
/// Every subscription is silent after this.
const SILENT_NS_MAX: Nanos = 30_000_000_000;
/// A gap of so many usual ones is silence.
const USUAL_GAPS: Nanos = 10;
/// Of so many, where another line has gone on.
const OUTRUN_GAPS: Nanos = 5;
/// Time between two sweeps.
const SWEEP_NS: Nanos = 100_000_000;

/// One subscription.
#[derive(Clone, Copy, Debug, Default)]
struct Pulse {
    heard_ns: Nanos,
    /// The venue's time of it; 0: it does not say.
    event_ns: Nanos,
    /// The usual gap: a running estimate of the median, which a few long gaps do not move.
    usual_ns: Nanos,
    silent: bool,
    /// Data since it began: what greets a subscriber says nothing of what follows.
    beats: u8,
}

impl Pulse {
    /// When it is silent, while `newest` is the last that was heard of those that flow.
    fn limit_ns(&self, newest: Self) -> Nanos {
        let is_outrun = newest.heard_ns.saturating_sub(self.heard_ns) >= OUTRUN_NS_MIN / 2;
        let of = |gaps: Nanos, least_ns| self.usual_ns.saturating_mul(gaps).clamp(least_ns, SILENT_NS_MAX);
        let outrun_ns = of(OUTRUN_GAPS, OUTRUN_NS_MIN);
        let behind_ns = if self.event_ns > 0 { newest.event_ns.saturating_sub(self.event_ns) } else { 0 };
        match is_outrun {
            true if behind_ns > outrun_ns => of(OUTRUN_GAPS, BEHIND_NS_MIN),
            true => outrun_ns,
            false => of(USUAL_GAPS, SILENT_NS_MIN),
        }
    }

    fn beat(&mut self, event_ns: Nanos, now: Nanos) -> bool {
        if self.heard_ns > 0 {
            let gap_ns = now.saturating_sub(self.heard_ns);
            let step_ns = self.usual_ns / 16 + 1_000;
            let longer = gap_ns > self.usual_ns;
            self.usual_ns = if longer { self.usual_ns + step_ns } else { self.usual_ns.saturating_sub(step_ns) };
        }
        (self.heard_ns, self.event_ns) = (now, event_ns);
        self.beats = self.beats.saturating_add(1);
        std::mem::take(&mut self.silent)
    }
}

/// The data clocks of one feed.
#[derive(Debug)]
pub struct Pulses {
    /// By instrument, then slot.
    pulses: Box<[Pulse]>,
    swept_ns: Nanos,
}

impl Pulses {
    /// Clocks that have not begun; all memory is taken here.
    pub fn new(instruments: usize) -> Self {
        Self { pulses: vec![Pulse::default(); instruments * CONNECTIONS_MAX].into(), swept_ns: 0 }
    }

    /// Data of this time at its venue came; true when it had been silent.
    pub fn beat(&mut self, id: InstrumentId, slot: u16, event_ns: Nanos, now: Nanos) -> bool {
        let pulse = self.pulses.get_mut(place(id, slot));
        pulse.is_some_and(|pulse| pulse.beat(event_ns, now))
    }

    /// A line began: its clock starts now.
    pub fn begin(&mut self, id: InstrumentId, slot: u16, now: Nanos) {
        if let Some(pulse) = self.pulses.get_mut(place(id, slot)) {
            *pulse = Pulse { heard_ns: now, usual_ns: pulse.usual_ns, ..Pulse::default() };
        }
    }

    /// Whether it is time to look for silence.
    pub fn is_due(&mut self, now: Nanos) -> bool {
        let due = now.saturating_sub(self.swept_ns) >= SWEEP_NS;
        if due {
            self.swept_ns = now;
        }
        due
    }

    /// The age of the newest data, if it has just become too old.
    pub fn falls_silent(&mut self, id: InstrumentId, slot: u16, now: Nanos) -> Option<Nanos> {
        let lines = self.pulses.get(place(id, 0)..place(id, 0) + CONNECTIONS_MAX)?;
        let flows = |pulse: &&Pulse| pulse.beats >= FLOWS_BEATS;
        let newest = lines.iter().filter(flows).max_by_key(|pulse| pulse.heard_ns).copied().unwrap_or_default();
        let pulse = self.pulses.get_mut(place(id, slot))?;
        let age_ns = now.saturating_sub(pulse.heard_ns);
        let falls = !pulse.silent && pulse.heard_ns > 0 && age_ns > pulse.limit_ns(newest);
        pulse.silent |= falls;
        falls.then_some(age_ns)
    }
}

/// Beyond the end for a slot that is none.
fn place(id: InstrumentId, slot: u16) -> usize {
    if usize::from(slot) < CONNECTIONS_MAX { id.index() * CONNECTIONS_MAX + usize::from(slot) } else { usize::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Nanos = 1_000_000_000;
    const ID: InstrumentId = InstrumentId(1);

    fn beating(every_ns: Nanos, times: u64) -> (Pulses, Nanos) {
        let mut pulses = Pulses::new(2);
        pulses.begin(ID, 3, S);
        (1..=times).for_each(|n| _ = pulses.beat(ID, 3, 0, S + n * every_ns));
        (pulses, S + times * every_ns)
    }

    #[test]
    fn a_lively_subscription_is_silent_after_three_seconds_once_and_heard_again() {
        let (mut pulses, last) = beating(S / 100, 1_000);
        assert_eq!(pulses.falls_silent(ID, 3, last + 3 * S), None);
        assert_eq!(pulses.falls_silent(ID, 3, last + 3 * S + 1), Some(3 * S + 1));
        assert_eq!(pulses.falls_silent(ID, 3, last + 9 * S), None, "it is told once");
        assert!(pulses.beat(ID, 3, 0, last + 10 * S) && !pulses.beat(ID, 3, 0, last + 11 * S));
    }

    #[test]
    fn one_that_another_line_outruns_is_silent_sooner() {
        let (mut pulses, last) = beating(S / 100, 1_000);
        pulses.begin(ID, 4, last);
        (1..=60).for_each(|n| _ = pulses.beat(ID, 4, 0, last + n * S / 100));
        let now = last + OUTRUN_NS_MIN + 1;
        assert_eq!((pulses.falls_silent(ID, 3, now - 1), pulses.falls_silent(ID, 4, now)), (None, None));
        assert_eq!(pulses.falls_silent(ID, 3, now), Some(OUTRUN_NS_MIN + 1));
        pulses.begin(ID, 4, now);
        pulses.begin(ID, 5, now);
        (1..=9).for_each(|_| _ = pulses.beat(ID, 5, 0, now + OUTRUN_NS_MIN));
        assert_eq!(pulses.falls_silent(ID, 4, now + OUTRUN_NS_MIN + 1), None, "a greeting outruns nobody");
    }

    #[test]
    fn after_a_pause_of_our_own_the_venues_times_tell_who_fell_silent_during_it() {
        let found_at = |event_of_the_last: Nanos| {
            let mut pulses = Pulses::new(2);
            (3..=4).for_each(|slot| pulses.begin(ID, slot, S));
            let beat = |pulses: &mut Pulses, slot, at| _ = pulses.beat(ID, slot, at, at);
            (1..=100).for_each(|n| (3..=4).for_each(|slot| beat(&mut pulses, slot, S + n * S / 100)));
            // Two seconds later both sockets are read: what line 3 brings is as old as its silence.
            let back = 4 * S;
            _ = pulses.beat(ID, 3, event_of_the_last, back);
            (0..200).map(|n| back + n * S / 100).find_map(|now| {
                beat(&mut pulses, 4, now);
                pulses.falls_silent(ID, 3, now).map(|_| now - back)
            })
        };
        assert_eq!(found_at(2 * S + S / 100), Some(BEHIND_NS_MIN + S / 100));
        assert_eq!(found_at(0), Some(OUTRUN_NS_MIN + S / 100), "where the venue says no time");
        assert_eq!(found_at(4 * S), Some(OUTRUN_NS_MIN + S / 100), "it was there until now");
    }

    #[test]
    fn a_quiet_one_is_given_ten_of_its_usual_gaps_and_half_a_minute_at_most() {
        let (mut quiet, last) = beating(S, 2_000);
        assert_eq!(quiet.falls_silent(ID, 3, last + 8 * S), None);
        assert!(quiet.falls_silent(ID, 3, last + 13 * S).is_some());
        let (mut still, last) = beating(60 * S, 2_000);
        assert!(still.falls_silent(ID, 3, last + 30 * S + 1).is_some());
    }

    #[test]
    fn a_subscription_that_never_began_is_not_silent_and_strange_slots_are_none() {
        let mut pulses = Pulses::new(2);
        assert_eq!(pulses.falls_silent(ID, 3, 100 * S), None);
        assert!(!pulses.beat(ID, 999, 0, S));
    }
}
