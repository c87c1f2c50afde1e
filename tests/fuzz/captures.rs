//! Damaged capture files: records or an error, never a panic, never without end.

use crate::hunt::{Rng, damage, is_caught, survives};
use highwire_store::capture::{Body, Reader, Record, Writer};
use std::path::Path;

fn capture(path: &Path) -> Vec<u8> {
    let mut writer = Writer::create(path, "okx").unwrap();
    let body = |n: u64| match n % 4 {
        0 => Body::Connect("wss://ws.okx.com:8443/ws/v5/public".to_owned()),
        1 => Body::Send(r#"{"op":"subscribe"}"#.to_owned()),
        2 => Body::Http { url: "https://www.okx.com/x".to_owned(), body: "{}".to_owned() },
        _ => Body::Recv(br#"{"arg":{"channel":"books","instId":"BTC-USDT"}}"#.to_vec()),
    };
    for n in 0..12 {
        let record = Record { at_ns: 1_700_000_000_000_000_000 + n, conn: "okx.0".into(), body: body(n) };
        writer.write(&record).unwrap();
    }
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

const PLAIN: &[u8] = b"1700000000000000000 {\"e\":\"depthUpdate\"}\n1700000000000000001 {\"e\":\"trade\"}\n";

fn case(rng: &mut Rng, packed: &[u8], path: &Path, read: fn(&Path) -> usize) -> Result<(), String> {
    let unpacked = zstd::decode_all(packed).map_err(|error| error.to_string())?;
    let mut bytes = match rng.below(3) {
        0 => packed.to_vec(),
        1 => unpacked,
        _ => PLAIN.to_vec(),
    };
    damage(rng, &mut bytes);
    std::fs::write(path, &bytes).map_err(|error| error.to_string())?;
    let (records, most) = (read(path), 2 * bytes.len() + 10_000);
    if records > most { Err(format!("{records} records from {} bytes", bytes.len())) } else { Ok(()) }
}

fn ours(path: &Path) -> usize {
    let Ok(mut reader) = Reader::open(path) else { return 0 };
    std::iter::from_fn(|| reader.next_record().ok().flatten()).take(100_000).count()
}

/// Believes that every line is text.
fn trusting(path: &Path) -> usize {
    String::from_utf8(std::fs::read(path).unwrap()).unwrap().lines().count()
}

fn run(read: fn(&Path) -> usize, judge: fn(crate::hunt::Case<'_>)) {
    let folder = tempfile::tempdir().unwrap();
    let packed = capture(&folder.path().join("whole.jsonl.zst"));
    let path = folder.path().join("damaged.jsonl");
    judge(&|rng| case(rng, &packed, &path, read));
}

#[test]
fn no_damaged_capture_breaks_the_reader() {
    run(ours, survives);
}

#[test]
fn a_reader_that_trusts_text_is_caught() {
    run(trusting, is_caught);
}
