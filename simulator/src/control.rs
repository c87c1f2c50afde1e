//! The hand in the box: faults put into a running simulator, by venue. A fault script is a list of these.

use std::sync::Arc;

use crate::config::Venue;
use crate::desk::{Close, Desk};
use crate::feed::{Carries, Feed};
use crate::world::World;

/// A fault. Stream faults take the stream's key as a filter; `None` means all streams of the venue.
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

/// A handle that injects faults and stops the market; cheap to clone.
#[derive(Clone)]
pub struct Control {
    pub(crate) world: Arc<World>,
}

impl Control {
    /// Injects a fault; returns how many connections or streams it touches (0 = nothing to touch).
    pub fn inject(&self, venue: Venue, fault: &Fault) -> usize {
        let now_ns = self.world.now_ns();
        let mut state = self.world.lock();
        let Some((_, desk)) = state.desk(venue) else { return 0 };
        match fault {
            Fault::Drop => desk.end_all(None),
            Fault::Close(code) => desk.end_all(Some(Close(*code, ""))),
            Fault::Announce => announce(desk, now_ns),
            Fault::Garbage(key) => garbage(desk, key.as_deref()),
            Fault::Freeze(key) => mark(desk, key.as_deref(), |_| true, |feed| feed.frozen = true),
            Fault::Thaw(key) => mark(desk, key.as_deref(), |feed| feed.frozen, |feed| feed.frozen = false),
            Fault::Gap(key) => mark(desk, key.as_deref(), chained, |feed| feed.pending.skip = true),
            Fault::Cross(key) => mark(desk, key.as_deref(), has_book, |feed| feed.pending.cross = true),
            Fault::Restart(key) => mark(desk, key.as_deref(), restarts, |feed| feed.pending.restart = true),
        }
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

fn chained(feed: &Feed) -> bool {
    feed.channel.carries == Carries::Changes
}

fn has_book(feed: &Feed) -> bool {
    feed.channel.carries != Carries::Trades
}

fn restarts(feed: &Feed) -> bool {
    chained(feed) && feed.channel.greets
}

fn chosen(feed: &Feed, key: Option<&str>) -> bool {
    key.is_none_or(|key| key == feed.key)
}

fn mark(desk: &mut Desk, key: Option<&str>, fits: impl Fn(&Feed) -> bool, act: impl Fn(&mut Feed)) -> usize {
    desk.feeds.iter_mut().filter(|feed| chosen(feed, key) && fits(feed)).map(act).count()
}

fn announce(desk: &mut Desk, now_ns: u64) -> usize {
    let Desk { clients, protocol, .. } = desk;
    clients.values_mut().filter_map(|c| protocol.farewell(c, now_ns).map(|text| c.send(text))).count()
}

fn garbage(desk: &mut Desk, key: Option<&str>) -> usize {
    let Desk { clients, feeds, .. } = desk;
    let hit = feeds.iter().filter(|feed| chosen(feed, key)).flat_map(|feed| &feed.subscribers);
    let hit: std::collections::BTreeSet<u64> = hit.copied().collect();
    clients.values_mut().filter(|c| hit.contains(&c.id)).map(|c| c.send("{\"e\":\"depthUpdate\",\"b\":[[\"1")).count()
}
