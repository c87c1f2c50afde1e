//! Cases by seed, until one fails or the budget is spent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// SplitMix64: small, seeded, the same everywhere.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// What a case found wrong.
pub type Case<'a> = &'a dyn Fn(&mut Rng) -> Result<(), String>;

/// The first seed whose case fails or panics.
pub fn hunt(case: Case<'_>) -> Option<(u64, String)> {
    let setting = |name| std::env::var(name).ok();
    let first = setting("HIGHWIRE_SEED").map_or(1, |seed| seed.parse().expect("HIGHWIRE_SEED is a number"));
    let seconds =
        setting("HIGHWIRE_FUZZ_SECONDS").map_or(1.5, |s| s.parse().expect("HIGHWIRE_FUZZ_SECONDS is a number"));
    let cases: Option<u64> =
        setting("HIGHWIRE_FUZZ_CASES").map(|cases| cases.parse().expect("HIGHWIRE_FUZZ_CASES is a number"));
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let mut seeds = first..;
    while cases.map_or_else(|| Instant::now() < until, |cases| seeds.start - first < cases) {
        let seed = seeds.next()?;
        let outcome = catch_unwind(AssertUnwindSafe(|| case(&mut Rng::new(seed))));
        match outcome {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return Some((seed, why)),
            Err(_) => return Some((seed, "it panicked".to_owned())),
        }
    }
    None
}

/// Survives every case of the budget: so many seconds, or so many cases.
pub fn survives(case: Case<'_>) {
    if let Some((seed, why)) = hunt(case) {
        panic!("HIGHWIRE_SEED={seed}: {why}");
    }
}

pub fn is_caught(canary: Case<'_>) {
    assert!(hunt(canary).is_some(), "the fuzzer is blind: its canary lived through the whole budget");
}

/// Damages `bytes` in a few places.
pub fn damage(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..=rng.below(4) {
        let (at, len) = (rng.below(bytes.len()), rng.below(12));
        let end = (at + len).min(bytes.len());
        match rng.below(7) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << rng.below(8),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.truncate(at),
            3 => {
                let copy = bytes[at..end].to_vec();
                let to = rng.below(bytes.len());
                bytes.splice(to..to, copy);
            }
            4 => {
                const HOSTILE: [&[u8]; 12] = [
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b"\"",
                    b"\\",
                    b",",
                    b"99999999999999999999",
                    b"-1",
                    b"1e9",
                    b"\xff\xfe",
                    b"null",
                ];
                let word = *rng.pick(&HOSTILE);
                bytes.splice(at..at, word.iter().copied());
            }
            5 if !bytes.is_empty() => bytes[at] = rng.next() as u8,
            _ if !bytes.is_empty() => {
                let digit = bytes.iter().skip(at).position(u8::is_ascii_digit).map_or(at, |step| at + step);
                bytes[digit] = b'0' + rng.below(10) as u8;
            }
            _ => {}
        }
    }
}
