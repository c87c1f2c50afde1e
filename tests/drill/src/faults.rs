//! What each verb does to the world.

use crate::clock::{MS, S};
use crate::dice::Dice;
use crate::ground::{Ground, PAIRS, VENUES};
use crate::venue::{LINES, MARKET_LINES, PRIVATE};
use crate::verb::Verb;
use crate::words;
use crate::world::World;
use highwire_engine::engine::Limits;
use highwire_links::command::Verb as Command;
use highwire_links::instrument::{Change, Status};
use highwire_links::limits::COMMAND_RING;
use highwire_links::{Mode, Nanos};
use highwire_store::disk::Fault;
use std::io::ErrorKind;

impl World {
    /// Fires a verb somewhere; false when it means nothing now.
    pub(crate) fn fire(&mut self, verb: Verb) -> bool {
        let place = self.dice.below(VENUES.len() as u64) as usize;
        match verb {
            Verb::HalfOpen | Verb::Deaf | Verb::Reset | Verb::Fin | Verb::Close | Verb::Leaving => {
                self.end_line(place, verb)
            }
            Verb::Herd => self.end_all(),
            Verb::FrozenTopic => self.freeze(place),
            Verb::Foreign => self.trade_by_hand(place),
            Verb::Drift => self.drift(place),
            Verb::LoggedOut => self.log_out(place),
            Verb::TickChange => self.change_tick(place),
            Verb::Paused => self.pause_trading(place),
            Verb::Outlier => self.jump(place),
            Verb::FeeChange => self.change_fee(place),
            Verb::VenuePing => self.ping(place),
            Verb::VenueClock => self.step_clock(place),
            Verb::Kill | Verb::PowerLoss | Verb::Restart | Verb::Pause | Verb::ThreadDies => self.strike(verb),
            Verb::DiskFull | Verb::DiskError | Verb::DiskReadOnly | Verb::ShortWrite => self.spoil_disk(verb),
            Verb::SlowDisk => self.hold(|world, until| world.scribe_ns = until, 800),
            Verb::WardenSilent => self.hold(|world, until| world.warden_silent_ns = until, 3_000),
            Verb::NetStall => self.hold(|world, until| world.net_stalled_ns = until, 3_000),
            Verb::SinkDown => self.hold(|world, until| world.sink_down_ns = until, 20_000),
            Verb::Halt | Verb::Flatten | Verb::Limits | Verb::CommandFlood => self.operate(verb),
            _ if is_lasting(verb) => {
                let most_ms = if matches!(verb, Verb::MutePrivate | Verb::SilentFeed) { 6_000 } else { 3_000 };
                let until_ns = self.now + self.dice.between(200, most_ms) * MS;
                self.venues[place].in_force[verb as usize] = until_ns;
                true
            }
            _ => self.charge(place, verb),
        }
    }

    /// It acts on the next few messages or orders of a venue.
    fn charge(&mut self, place: usize, verb: Verb) -> bool {
        let times = match verb {
            Verb::Gap | Verb::GapBoth => self.dice.pick(&[1, 2, 30]),
            Verb::Duplicate | Verb::Reorder | Verb::BadFrame => 4,
            Verb::PastTime => 12,
            _ => self.dice.between(1, 3) as u32,
        };
        self.venues[place].target = self.dice.below(MARKET_LINES as u64) as usize;
        self.venues[place].charges[verb as usize] += times;
        true
    }

    fn end_line(&mut self, place: usize, verb: Verb) -> bool {
        let line = self.dice.below(LINES as u64) as usize;
        let line = if verb == Verb::Leaving { line % MARKET_LINES } else { line };
        let (now, venue) = (self.now, &mut self.venues[place]);
        let is_there = venue.lines[line].is_some();
        venue.end(line, verb, now, &mut self.dice);
        is_there
    }

    fn end_all(&mut self) -> bool {
        let was_up = self.venues.iter().any(|venue| venue.lines.iter().any(Option::is_some));
        let now = self.now;
        for venue in &mut self.venues {
            (0..LINES).for_each(|line| venue.end(line, Verb::Reset, now, &mut self.dice));
        }
        was_up
    }

    fn freeze(&mut self, place: usize) -> bool {
        let (line, pair) = (self.dice.below(MARKET_LINES as u64), self.dice.below(PAIRS.len() as u64));
        let until_ns = self.now + self.dice.between(500, 8_000) * MS;
        self.venues[place].freeze(line as usize, pair as usize, until_ns);
        self.venues[place].lines[line as usize].is_some()
    }

    /// Only while the private line tells: what nobody tells of is another verb's story.
    fn trade_by_hand(&mut self, place: usize) -> bool {
        let (now, pair) = (self.now, self.dice.below(PAIRS.len() as u64) as usize);
        let venue = &mut self.venues[place];
        let tells =
            venue.lines[PRIVATE].as_ref().is_some_and(|line| !line.is_deaf) && !venue.is(Verb::MutePrivate, now);
        if tells && self.is_up() {
            self.venues[place].trade_by_hand(pair, now, &mut self.dice);
            return true;
        }
        false
    }

    fn drift(&mut self, place: usize) -> bool {
        self.venues[place].drift(self.now, &mut self.dice);
        true
    }

    fn log_out(&mut self, place: usize) -> bool {
        self.venues[place].log_out(self.now);
        self.venues[place].lines[PRIVATE].is_some()
    }

    /// Another price step, said on the stream as some venues do.
    pub(crate) fn change_tick(&mut self, place: usize) -> bool {
        let (now, pair) = (self.now, self.dice.below(PAIRS.len() as u64) as usize);
        let venue = &mut self.venues[place];
        let old = venue.instruments[pair].tick;
        let tick = self.dice.pick(&[1, 10, 100].map(|tick| if tick == old { 5 } else { tick }));
        venue.instruments[pair].tick = tick;
        venue.old_tick[pair] = (old, now);
        words::tick(Ground::instrument(place, pair), tick, &mut venue.out);
        venue.announce(now);
        // Its book is a new one: what was held is not.
        (venue.is_broken[pair], venue.lost[pair]) = (true, ("of another tick", now));
        self.listed(place, pair, Change { tick: Some(tick), ..Change::default() });
        true
    }

    /// Not trading for a while; the lists say so.
    fn pause_trading(&mut self, place: usize) -> bool {
        let pair = self.dice.below(PAIRS.len() as u64) as usize;
        let until_ns = self.now + self.dice.between(1_000, 6_000) * MS;
        if self.venues[place].paused_ns[pair].is_some() {
            return false;
        }
        self.venues[place].paused_ns[pair] = Some(self.now);
        self.set_status(place, pair, Status::Paused);
        self.paused.push((until_ns, place, pair));
        true
    }

    pub(crate) fn set_status(&mut self, place: usize, pair: usize, status: Status) {
        self.venues[place].instruments[pair].status = status;
        self.listed(place, pair, Change { status: Some(status), ..Change::default() });
    }

    fn jump(&mut self, place: usize) -> bool {
        let pair = self.dice.below(PAIRS.len() as u64) as usize;
        let until_ns = self.now + self.dice.between(20, 200) * MS;
        self.market.outlier(place, pair, until_ns);
        true
    }

    /// Another rate, of which nobody tells but the trades.
    fn change_fee(&mut self, place: usize) -> bool {
        let pair = self.dice.below(PAIRS.len() as u64) as usize;
        self.venues[place].instruments[pair].taker_fee_ppb = self.dice.pick(&[100_000, 200_000, 400_000]);
        true
    }

    fn ping(&mut self, place: usize) -> bool {
        let payload: Vec<u8> = (0..self.dice.pick(&[0, 4, 125])).collect();
        self.venues[place].ping(&payload, self.now)
    }

    fn step_clock(&mut self, place: usize) -> bool {
        let ms = self.dice.between(50, 2_000).cast_signed() * if self.dice.one_in(2) { 1 } else { -1 };
        self.venues[place].offset_ns = ms * MS.cast_signed();
        self.clocks.push((self.now + self.dice.between(1_000, 8_000) * MS, place));
        true
    }

    fn strike(&mut self, verb: Verb) -> bool {
        if !self.is_up() {
            return false;
        }
        match verb {
            Verb::Pause => {
                let most_ms = self.dice.pick(&[50, 1_000, 10_000]);
                self.paused_ns = self.now + self.dice.between(20, most_ms) * MS;
            }
            Verb::ThreadDies => self.dies = true,
            Verb::Restart => self.stop_in_order(),
            _ => self.crash(verb == Verb::PowerLoss),
        }
        true
    }

    fn spoil_disk(&mut self, verb: Verb) -> bool {
        let fault = match verb {
            Verb::DiskFull => Fault::Error(ErrorKind::StorageFull),
            Verb::DiskError => Fault::Error(ErrorKind::Other),
            Verb::DiskReadOnly => Fault::Error(ErrorKind::ReadOnlyFilesystem),
            _ => Fault::Short,
        };
        let calls = if self.dice.one_in(2) { 1 } else { u64::MAX };
        self.disk.fail(self.disk.calls() + self.dice.below(20), calls, fault);
        self.disk_heals_ns = self.now + self.dice.between(100, 4_000) * MS;
        true
    }

    fn hold(&mut self, set: impl FnOnce(&mut Self, Nanos), most_ms: u64) -> bool {
        let until_ns = self.now + self.dice.between(50, most_ms) * MS;
        set(self, until_ns);
        self.is_up()
    }

    fn operate(&mut self, verb: Verb) -> bool {
        let now = self.now;
        let Some((_, net)) = self.running() else { return false };
        match verb {
            Verb::Halt => net.reign.on_halt(now),
            Verb::Flatten => net.reign.commands.push(Command::Flatten),
            Verb::CommandFlood => self.set_limits(3 * COMMAND_RING),
            _ => self.set_limits(1),
        }
        true
    }

    fn set_limits(&mut self, times: usize) {
        let limits: Limits = self.ground.universe.engine(&self.ground.config, Mode::Halted, 1).limits;
        if let Some((_, net)) = self.running() {
            let command = || Command::SetLimits(Box::new(limits.clone()));
            net.reign.commands.extend(std::iter::repeat_with(command).take(times));
        }
    }
}

fn is_lasting(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::SilentFeed
            | Verb::NoPong
            | Verb::Refuse
            | Verb::Stall
            | Verb::Flap
            | Verb::SlowWire
            | Verb::Held
            | Verb::Throttled
            | Verb::HttpFail
            | Verb::HttpLimit
            | Verb::QueryLag
            | Verb::MutePrivate
    )
}

/// How long an operator takes to look at what is latched.
pub(crate) fn operator_takes_ns(dice: &mut Dice) -> Nanos {
    dice.between(2, 12) * S
}
