//! The connections of one thread, by slot, and the parcels that wait for room to go home. The hot
//! thread frees nothing: a connection that ended is kept until the lifecycle ring takes it.

use crate::connection::Connection;
use crate::context::Context;
use crate::feed::Feed;
use crate::idle::Idle;
use highwire_links::command::Parcel;
use highwire_links::lifecycle::{Ending, Event, LifecycleTx};
use highwire_links::limits::{COMMAND_RING, CONNECTIONS_MAX, ORDER_LINES_MAX};

/// Parcels that can wait: every connection, and what one ring of commands can hold.
const HOMEBOUND_MAX: usize = CONNECTIONS_MAX + ORDER_LINES_MAX + COMMAND_RING;

#[derive(Debug)]
struct Slot {
    connection: Box<Connection>,
    /// Set by a command; carried out at the next turn.
    ending: Option<Ending>,
}

/// Connections and parcels on their way home.
#[derive(Debug)]
pub struct Slots {
    slots: Vec<Option<Slot>>,
    homebound: Vec<Event>,
}

impl Slots {
    /// No connection.
    pub fn new() -> Self {
        Self { slots: (0..CONNECTIONS_MAX).map(|_| None).collect(), homebound: Vec::with_capacity(HOMEBOUND_MAX) }
    }

    /// Whether a connection can be put there.
    pub fn is_free(&self, slot: u16) -> bool {
        self.slots.get(usize::from(slot)).is_some_and(Option::is_none)
    }

    /// Puts a connection into its slot, which must be free.
    pub fn put(&mut self, connection: Box<Connection>) {
        let index = usize::from(connection.slot());
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Some(Slot { connection, ending: None });
        }
    }

    /// Marks a connection to be ended; false when there is none.
    pub fn end(&mut self, slot: u16, why: Ending) -> bool {
        let held = self.slots.get_mut(usize::from(slot)).and_then(Option::as_mut);
        held.map(|slot| slot.ending = Some(why)).is_some()
    }

    /// A parcel that is done with goes home.
    pub fn spend(&mut self, parcel: Parcel) {
        self.homebound.push(Event::Spent(parcel));
    }

    /// A connection goes home.
    pub fn send_home(&mut self, slot: u16, why: Ending, connection: Parcel) {
        self.homebound.push(Event::Ended { slot, why, parcel: connection });
    }

    /// Reads every connection once; those that ended are on their way home afterwards.
    pub fn poll(&mut self, cx: &mut Context<'_>, feed: &mut Feed, idle: &Idle) -> usize {
        let mut work = 0;
        for index in 0..self.slots.len() {
            let Some(slot) = &mut self.slots[index] else { continue };
            let turn = slot.connection.poll(cx, feed);
            work += turn.messages;
            if let Some(why) = slot.ending.or(turn.ending) {
                work += 1;
                feed.on_line_ended(cx, &slot.connection.codec().instruments, slot.connection.slot());
                self.retire(index, idle, why);
            }
        }
        // Whoever was away reads first what came meanwhile: nobody was silent who is in the sockets.
        feed.on_time(cx);
        work
    }

    /// Reports what is on its way home, oldest first, as far as there is room.
    pub fn report(&mut self, lifecycle: &mut LifecycleTx) {
        while !self.homebound.is_empty() {
            if let Err(event) = lifecycle.report(self.homebound.remove(0)) {
                self.homebound.insert(0, event);
                return;
            }
        }
    }

    /// Takes everything out: connections with `why` they end, and those on their way home.
    ///
    /// cold: once, when the thread has left its loop
    pub fn empty(&mut self, idle: &Idle, why: Ending) -> Vec<(u16, Ending, Parcel)> {
        (0..self.slots.len()).for_each(|index| self.retire(index, idle, why));
        let ended = self.homebound.drain(..).filter_map(|event| match event {
            Event::Ended { slot, why, parcel } => Some((slot, why, parcel)),
            _ => None,
        });
        ended.collect()
    }

    fn retire(&mut self, index: usize, idle: &Idle, why: Ending) {
        let Some(Slot { connection, .. }) = self.slots[index].take() else { return };
        idle.unwatch(&*connection);
        self.send_home(connection.slot(), why, connection);
    }
}
