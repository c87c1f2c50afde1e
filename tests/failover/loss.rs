//! The ways in which a line is lost.

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
    /// The venue announces that it will end.
    Announced,
    /// Both lines are reset at once.
    Both,
}

impl Loss {
    /// Every way.
    pub const ALL: [Self; 6] = [Self::Reset, Self::Fin, Self::HalfOpen, Self::Silent, Self::Announced, Self::Both];

    /// Whether the other line lives on.
    pub fn spares_one(self) -> bool {
        self != Self::Both
    }

    /// What is done to these connections of a venue, of which one or both are lost.
    pub fn injections(self, room: Room, connections: &[u64]) -> Vec<Injection> {
        let verb = match self {
            Self::Reset | Self::Both => Verb::Reset {},
            Self::Fin => Verb::Fin { mid_frame: false },
            Self::HalfOpen => Verb::Blackhole { dir: Direction::Both },
            Self::Silent => Verb::Mute {},
            Self::Announced => Verb::ShutdownNotice { close_after_ms: 3_000 },
        };
        connections.iter().map(|&number| Injection::new(room, verb.clone()).conn(number)).collect()
    }
}
