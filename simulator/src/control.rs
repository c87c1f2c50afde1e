//! The hand in the box: faults put into a running simulator. Tests hold a [`Control`]; other programs use the
//! control port, which does the same.

pub(crate) mod port;

use std::sync::Arc;

use crate::config::Venue;
use crate::fault::script::{Injection, Target};
use crate::fault::verb::Verb;
use crate::world::World;

/// The plain faults of a venue. Stream faults take the stream's key as a filter; `None` means all streams of the venue.
/// Everything else is an [`Injection`].
///
/// Keys: Binance `btcusdt@depth@100ms`; OKX `books:BTC-USDT`; Bybit `spot/orderbook.50.BTCUSDT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Cut every connection without a close frame.
    Drop,
    /// Close every connection with this code.
    Close(u16),
    /// Announce a planned disconnect (`serverShutdown`, notice 64008); the connections stay.
    Announce,
    /// Streams fall silent; everything else goes on.
    Freeze(Option<String>),
    /// Frozen streams go on without a gap.
    Thaw(Option<String>),
    /// Lose the next push of depth streams: a gap in the sequence.
    Gap(Option<String>),
    /// The next push of book streams shows a bid above the best ask; the push after takes it back.
    Cross(Option<String>),
    /// Depth streams that greet with a snapshot start over (Bybit `u` = 1, OKX a new snapshot).
    Restart(Option<String>),
    /// Send a frame that is not JSON to the subscribers of streams.
    Garbage(Option<String>),
}

impl Fault {
    fn injection(&self, venue: Venue) -> Injection {
        let (verb, topic) = match self {
            Self::Drop => (Verb::Close { code: 1006, reason: String::new() }, &None),
            Self::Close(code) => (Verb::Close { code: *code, reason: String::new() }, &None),
            Self::Announce => (Verb::ShutdownNotice { close_after_ms: 0 }, &None),
            Self::Freeze(key) => (Verb::Freeze {}, key),
            Self::Thaw(key) => (Verb::Thaw {}, key),
            Self::Gap(key) => (Verb::Gap { n: 1 }, key),
            Self::Cross(key) => (Verb::Cross { ms: 0 }, key),
            Self::Restart(key) => (Verb::Restart {}, key),
            Self::Garbage(key) => (Verb::Garbage {}, key),
        };
        let mut injection = Injection::new(venue, verb);
        injection.target.topic.clone_from(topic);
        injection
    }
}

/// A handle that injects faults and stops the market; cheap to clone.
#[derive(Clone)]
pub struct Control {
    pub(crate) world: Arc<World>,
}

impl Control {
    /// Injects a plain fault; returns how many connections or streams it touches (0 = nothing to touch).
    pub fn inject(&self, venue: Venue, fault: &Fault) -> usize {
        self.apply(fault.injection(venue)).unwrap_or(0) // plain faults name no instrument, so none can be missing
    }

    /// Takes one entry of a script: does it now, or when its time or trigger comes. Returns how many
    /// connections, streams or instruments it touches now (1 where that cannot be told).
    ///
    /// # Errors
    /// Its parameters make no sense, or it names an instrument or needs something that is not there.
    pub fn apply(&self, injection: Injection) -> Result<usize, String> {
        let now_ns = self.world.now_ns();
        let mut state = self.world.lock();
        let touched = state.inject(injection, now_ns);
        self.world.set_clocks(&state);
        touched
    }

    /// Takes faults back, those in waiting too; returns how many were in force.
    pub fn take_back(&self, fits: impl Fn(&Verb, &Target) -> bool) -> usize {
        let mut state = self.world.lock();
        let gone = state.take_back(fits);
        self.world.set_clocks(&state);
        gone
    }

    /// Stops the market where it stands; streams show nothing new.
    pub fn pause(&self) {
        self.world.lock().paused = true;
    }

    /// Lets the market go on.
    pub fn resume(&self) {
        self.world.lock().paused = false;
    }

    /// Connections of a venue that stand now.
    pub fn connections(&self, venue: Venue) -> usize {
        self.world.lock().desk(venue).map_or(0, |(_, desk)| desk.clients.len())
    }
}
