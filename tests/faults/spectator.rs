//! Watches every page from outside, and judges each trade by what it saw: no order on a book that was not live, was
//! crossed or was too old.

use highwire_engine::clock::{Clock, TscClock};
use highwire_links::Nanos;
use highwire_links::page::{BookState, Page, PageReaders};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Time between two looks.
const LOOK: Duration = Duration::from_micros(300);
/// What is seen may be so much older than it is: two clocks, one look, a busy machine.
const SLACK_NS: Nanos = 5_000_000;
/// A decision bears the time at which its poll began; a busy machine may interrupt that poll for so long.
const POLL_NS: Nanos = 50_000_000;

/// A page as it was seen first.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// When.
    pub seen_ns: Nanos,
    /// When it was last seen unchanged.
    pub until_ns: Nanos,
    /// The page.
    pub page: Page,
}

/// The watcher.
pub struct Spectator {
    stop: Arc<AtomicBool>,
    sights: Arc<Mutex<Vec<Vec<Sight>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Spectator {
    /// Watches so many pages.
    pub fn new(pages: PageReaders, books: usize, clock: TscClock) -> Self {
        let (stop, sights) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(vec![Vec::new(); books])));
        let (stopped, kept) = (Arc::clone(&stop), Arc::clone(&sights));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                look(&pages, &mut kept.lock().unwrap(), &clock);
                std::thread::sleep(LOOK);
            }
        });
        Self { stop, sights, thread: Some(thread) }
    }

    /// What was seen of a book.
    pub fn sights(&self, book: usize) -> Vec<Sight> {
        self.sights.lock().unwrap()[book].clone()
    }

    /// Why a trade on this book at this time was wrong, if it was.
    pub fn objects(&self, book: usize, at_ns: Nanos, stale_ns: Nanos) -> Option<String> {
        let sights = self.sights.lock().unwrap();
        let around = sights[book].iter().find(|s| s.seen_ns + SLACK_NS <= at_ns && at_ns + POLL_NS <= s.until_ns)?;
        let page = &around.page;
        let time_ns = if page.event_ns > 0 { page.event_ns } else { page.recv_ns };
        let age_ns = at_ns.saturating_sub(time_ns);
        if page.state != BookState::Live {
            return Some(format!("a trade on a book that is {}", page.state.name()));
        }
        (age_ns > stale_ns + SLACK_NS).then(|| format!("a trade on a book that is {} ms old", age_ns / 1_000_000))
    }
}

fn look(pages: &PageReaders, sights: &mut [Vec<Sight>], clock: &TscClock) {
    for (index, seen) in sights.iter_mut().enumerate() {
        // The look takes its time, and a busy machine makes it long: what was seen held before it, not after.
        let before = clock.now();
        let Some(page) = pages.read(index) else { continue };
        let crossed = page.state == BookState::Live && page.asks[0].qty > 0 && page.bids[0].px >= page.asks[0].px;
        assert!(!crossed, "a live page is crossed: {page:?}");
        match seen.last_mut().filter(|sight| sight.page.generation == page.generation) {
            Some(sight) => sight.until_ns = before,
            None => seen.push(Sight { seen_ns: clock.now(), until_ns: before, page }),
        }
    }
}

impl Drop for Spectator {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let seen_all = thread.join().is_ok();
            assert!(seen_all || std::thread::panicking(), "the spectator saw what must not be");
        }
    }
}
