//! Looks at every book all the time, and remembers when one was not live.

use highwire_links::page::{BookState, PageReaders};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between two looks.
const EVERY: Duration = Duration::from_micros(200);

/// A time in which a book was not live.
#[derive(Clone, Copy, Debug)]
struct Hole {
    instrument: usize,
    from: Instant,
    to: Instant,
}

/// The looking thread.
pub struct Watcher {
    holes: Arc<Mutex<Vec<Hole>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Looks from now on.
    pub fn start(pages: PageReaders) -> Self {
        let (holes, over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (found, told) = (Arc::clone(&holes), Arc::clone(&over));
        let thread = Some(std::thread::spawn(move || look(&pages, &found, &told)));
        Self { holes, over, thread }
    }

    /// For how long these books were not live between two moments, all of them together.
    pub fn dark(&self, instruments: &[usize], (from, to): (Instant, Instant)) -> Duration {
        let holes = self.holes.lock().unwrap();
        let of_these = holes.iter().filter(|hole| instruments.contains(&hole.instrument));
        of_these.map(|hole| hole.to.min(to).saturating_duration_since(hole.from.max(from))).sum()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

fn look(pages: &PageReaders, holes: &Mutex<Vec<Hole>>, over: &AtomicBool) {
    let mut open: Vec<Option<usize>> = vec![None; pages.len()];
    while !over.load(Ordering::Relaxed) {
        let now = Instant::now();
        for (instrument, hole) in open.iter_mut().enumerate() {
            let is_live = pages.read(instrument).is_some_and(|page| page.state == BookState::Live);
            let mut holes = holes.lock().unwrap();
            match (is_live, *hole) {
                (false, None) => {
                    *hole = Some(holes.len());
                    holes.push(Hole { instrument, from: now, to: now });
                }
                (false, Some(number)) => holes[number].to = now,
                (true, Some(number)) => {
                    holes[number].to = now;
                    *hole = None;
                }
                (true, None) => {}
            }
        }
        std::thread::sleep(EVERY);
    }
}
