//! Who gets what the thread sends home: which session owns a slot, and which an instrument.
//!
//! A slot's connections come home one for each that was handed over. What a session that died left there comes home
//! after its successor has handed over its own: whoever took that for his own end would leave a live line behind that
//! nobody owns, and that keeps the slot from every other.

use crate::session::SessionMsg;
use highwire_links::InstrumentId;
use highwire_links::codec::LineNotice;
use highwire_links::command::Parcel;
use highwire_links::lifecycle::Ending;
use ractor::ActorRef;
use std::collections::{HashMap, VecDeque};

/// The warden's list of owners.
#[derive(Default)]
pub struct Post {
    slots: HashMap<u16, Owners>,
    instruments: HashMap<InstrumentId, u16>,
}

/// Whose a slot is.
struct Owners {
    /// Who handed a connection over last.
    newest: ActorRef<SessionMsg>,
    /// Whose connections are out, the oldest first.
    out: VecDeque<ActorRef<SessionMsg>>,
}

impl Post {
    /// `owner` handed over the connection of this slot, which carries these instruments.
    pub fn register(&mut self, slot: u16, instruments: &[InstrumentId], owner: ActorRef<SessionMsg>) {
        let owners = self.slots.entry(slot).or_insert_with(|| Owners { newest: owner.clone(), out: VecDeque::new() });
        owners.newest = owner.clone();
        owners.out.push_back(owner);
        self.instruments.extend(instruments.iter().map(|&instrument| (instrument, slot)));
    }

    /// A connection comes home; without an owner it is freed here.
    pub fn deliver_ended(&mut self, slot: u16, why: Ending, parcel: Parcel) {
        if let Some(owner) = self.slots.get_mut(&slot).and_then(|owners| owners.out.pop_front()) {
            // A session that is gone needs nothing; the message frees what it carries.
            let _gone = owner.cast(SessionMsg::Ended { slot, why, parcel });
        }
    }

    /// The connection that was handed over last never left.
    pub fn return_unsent(&mut self, slot: u16, parcel: Parcel) {
        if let Some(owner) = self.slots.get_mut(&slot).and_then(|owners| owners.out.pop_back()) {
            // As above.
            let _gone = owner.cast(SessionMsg::Ended { slot, why: Ending::Detached, parcel });
        }
    }

    /// The venue said something about a line.
    pub fn deliver_notice(&self, slot: u16, notice: LineNotice) {
        self.cast(slot, SessionMsg::Notice(slot, notice));
    }

    /// A subscription of a line brings no data, or brings it again.
    pub fn deliver_pulse(&self, slot: u16, instrument: InstrumentId, silent: bool) {
        self.cast(slot, if silent { SessionMsg::Silent(instrument) } else { SessionMsg::Heard(instrument) });
    }

    /// A book needs a snapshot that must be asked for.
    pub fn deliver_snapshot_needed(&self, instrument: InstrumentId) {
        if let Some(&slot) = self.instruments.get(&instrument) {
            self.cast(slot, SessionMsg::SnapshotNeeded(instrument));
        }
    }

    /// The venue said in band that an instrument has another price step.
    pub fn deliver_tick(&self, instrument: InstrumentId, tick: i64) {
        if let Some(&slot) = self.instruments.get(&instrument) {
            self.cast(slot, SessionMsg::TickChanged(instrument, tick));
        }
    }

    /// An order's trades must be asked for: whoever brings its instrument's books knows its venue.
    pub fn deliver_untold(&self, id: u64, instrument: InstrumentId) {
        if let Some(&slot) = self.instruments.get(&instrument) {
            self.cast(slot, SessionMsg::Untold(id, instrument));
        }
    }

    /// A book needs its subscription renewed.
    pub fn deliver_resubscribe_needed(&self, instrument: InstrumentId, slot: u16) {
        self.cast(slot, SessionMsg::ResubscribeNeeded(instrument));
    }

    fn cast(&self, slot: u16, message: SessionMsg) {
        if let Some(owners) = self.slots.get(&slot) {
            // A session that is gone needs nothing.
            let _gone = owners.newest.cast(message);
        }
    }
}
