//! Who gets what the thread sends home: which session owns a slot, and which an instrument.

use crate::session::SessionMsg;
use highwire_links::InstrumentId;
use highwire_links::codec::LineNotice;
use highwire_links::command::Parcel;
use highwire_links::lifecycle::Ending;
use ractor::ActorRef;
use std::collections::HashMap;

/// The warden's list of owners.
#[derive(Default)]
pub struct Post {
    slots: HashMap<u16, ActorRef<SessionMsg>>,
    instruments: HashMap<InstrumentId, u16>,
}

impl Post {
    /// `owner` handed over the connection of this slot, which carries these instruments.
    pub fn register(&mut self, slot: u16, instruments: &[InstrumentId], owner: ActorRef<SessionMsg>) {
        self.slots.insert(slot, owner);
        self.instruments.extend(instruments.iter().map(|&instrument| (instrument, slot)));
    }

    /// A connection comes home; without an owner it is freed here.
    pub fn deliver_ended(&self, slot: u16, why: Ending, parcel: Parcel) {
        self.cast(slot, SessionMsg::Ended { slot, why, parcel });
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
        if let Some(owner) = self.slots.get(&slot) {
            // A session that is gone needs nothing; the message frees what it carries.
            let _gone = owner.cast(message);
        }
    }
}
