//! What a hot loop does when it found nothing: spin, spin and then sleep, or sleep. Sleeping is
//! `epoll_wait` on the thread's sockets and an eventfd, never a yield loop, which starves on a shared
//! core. A producer writes the eventfd only while `parked` is set, so a spinning thread costs neither
//! side a system call.

use highwire_links::Nanos;
use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use rustix::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

/// Longest sleep: the thread's heartbeat and its timers stay alive.
const PARK_NS_MAX: i64 = 10_000_000;
/// Sockets whose readiness one wake-up reports; more are found ready at the next.
const EVENTS_PER_WAKE: usize = 16;

/// How a thread waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Never sleeps: for a core of its own.
    Spin,
    /// Spins for this long after the last work, then sleeps.
    Hybrid {
        /// Time without work before it sleeps.
        spin_ns: Nanos,
    },
    /// Sleeps at once: for a shared core.
    Block,
}

#[derive(Debug)]
struct Bell {
    parked: AtomicBool,
    event: OwnedFd,
}

/// Held by whoever puts something into one of the thread's rings.
#[derive(Clone, Debug)]
pub struct Waker(Arc<Bell>);

impl Waker {
    /// Wakes the thread if it sleeps. Call it after the ring has been written.
    pub fn wake(&self) {
        // Pairs with the fence in `Idle::park`: either the thread's last look at its rings saw what
        // was just written, or this load sees that it parked.
        fence(Ordering::SeqCst);
        if self.0.parked.load(Ordering::Relaxed) {
            // The counter can only be full if it was never read; then the thread wakes anyway.
            let _full = io::write(&self.0.event, &1u64.to_ne_bytes());
        }
    }
}

/// A thread's way to wait. It outlives the thread, as its wakers do.
#[derive(Debug)]
pub struct Idle {
    strategy: Strategy,
    epoll: OwnedFd,
    bell: Arc<Bell>,
    busy_ns: Nanos,
}

impl Idle {
    /// Waits by `strategy`.
    ///
    /// # Errors
    /// The system has no file descriptor left.
    pub fn new(strategy: Strategy) -> std::io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &event, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
        let bell = Arc::new(Bell { parked: AtomicBool::new(false), event });
        Ok(Self { strategy, epoll, bell, busy_ns: 0 })
    }

    /// A waker for this thread.
    pub fn waker(&self) -> Waker {
        Waker(Arc::clone(&self.bell))
    }

    /// How it waits.
    pub fn strategy(&self) -> Strategy {
        self.strategy
    }

    /// Data on this socket ends a sleep from now on. Who never sleeps watches nothing: a watched socket wakes its
    /// watcher at every packet, and whoever sends pays for that.
    ///
    /// # Errors
    /// The system refuses; the socket is then read at the next wake-up, 10 ms away at most.
    pub fn watch(&self, socket: impl AsFd) -> std::io::Result<()> {
        if self.strategy == Strategy::Spin {
            return Ok(());
        }
        Ok(epoll::add(&self.epoll, socket, epoll::EventData::new_u64(1), epoll::EventFlags::IN)?)
    }

    /// This socket no longer ends a sleep.
    pub fn unwatch(&self, socket: impl AsFd) {
        let _unknown = epoll::delete(&self.epoll, socket);
    }

    /// Notes whether the last turn found work, and says whether the thread is to sleep now.
    pub fn wants_sleep(&mut self, worked: bool, now: Nanos) -> bool {
        if worked {
            self.busy_ns = now;
            return false;
        }
        match self.strategy {
            Strategy::Spin => false,
            Strategy::Hybrid { spin_ns } => now.saturating_sub(self.busy_ns) >= spin_ns,
            Strategy::Block => true,
        }
    }

    /// Announces a sleep. The caller looks at its rings once more and then either
    /// [`sleeps`](Self::sleep) or [`unparks`](Self::unpark).
    pub fn park(&self) {
        self.bell.parked.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Takes the announcement back.
    pub fn unpark(&self) {
        self.bell.parked.store(false, Ordering::Relaxed);
    }

    /// Sleeps until a socket has data, a waker was used, or 10 ms are over.
    pub fn sleep(&self) {
        let mut events =
            [epoll::Event { flags: epoll::EventFlags::empty(), data: epoll::EventData::new_u64(0) }; EVENTS_PER_WAKE];
        let timeout = Timespec { tv_sec: 0, tv_nsec: PARK_NS_MAX };
        // An interrupted wait is a short one.
        let _interrupted = epoll::wait(&self.epoll, &mut events, Some(&timeout));
        self.unpark();
        let _empty = io::read(&self.bell.event, &mut [0u8; 8]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn each_strategy_sleeps_when_it_should() {
        let asked = |strategy, worked, now| {
            let mut idle = Idle::new(strategy).unwrap();
            assert!(!idle.wants_sleep(true, 1000));
            idle.wants_sleep(worked, now)
        };
        assert!(!asked(Strategy::Spin, false, u64::MAX));
        assert!(asked(Strategy::Block, false, 1000));
        assert!(!asked(Strategy::Hybrid { spin_ns: 50 }, false, 1049));
        assert!(asked(Strategy::Hybrid { spin_ns: 50 }, false, 1050));
        assert!(!asked(Strategy::Block, true, 1000));
    }

    #[test]
    fn a_waker_used_between_the_announcement_and_the_sleep_is_not_lost() {
        let idle = Idle::new(Strategy::Block).unwrap();
        let waker = idle.waker();
        waker.wake();
        idle.park();
        waker.wake();
        assert_eq!(io::read(&idle.bell.event, &mut [0u8; 8]), Ok(8), "only the second wake-up rang");
        waker.wake();
        idle.sleep();
        assert!(io::read(&idle.bell.event, &mut [0u8; 8]).is_err(), "a sleep takes the wake-ups along");
        assert!(!idle.bell.parked.load(Ordering::Relaxed));
    }

    #[test]
    fn a_sleep_ends_by_itself() {
        let idle = Idle::new(Strategy::Block).unwrap();
        let began = Instant::now();
        idle.park();
        idle.sleep();
        assert!(began.elapsed() >= Duration::from_millis(5));
    }
}
