//! The requests that went out on a line, so that an answer which only echoes a request id can be
//! attributed. WebSocket request ids are one letter for the action and the order's sixteen hex digits.

use crate::client_id;
use highwire_links::order::{Action, Order};

/// Requests remembered: more than a venue leaves unanswered.
const KEPT: usize = 1024;

/// The last requests of a line, by order id and action.
#[derive(Debug)]
pub(crate) struct Recent {
    /// One ring place per low bits of the id, for each action apart.
    kept: Box<[Option<Order>]>,
}

/// Actions that are kept apart.
const ACTIONS: usize = 5;

impl Recent {
    pub(crate) fn new() -> Self {
        Self { kept: vec![None; KEPT * ACTIONS].into() }
    }

    /// Remembers a request.
    pub(crate) fn note(&mut self, order: &Order) {
        self.kept[at(order.action, order.id)] = Some(*order);
    }

    /// The request of this action and id, if it went out on this line not too long ago.
    pub(crate) fn find(&self, action: Action, id: u64) -> Option<&Order> {
        self.kept[at(action, id)].as_ref().filter(|order| order.id == id)
    }

    /// The request that an echoed request id names; what stands behind a dash only makes it unique.
    pub(crate) fn of(&self, request: &[u8]) -> Option<&Order> {
        let (letter, digits) = request.split(|byte| *byte == b'-').next()?.split_first()?;
        self.find(action(*letter)?, client_id::number(digits)?)
    }
}

fn at(action: Action, id: u64) -> usize {
    action as usize * KEPT + id as usize % KEPT
}

/// Appends the request id of an order.
pub(crate) fn request_id(order: &Order, out: &mut Vec<u8>) {
    out.push(letter(order.action));
    client_id::digits(order.id, out);
}

const fn letter(action: Action) -> u8 {
    match action {
        Action::Place => b'p',
        Action::Cancel => b'c',
        Action::CancelAll => b'x',
        Action::Amend => b'a',
        Action::Query => b'q',
    }
}

const fn action(letter: u8) -> Option<Action> {
    match letter {
        b'p' => Some(Action::Place),
        b'c' => Some(Action::Cancel),
        b'x' => Some(Action::CancelAll),
        b'a' => Some(Action::Amend),
        b'q' => Some(Action::Query),
        _ => None,
    }
}
