//! A connection's life as a trace: one root span from the attempt to the end, below it a span for each phase and one
//! for the time that it was live. Phases are seen as they pass, the whole at its end. Without a collector it costs
//! nothing.

use highwire_supervision::ending::{End, Phase};
use highwire_supervision::failover::{Act, Event};
use tracing::field::{Empty, debug};
use tracing::{Span, info_span};

/// Which connection it is.
#[derive(Clone, Debug, Default)]
pub struct Whose {
    /// The venue's name.
    pub venue: &'static str,
    /// What it carries.
    pub kind: &'static str,
    /// Its number among those of its kind.
    pub line: u16,
}

/// The trail of one berth: of the connection that has it, if there is one.
#[derive(Debug, Default)]
pub struct Trail {
    whose: Whose,
    root: Option<Span>,
    /// Closed when the next begins.
    _phase: Option<Span>,
}

impl Trail {
    /// Of nothing yet.
    pub fn new(whose: Whose) -> Self {
        Self { whose, root: None, _phase: None }
    }

    /// Follows what happened to the connection, and what its machine made of it.
    pub fn on(&mut self, event: Event, act: Act) {
        match (event, act) {
            (_, Act::Open { .. }) => self.begin(),
            (_, Act::Abandon(phase)) => self.end(End::TimedOut(phase)),
            (Event::Ended(end, _), _) => self.end(end),
            (_, Act::Close) | (Event::Stop, _) => self.end(End::Ours),
            (Event::Reached(phase), _) => self.reach(name(phase)),
            (Event::Data, _) => self.reach("live"),
            (Event::Start | Event::Granted | Event::Deferred(_) | Event::Tick, _) => {}
        }
    }

    fn begin(&mut self) {
        let Whose { venue, kind, line } = self.whose;
        let root = info_span!(parent: None, "connection", venue, kind, line, end = Empty, failed = Empty);
        self.root = Some(root);
        self.reach(name(Phase::Connect));
    }

    fn reach(&mut self, name: &'static str) {
        let Some(root) = &self.root else { return };
        self._phase = None;
        self._phase = Some(info_span!(parent: root, "phase", otel.name = name));
    }

    fn end(&mut self, end: End) {
        let Some(root) = self.root.take() else { return };
        self._phase = None;
        root.record("end", debug(end));
        root.record("failed", end != End::Ours);
    }
}

const fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Connect => "connect",
        Phase::Tls => "tls",
        Phase::Upgrade => "upgrade",
        Phase::Login => "login",
        Phase::Subscribe => "subscribe",
        Phase::Snapshot => "snapshot",
    }
}
