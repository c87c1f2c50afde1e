//! Requests that wait for a line or a rate budget, by priority, oldest first. Fixed size.

use highwire_links::Nanos;
use highwire_links::limits::ORDER_RING;
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order};
use highwire_links::rate::Priority;

/// A request and since when it waits.
#[derive(Clone, Copy, Debug)]
pub struct Queued {
    /// The request.
    pub order: Order,
    /// Since when.
    pub since_ns: Nanos,
}

/// Waiting requests.
#[derive(Debug)]
pub struct Queue {
    /// One per priority, in its order.
    lanes: [Vec<Queued>; 4],
}

impl Queue {
    /// An empty queue; all its memory is taken here.
    pub fn new() -> Self {
        Self { lanes: std::array::from_fn(|_| Vec::with_capacity(ORDER_RING)) }
    }

    /// Adds a request; false when its lane is full.
    pub fn push(&mut self, order: Order, now: Nanos) -> bool {
        let lane = &mut self.lanes[priority(&order) as usize];
        let room = lane.len() < ORDER_RING;
        if room {
            lane.push(Queued { order, since_ns: now });
        }
        room
    }

    /// Hands every request to `serve`, the most urgent first; those for which it says true are done with.
    pub fn serve(&mut self, mut serve: impl FnMut(&Queued) -> bool) {
        for lane in &mut self.lanes {
            lane.retain(|queued| !serve(queued));
        }
    }

    /// Requests waiting.
    pub fn len(&self) -> usize {
        self.lanes.iter().map(Vec::len).sum()
    }
}

/// How urgent a request is.
pub fn priority(order: &Order) -> Priority {
    match (order.action, order.class) {
        (Action::Cancel | Action::CancelAll, _) => Priority::Cancel,
        (Action::Query, _) => Priority::Reconcile,
        (Action::Place | Action::Amend, OrderClass::Open) => Priority::Open,
        (Action::Place | Action::Amend, _) => Priority::Hedge,
    }
}
