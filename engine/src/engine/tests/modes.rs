//! What may not open does not: random walks over modes, stop words, wardens and resumes, and a strategy that runs away.

use super::*;
use crate::strategies::Strategies;
use highwire_links::mode::OrderClass;

/// Walks by default; `HIGHWIRE_WALKS` sets another number.
const WALKS: u64 = 100_000;
/// Steps of one walk.
const STEPS: usize = 4;

/// A small generator (xorshift64*), so that a walk is its number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % sides
    }
}

/// What the walk says is in force, kept apart from the engine.
#[derive(Clone, Copy, Debug)]
struct Law {
    modes: [Mode; 3],
    stop: StopWord,
    is_warden_silent: bool,
}

impl Law {
    fn opens(&self) -> bool {
        let may = self.modes.iter().all(|mode| matches!(mode, Mode::Full | Mode::Reduced));
        may && self.stop == StopWord::Go && !self.is_warden_silent
    }

    /// One random change, told to the engine as its thread would be.
    fn change(&mut self, rig: &mut Rig, dice: &mut Dice) {
        let mode = [Mode::Full, Mode::Reduced, Mode::HedgeOnly, Mode::Halted][dice.roll(4) as usize];
        match dice.roll(6) {
            0 => {
                self.modes[0] = mode;
                rig.engine.on_set_mode(mode);
            }
            scope @ 1..=2 => {
                self.modes[scope as usize] = mode;
                rig.engine.on_set_venue_mode(VenueId(scope as u8 - 1), mode);
            }
            3 => {
                self.stop = [StopWord::Go, StopWord::NoOpening, StopWord::CancelsOnly][dice.roll(3) as usize];
                rig.bench.ports.cnc.lower(self.stop);
            }
            4 => {
                self.is_warden_silent = dice.roll(2) == 1;
                rig.engine.on_warden_silent(self.is_warden_silent);
            }
            _ => rig.engine.on_resume(),
        }
    }

    /// Back to where everything may open.
    fn clear(&mut self, rig: &mut Rig) {
        *self = Self { modes: [Mode::Full; 3], stop: StopWord::Go, is_warden_silent: false };
        rig.engine.on_set_mode(Mode::Full);
        [0, 1].into_iter().for_each(|venue| rig.engine.on_set_venue_mode(VenueId(venue), Mode::Full));
        rig.bench.ports.cnc.lower(StopWord::Go);
        rig.engine.on_warden_silent(false);
    }
}

/// An engine that takes every crossing, again and again.
fn eager() -> Rig {
    rig(|spec| {
        (spec.limits.cooldown_ns, spec.limits.open_orders_max) = (0, 128);
        (spec.limits.position_max, spec.limits.saga.exposure_max) = (amount("1000000"), amount("1000000"));
        spec.limits.strategies = Strategies::default();
        spec.funds = vec![Funds::Spot { base: amount("1000000"), quote: amount("1000000") }; 2];
    })
}

/// Prices cross now one way, now the other: what opens.
fn crossing(rig: &mut Rig, turn: u64) -> usize {
    let (low, high) = if turn.is_multiple_of(2) { (0, 1) } else { (1, 0) };
    rig.book(low, &[(9_990, ONE)], &[(10_000, ONE)]);
    rig.book(high, &[(10_200, ONE)], &[(10_210, ONE)]);
    sent(&rig.poll()).iter().filter(|order| order.class == OrderClass::Open).count()
}

/// Lets what was sent end.
fn settle(rig: &mut Rig) {
    for _ in 0..3 {
        rig.pass(1_000_000);
        rig.poll();
    }
}

#[test]
fn nothing_opens_while_anything_forbids_it_whatever_way_led_there() {
    let wanted = std::env::var("HIGHWIRE_WALKS").ok().and_then(|text| text.parse().ok()).unwrap_or(WALKS);
    let (mut rig, mut dice) = (eager(), Dice(0x5eed));
    let mut law = Law { modes: [Mode::Full; 3], stop: StopWord::Go, is_warden_silent: false };
    let (mut opened, mut forbidden) = (0, 0);
    for walk in 0..wanted {
        law.clear(&mut rig);
        for step in 0..STEPS {
            law.change(&mut rig, &mut dice);
            let sent = crossing(&mut rig, walk + step as u64);
            assert!(law.opens() || sent == 0, "walk {walk}, step {step}: {sent} opened under {law:?}");
            opened += sent;
            forbidden += u64::from(!law.opens());
            settle(&mut rig);
        }
    }
    println!("{wanted} walks: {opened} orders opened where it was permitted, 0 in {forbidden} steps where it was not");
    assert!(opened > 0 && forbidden > 0);
}

#[test]
fn a_strategy_that_runs_away_sends_nothing_beyond_its_limit() {
    let mut rig = eager();
    let mut limits = spec().limits;
    (limits.cooldown_ns, limits.guard.orders_per_s_max) = (0, 50);
    (limits.position_max, limits.saga.exposure_max) = (amount("1000000"), amount("1000000"));
    rig.engine.on_set_limits(&limits);
    // Ten thousand chances within a second, each worth two orders.
    let mut opened = 0;
    for turn in 0..10_000 {
        opened += crossing(&mut rig, turn);
        rig.pass(100_000);
    }
    assert_eq!(opened, 50, "as many as the limit, and no more");
    assert!(rig.engine.executor().guard().tripped().is_some());
}
