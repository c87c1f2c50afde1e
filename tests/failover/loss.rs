//! The ways in which lines are lost.

use highwire_simulator::fault::verb::Direction;
use highwire_simulator::{Injection, Venue as Room, Verb};

/// A way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// RST.
    Reset,
    /// FIN without a close frame.
    Fin,
    /// TCP stands, bytes vanish.
    HalfOpen,
    /// The connection answers pings, and brings no data.
    Silent,
    /// The venue announces that it will end one connection.
    Announced,
    /// The venue announces that it will end two at once.
    AnnouncedTwo,
    /// Two lines are reset at once.
    Two,
}

impl Loss {
    /// What comes without a word.
    pub const UNANNOUNCED: [Self; 5] = [Self::Reset, Self::Fin, Self::HalfOpen, Self::Silent, Self::Two];
    /// What is told before it happens.
    pub const ANNOUNCED: [Self; 2] = [Self::Announced, Self::AnnouncedTwo];

    /// How many lines are lost.
    pub fn lines(self) -> usize {
        if matches!(self, Self::Two | Self::AnnouncedTwo) { 2 } else { 1 }
    }

    /// Whether lines that carry the books are left, or their successors are there in time, when a venue has so many.
    pub fn goes_unnoticed(self, lines: usize) -> bool {
        self.lines() < lines || Self::ANNOUNCED.contains(&self)
    }

    /// Whether it happens at this exchange: Bybit announces nothing.
    pub fn happens_at(self, room: Room) -> bool {
        room != Room::Bybit || !Self::ANNOUNCED.contains(&self)
    }

    /// What is done to these connections of a venue, which are lost.
    pub fn injections(self, room: Room, connections: &[u64]) -> Vec<Injection> {
        let verb = match self {
            Self::Reset | Self::Two => Verb::Reset {},
            Self::Fin => Verb::Fin { mid_frame: false },
            // Every second time only what comes to us vanishes.
            Self::HalfOpen if connections.first().is_some_and(|number| number % 2 == 1) => {
                Verb::Blackhole { dir: Direction::Down }
            }
            Self::HalfOpen => Verb::Blackhole { dir: Direction::Both },
            Self::Silent => Verb::Mute {},
            // The end itself never comes: whoever does not go by the announcement waits for ever.
            Self::Announced | Self::AnnouncedTwo => Verb::ShutdownNotice { close_after_ms: 0 },
        };
        connections.iter().map(|&number| Injection::new(room, verb.clone()).conn(number)).collect()
    }
}
