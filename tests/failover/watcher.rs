//! Looks at every book all the time, and remembers when one was live and how old it was.

use highwire_engine::clock::{Clock, TscClock};
use highwire_links::Nanos;
use highwire_links::page::{BookState, PageReaders};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Time between two looks.
const EVERY: Duration = Duration::from_micros(200);
/// What is seen may be so much older than it is: one look, a busy machine.
const SLACK_NS: Nanos = 5_000_000;
/// A decision bears the time at which its poll began; a busy machine may interrupt that poll for so long.
const POLL_NS: Nanos = 50_000_000;

/// A page from when it was seen first until the next sight of its book.
#[derive(Clone, Copy, Debug)]
struct Sight {
    generation: u32,
    from_ns: Nanos,
    is_live: bool,
    /// The time of what the book says.
    time_ns: Nanos,
}

/// The looking thread.
pub struct Watcher {
    clock: TscClock,
    sights: Arc<Mutex<Vec<Vec<Sight>>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Looks from now on.
    pub fn start(pages: PageReaders) -> Self {
        let clock = TscClock::start();
        let (sights, over) = (Arc::new(Mutex::new(vec![Vec::new(); pages.len()])), Arc::new(AtomicBool::new(false)));
        let (seen, told, time) = (Arc::clone(&sights), Arc::clone(&over), clock.clone());
        let thread = Some(std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                look(&pages, &mut seen.lock().unwrap(), &time);
                std::thread::sleep(EVERY);
            }
        }));
        Self { clock, sights, over, thread }
    }

    /// The time of the threads.
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// For how long the worst of these books was not live between two moments.
    pub fn dark(&self, books: &[usize], (from_ns, to_ns): (Nanos, Nanos)) -> Duration {
        let sights = self.sights.lock().unwrap();
        let dark_ns = |book: &usize| -> Nanos {
            let ends = sights[*book].iter().skip(1).map(|next| next.from_ns).chain([Nanos::MAX]);
            let dark = sights[*book].iter().zip(ends).filter(|(sight, _)| !sight.is_live);
            dark.map(|(sight, end)| end.min(to_ns).saturating_sub(sight.from_ns.max(from_ns))).sum()
        };
        Duration::from_nanos(books.iter().map(dark_ns).max().unwrap_or(0))
    }

    /// Why a trade on this book at this time was wrong, if it was.
    pub fn objects(&self, book: usize, at_ns: Nanos, stale_ns: Nanos) -> Option<String> {
        let sights = self.sights.lock().unwrap();
        let next = sights[book].partition_point(|sight| sight.from_ns <= at_ns);
        let sight = sights[book].get(next.checked_sub(1)?)?;
        let is_sure = sight.from_ns + SLACK_NS <= at_ns
            && sights[book].get(next).is_none_or(|next| at_ns + POLL_NS <= next.from_ns);
        let age_ns = at_ns.saturating_sub(sight.time_ns);
        let wrong = !sight.is_live || age_ns > stale_ns + SLACK_NS;
        (is_sure && wrong).then(|| format!("traded at {at_ns} on {sight:?}"))
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

fn look(pages: &PageReaders, sights: &mut [Vec<Sight>], clock: &TscClock) {
    for (book, seen) in sights.iter_mut().enumerate() {
        let Some(page) = pages.read(book) else { continue };
        if seen.last().is_none_or(|sight| sight.generation != page.generation) {
            let time_ns = if page.event_ns > 0 { page.event_ns } else { page.recv_ns };
            let is_live = page.state == BookState::Live;
            seen.push(Sight { generation: page.generation, from_ns: clock.now(), is_live, time_ns });
        }
    }
}
