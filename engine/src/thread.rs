//! A pinned thread: runs a duty until it is told to stop or panics. Either way every ring end comes
//! back through [`PinnedThread::join`], so that the next thread goes on with the same rings.

use crate::duty::{Duty, Parts};
pub use core_affinity::CoreId;

use highwire_links::InstrumentId;
use highwire_links::cnc::State;
use highwire_links::lifecycle::Ending;
use highwire_links::market::{MarketEvent, Source};
use highwire_links::page::{BookState, Page};
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};

/// How a thread ended, and what it leaves.
pub struct Exit {
    /// Every ring end and connection. `None` only if even taking the duty apart panicked.
    pub parts: Option<Parts>,
    /// The panic's message, if it was one.
    pub panic: Option<String>,
}

/// A running thread.
pub struct PinnedThread(JoinHandle<Exit>);

/// The processor core of this number, if there is one and we may use it.
pub fn core(number: usize) -> Option<CoreId> {
    core_affinity::get_core_ids()?.into_iter().find(|core| core.id == number)
}

/// Pins the calling thread to a core; whether it is, by what the system says afterwards. A call that fails in silence
/// leaves a thread that wanders and is no slower than it must be.
pub fn pin(core: CoreId) -> bool {
    core_affinity::set_for_current(core) && core_affinity::get_core_ids().is_some_and(|allowed| allowed == [core])
}

/// Starts `duty` on a thread of its own, pinned to `core` if one is given.
///
/// # Errors
/// The system's, when it cannot start a thread; the duty is lost then.
pub fn spawn(name: &str, core: Option<CoreId>, duty: Duty) -> io::Result<PinnedThread> {
    let run = move || {
        let is_pinned = core.is_some_and(pin);
        duty.house().ports.cnc.tell_pinned(is_pinned);
        run_to_exit(duty)
    };
    Builder::new().name(name.to_owned()).spawn(run).map(PinnedThread)
}

impl PinnedThread {
    /// Whether it has ended and can be joined without waiting.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for its end and takes what it leaves.
    pub fn join(self) -> Exit {
        self.0.join().unwrap_or_else(|panic| Exit { parts: None, panic: Some(message(&*panic)) })
    }
}

/// Runs a duty on this thread until it stops or panics, and takes it apart.
pub fn run_to_exit(mut duty: Duty) -> Exit {
    let cnc = duty.house().ports.cnc.clone();
    let outcome = catch_unwind(AssertUnwindSafe(|| run(&mut duty)));
    let panic = outcome.err().map(|panic| message(&*panic));
    let (end, why) = if panic.is_some() { (State::Fail, Ending::ThreadDied) } else { (State::Halt, Ending::Detached) };
    let parts = catch_unwind(AssertUnwindSafe(|| {
        let mut parts = duty.dismantle(why);
        bury_books(&mut parts);
        parts
    }));
    // The state is told last: whoever reads Fail or Halt finds the books marked.
    let _not_in_its_loop = cnc.advance(end);
    Exit { parts: parts.ok(), panic }
}

fn run(duty: &mut Duty) {
    let _not_booting = duty.house().ports.cnc.advance(State::Run);
    while !duty.is_stopping() {
        let work = duty.poll();
        duty.rest(work);
    }
}

/// Nobody keeps these books any more: readers, and an engine on another thread, must not trust them.
fn bury_books(parts: &mut Parts) {
    let now = parts.house.clock.now();
    let Some(feed) = &mut parts.feed else { return };
    let readers = feed.pages.readers();
    for index in 0..readers.len() {
        let generation = readers.read(index).map_or(0, |page| page.generation).wrapping_add(1);
        let state = BookState::Dead;
        feed.pages.publish(index, &Page { state, generation, recv_ns: now, ..Page::default() });
        let Ok(id) = u16::try_from(index) else { return };
        feed.market.publish(MarketEvent {
            recv_ns: now,
            event_ns: 0,
            bid_px: 0,
            bid_qty: 0,
            ask_px: 0,
            ask_qty: 0,
            stamp: 0,
            feed_ns: 0,
            instrument: InstrumentId(id),
            state,
            source: Source::Book,
        });
    }
    parts.house.wakes.iter().for_each(crate::idle::Waker::wake);
}

/// The panic's own words.
///
/// cold: once, when the thread has left its loop
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}
