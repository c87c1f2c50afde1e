//! Frames of two venues through decoder, books, detection, gate and paper gateway on one thread:
//! what all of it costs beside decoding alone, and what it allocates and how often it sleeps.

use crate::decode::Sum;
use crate::measure::{Figure, REPEATS, median, timed};
use crate::sealed;
use crate::stand::{Stand, codec};
use crate::traffic::{Wired, traffic};
use highwire_engine::feed::Codec;
use highwire_links::counter::Counter;
use highwire_links::decode::Frame;

const FRAMES: usize = 100_000;
const WARM_UP: usize = 5_000;

/// Measures the whole wire and asserts that it neither allocates nor sleeps.
pub fn figures() -> Vec<Figure> {
    let mut frames = traffic(WARM_UP + FRAMES);
    let (mut stand, mut codecs) = (Stand::new(), [codec(0), codec(1)]);
    frames.iter_mut().take(WARM_UP).for_each(|wired| stand.step(wired));
    decode(&mut codecs, &mut frames[..WARM_UP]);
    let (mut whole, mut alone) = (Vec::with_capacity(REPEATS), Vec::with_capacity(REPEATS));
    let before = (sealed::voluntary_switches(), sealed::allocations());
    for part in frames[WARM_UP..WARM_UP + FRAMES].chunks_exact_mut(FRAMES / REPEATS) {
        alone.push(timed(|| decode(&mut codecs, part)) / part.len() as f64);
        whole.push(timed(|| part.iter_mut().for_each(|wired| stand.step(wired))) / part.len() as f64);
    }
    let allocations = sealed::allocations() - before.1;
    let slept = sealed::voluntary_switches() - before.0;
    assert_eq!((allocations, slept), (0, 0), "allocations and voluntary switches in {FRAMES} frames");
    let count = |counter| stand.tally.get(counter);
    println!(
        "{FRAMES} frames: 0 allocations, 0 voluntary switches; {} opportunities, {} orders, {} fills",
        count(Counter::Opportunities),
        count(Counter::Orders),
        count(Counter::Fills)
    );
    vec![Figure {
        name: "whole wire, per frame of two venues".into(),
        ns: median(whole),
        yardstick: "decoding the same frames alone".into(),
        yardstick_ns: median(alone),
        goal: None,
    }]
}

fn decode(codecs: &mut [Codec; 2], part: &mut [Wired]) -> u64 {
    let mut sum = Sum::default();
    for wired in part {
        let codec = &mut codecs[wired.line];
        let frame = Frame::new(&mut wired.buffer, wired.len).expect("the frame is padded");
        (codec.decode)(&codec.directory, &mut codec.scratch, frame, &mut sum).expect("the frame is good");
    }
    sum.0
}
