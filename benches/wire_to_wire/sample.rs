//! Samples: one crossing, one pair of orders, timed at the venue; and one echo, in turn.

use crate::codec::answer;
use crate::frames::{message, snapshots, update};
use crate::hot::{ECHO, END, Hot, WIRE, near};
use crate::net::{self, Progress, Recording};
use crate::outside::Told;
use crate::tls::Tls;
use crate::venue::{Far, pair};
use core_affinity::CoreId;
use highwire_engine::stages::Stages;
use highwire_engine::stream::Stream;
use highwire_engine::thread::{core, pin};
use highwire_links::lease::IdLease;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Samples of one kind before the other has its turn.
const TURN: usize = 25;
/// The first samples warm caches and predictors up.
const WARM_UP: usize = 200;
/// Before a turn of either kind: fifty orders in at least sixty milliseconds stay below what the last gate lets out in a second.
const REST: Duration = Duration::from_millis(30);
/// A core is left to others after this.
const SPIN: Duration = Duration::from_micros(500);
/// An answer that takes longer than this is none.
const PATIENCE: Duration = Duration::from_secs(20);

/// Both kinds.
#[derive(Debug, Default)]
pub struct Sample {
    /// Frame in to order out.
    pub wire_ns: Vec<u64>,
    /// Bytes in to bytes out.
    pub echo_ns: Vec<u64>,
    /// The hot loop's own times, stage by stage, warming up included.
    pub stages: Stages,
}

impl Sample {
    /// More of the same.
    pub fn add(&mut self, other: Self) {
        self.wire_ns.extend(other.wire_ns);
        self.echo_ns.extend(other.echo_ns);
        self.stages.merge(&other.stages);
    }

    /// The wire's median in medians of the echo.
    pub fn ratio(&self) -> f64 {
        percentile(&self.wire_ns, 0.5) as f64 / percentile(&self.echo_ns, 0.5).max(1) as f64
    }
}

/// The value below which `part` of the samples lie.
pub fn percentile(samples: &[u64], part: f64) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or(0)
}

/// Where the wire and the venue spin. Asked before either is pinned: who is pinned sees no other core.
pub struct Cores {
    wire: Option<CoreId>,
    venue: Option<CoreId>,
}

impl Cores {
    /// The first two of the machine.
    pub fn find() -> Self {
        Self { wire: core(1), venue: core(0) }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Over TLS, the yardstick too.
    pub tls: bool,
    /// With a journal that is written and synced beside it.
    pub journal: bool,
    /// With everything that looks at it from outside.
    pub outside: bool,
    /// Each order signed by HMAC.
    pub signed: bool,
}

/// Takes so many samples of each kind, or as many as there is time for.
pub fn take(shape: Shape, told: &Told, cores: &Cores, samples: usize, within: Duration) -> Sample {
    let settings = shape.tls.then(Tls::new);
    let [market, order, echo_in, echo_out] = std::array::from_fn(|_| joined(settings.as_ref()));
    let folder = tempfile::tempdir().expect("a folder");
    let mut recording = shape.journal.then(|| Recording::new(folder.path()));
    let ids = recording.as_ref().map_or_else(IdLease::default, |recording| recording.ids.clone());
    let outbox = recording.as_mut().and_then(|recording| recording.outbox.take());
    let (what, progress) = (Arc::new(AtomicU8::new(WIRE)), Arc::new(Progress::default()));
    let (hot, desk) = Hot::new([market.0, order.0, echo_in.0, echo_out.0], ids, outbox, shape.signed);
    let (turn, seen, own) = (Arc::clone(&what), Arc::clone(&progress), cores.wire);
    let wire = std::thread::spawn(move || {
        own.map(pin);
        hot.run(&turn, &seen)
    });
    cores.venue.map(pin);
    let counted = Arc::clone(&progress);
    let tracer = shape.outside.then(|| told.tracer());
    let net = std::thread::spawn(move || net::run(desk, recording, tracer, &counted));
    let mut venue = Venue { market: market.1, orders: order.1, next: 2, rounds: 0, progress: Arc::clone(&progress) };
    let mut echo = Echo { into: echo_in.1, out: echo_out.1 };
    venue.begin();
    let (mut wire_ns, mut echo_ns, until) = (Vec::new(), Vec::new(), Instant::now() + within);
    while wire_ns.len() < samples + WARM_UP && Instant::now() < until {
        // The net has taken everything before the next turn: a ring that is half full stops openings.
        let rounds = venue.rounds;
        reached(&progress.heard, rounds);
        what.store(WIRE, Ordering::Relaxed);
        std::thread::sleep(REST);
        wire_ns.extend((0..TURN).map(|_| venue.sample()));
        what.store(ECHO, Ordering::Relaxed);
        std::thread::sleep(REST);
        echo_ns.extend((0..TURN).map(|_| echo.sample()));
    }
    what.store(END, Ordering::Relaxed);
    progress.over.store(true, Ordering::Release);
    let stages = wire.join().expect("the hot thread ends");
    net.join().expect("the net's thread ends");
    let warm = WARM_UP.min(wire_ns.len() / 2);
    Sample { wire_ns: wire_ns.split_off(warm), echo_ns: echo_ns.split_off(warm), stages }
}

fn joined(tls: Option<&Tls>) -> (Stream, Far) {
    let (mut near_end, mut far_end) = pair();
    match tls {
        None => (near(near_end), Far::plain(far_end)),
        Some(tls) => {
            let (client, server) = tls.shake(&mut near_end, &mut far_end);
            (Stream::tls(near_end, client).expect("a socket"), Far::tls(far_end, server))
        }
    }
}

/// The venue's ends of the two lines.
struct Venue {
    market: Far,
    orders: Far,
    next: u64,
    rounds: u64,
    progress: Arc<Progress>,
}

impl Venue {
    fn begin(&mut self) {
        snapshots().iter().for_each(|text| self.market.send(&message(text)));
        std::thread::sleep(Duration::from_millis(50));
    }

    /// A crossing comes, orders leave and are done with, and the crossing goes.
    fn sample(&mut self) -> u64 {
        let frame = message(&update(self.next));
        let mut buffer = [0; 8_192];
        let begun = Instant::now();
        self.market.send(&frame);
        let first = wait(&mut self.orders, &mut buffer, 0, begun);
        let ns = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut len = first;
        while orders(&buffer[..len]).len() < 2 {
            len += wait(&mut self.orders, &mut buffer, len, begun);
        }
        for answer in orders(&buffer[..len]) {
            self.orders.send(&message(&answer));
        }
        // Two sockets keep no order between them: the trade has ended before the crossing goes, and that before the next.
        self.rounds += 1;
        reached(&self.progress.closed, 2 * self.rounds);
        self.market.send(&message(&update(self.next + 1)));
        self.next += 2;
        reached(&self.progress.decoded, 2 + 2 * self.rounds);
        ns
    }
}

/// A round trip through the echo.
struct Echo {
    into: Far,
    out: Far,
}

impl Echo {
    fn sample(&mut self) -> u64 {
        let frame = message(&update(2));
        let mut buffer = [0; 8_192];
        let begun = Instant::now();
        self.into.send(&frame);
        wait(&mut self.out, &mut buffer, 0, begun);
        u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Waits until so much has been done.
fn reached(count: &AtomicU64, goal: u64) {
    let began = Instant::now();
    while count.load(Ordering::Acquire) < goal {
        assert!(began.elapsed() < PATIENCE, "the wire never came to {goal}");
        // Spinning pays for a while; then somebody else has the core that is waited for.
        if began.elapsed() > SPIN { std::thread::yield_now() } else { std::hint::spin_loop() }
    }
}

fn wait(from: &mut Far, buffer: &mut [u8], at: usize, begun: Instant) -> usize {
    loop {
        let n = from.receive(&mut buffer[at..]);
        if n > 0 {
            return n;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing came out of the wire");
    }
}

/// The answer to every whole order: orders are masked WebSocket messages with a 16-bit length.
fn orders(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while bytes.len() > 8 {
        if bytes[1] & 0x7f < 126 {
            // A ping.
            bytes = bytes.get(6 + usize::from(bytes[1] & 0x7f)..).unwrap_or(&[]);
            continue;
        }
        let len = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        let Some(masked) = bytes.get(8..8 + len) else { break };
        let text: String =
            masked.iter().zip(bytes[4..8].iter().cycle()).map(|(byte, mask)| char::from(byte ^ mask)).collect();
        found.push(answer(&text));
        bytes = &bytes[8 + len..];
    }
    found
}
