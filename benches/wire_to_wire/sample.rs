//! Samples: one crossing, one pair of orders, timed at the venue; and one echo, in turn.

use crate::frames::{message, snapshots, update};
use crate::hot::{ECHO, END, Hot, WIRE, near};
use crate::outside::Outside;
use crate::tls::Tls;
use crate::venue::{Far, pair};
use highwire_engine::stream::Stream;
use highwire_engine::thread::{core, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// Samples of one kind before the other has its turn.
const TURN: usize = 100;
/// The first samples warm caches and predictors up.
const WARM_UP: usize = 500;
/// An answer that takes longer than this is none.
const PATIENCE: Duration = Duration::from_secs(5);

/// Both kinds.
pub struct Sample {
    /// Frame in to order out.
    pub wire_ns: Vec<u64>,
    /// Bytes in to bytes out.
    pub echo_ns: Vec<u64>,
}

/// The value below which `part` of the samples lie.
pub fn percentile(samples: &[u64], part: f64) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or(0)
}

/// Samples before the outside is switched.
const SPELL: usize = 1_000;

/// So many samples without anything that looks from outside, and so many with all of it; and the traces that it made.
pub fn take_outside(samples: usize) -> (Vec<u64>, Vec<u64>, u64) {
    let [(market, market_far), (order, order_far), (echo_in, _echo_in), (echo_out, _echo_out)] =
        std::array::from_fn(|_| joined(None));
    let what = Arc::new(AtomicU8::new(WIRE));
    let told = Arc::clone(&what);
    let mut hot = Hot::new(market, order, echo_in, echo_out);
    // It runs where it may: the two cores are the wire's and the venue's.
    let outside = Outside::start(hot.take_desk());
    let thread = std::thread::spawn(move || {
        if let Some(core) = core(1) {
            pin(core);
        }
        hot.run(&told);
    });
    if let Some(core) = core(0) {
        pin(core);
    }
    let mut venue = Venue { market: market_far, orders: order_far, next: 2 };
    venue.begin();
    (0..WARM_UP).for_each(|_| _ = venue.sample());
    let (mut off_ns, mut on_ns) = (Vec::new(), Vec::new());
    while on_ns.len() < samples {
        for (on, into) in [(false, &mut off_ns), (true, &mut on_ns)] {
            outside.set(on);
            into.extend((0..SPELL).map(|_| venue.sample()));
        }
    }
    what.store(END, Ordering::Relaxed);
    thread.join().expect("the hot thread ends");
    (off_ns, on_ns, outside.end())
}

/// Takes so many samples of each kind.
pub fn take(samples: usize, tls: bool) -> Sample {
    let settings = tls.then(Tls::new);
    let [(market, market_far), (order, order_far), (echo_in, echo_in_far), (echo_out, echo_out_far)] =
        std::array::from_fn(|_| joined(settings.as_ref()));
    let what = Arc::new(AtomicU8::new(WIRE));
    let told = Arc::clone(&what);
    let thread = std::thread::spawn(move || {
        if let Some(core) = core(1) {
            pin(core);
        }
        Hot::new(market, order, echo_in, echo_out).run(&told);
    });
    if let Some(core) = core(0) {
        pin(core);
    }
    let mut venue = Venue { market: market_far, orders: order_far, next: 2 };
    let mut echo = Echo { into: echo_in_far, out: echo_out_far };
    venue.begin();
    let (mut wire_ns, mut echo_ns) = (Vec::new(), Vec::new());
    while wire_ns.len() < samples + WARM_UP {
        what.store(WIRE, Ordering::Relaxed);
        wire_ns.extend((0..TURN).map(|_| venue.sample()));
        what.store(ECHO, Ordering::Relaxed);
        echo_ns.extend((0..TURN).map(|_| echo.sample()));
    }
    what.store(END, Ordering::Relaxed);
    thread.join().expect("the hot thread ends");
    Sample { wire_ns: wire_ns.split_off(WARM_UP), echo_ns: echo_ns.split_off(WARM_UP) }
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
        self.market.send(&message(&update(self.next + 1)));
        self.next += 2;
        // Everything of this round is settled before the next begins.
        let until = Instant::now() + Duration::from_micros(60);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
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
        let field = |name: &str| text.split_once(name).map_or("", |(_, rest)| rest.split('"').next().unwrap_or(""));
        let (at, px, qty) = (field("\"symbol\":\""), field("\"p\":\""), field("\"q\":\""));
        let id = field("\"id\":\"p");
        found.push(format!("{at} {id} {px} {qty}"));
        bytes = &bytes[8 + len..];
    }
    found
}
