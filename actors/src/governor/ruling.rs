//! What the governor has ruled, as anybody may read it without asking: modes, the causes that hold them, and
//! when each safety mechanism last fired.

use highwire_links::{Mode, Nanos, VenueId};
use highwire_supervision::degrade::{Cause, Scope};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Moves that are remembered.
const MOVES_KEPT: usize = 64;

/// A cause that holds a mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Why.
    pub cause: Cause,
    /// What it holds.
    pub mode: Mode,
    /// Only an operator takes it back.
    pub latched: bool,
    /// In words.
    pub note: String,
    /// Since when.
    pub since_ns: Nanos,
}

impl Held {
    /// One line for a person.
    pub fn text(&self) -> String {
        let latched = if self.latched { ", latched" } else { "" };
        let note = if self.note.is_empty() { String::new() } else { format!(": {}", self.note) };
        format!("{} holds {:?}{latched}{note}", self.cause.name(), self.mode)
    }
}

/// How often a mechanism fired, and when last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// Times.
    pub count: u64,
    /// Last.
    pub last_ns: Nanos,
}

/// Everything that is in force.
#[derive(Clone, Debug, Default)]
pub struct Ruling {
    /// What the whole service may do.
    pub mode: Mode,
    /// What holds it.
    pub reasons: Vec<Held>,
    /// By venue: its name, what it may do, and what holds it.
    pub venues: BTreeMap<VenueId, (String, Mode, Vec<Held>)>,
    /// By venue: live lines of each kind that it has, by the kind's name.
    pub lines: BTreeMap<VenueId, Vec<(&'static str, u32)>>,
    /// Moves of modes since the start.
    pub moves: u64,
    /// The last of them, oldest first.
    pub last_moves: VecDeque<(Nanos, String)>,
    /// By cause: how often it began to hold, and when last.
    pub fired: BTreeMap<Cause, Fired>,
    /// A halt is under way.
    pub is_halting: bool,
    /// When the governor last looked.
    pub looked_ns: Nanos,
}

impl Ruling {
    /// Every reason for which something may not be done, with its scope.
    pub fn texts(&self) -> Vec<String> {
        let own = self.reasons.iter().map(|held| format!("service: {}", held.text()));
        let venues = self.venues.values().flat_map(|(name, _, reasons)| {
            reasons.iter().map(move |held| format!("{name}: {}", held.text())).collect::<Vec<_>>()
        });
        own.chain(venues).collect()
    }

    /// The name of a scope.
    pub fn name(&self, scope: Scope) -> &str {
        match scope {
            Scope::Global => "service",
            Scope::Venue(venue) => self.venues.get(&venue).map_or("?", |(name, ..)| name),
        }
    }

    /// Notes a move.
    pub(super) fn on_moved(&mut self, at_ns: Nanos, text: String) {
        self.moves += 1;
        if self.last_moves.len() == MOVES_KEPT {
            self.last_moves.pop_front();
        }
        self.last_moves.push_back((at_ns, text));
    }
}

/// The ruling, where everybody can read it. Whoever reads holds it for a moment only.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<Ruling>>);

impl Board {
    /// A look.
    pub fn read(&self) -> Ruling {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Ruling> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
