//! A fingerprint of what a replay did: every row of the tops and every audit record, in order, and
//! nothing that differs between two runs of the same input (no stamp, no latency).

use highwire_links::audit::Record;
use xxhash_rust::xxh3::Xxh3;

/// The fingerprint under way.
#[derive(Default)]
pub struct Digest {
    tops: Xxh3,
    records: Xxh3,
}

impl Digest {
    /// Takes in a row of the tops.
    pub fn top(&mut self, row: &[u8]) {
        self.tops.update(row);
    }

    /// Takes in an audit record.
    pub fn record(&mut self, record: &Record) {
        let mut put = |words: &[i64]| words.iter().for_each(|word| self.records.update(&word.to_le_bytes()));
        let time = u64::cast_signed;
        match record {
            Record::Opened(o) => {
                put(&[1, o.id.into(), o.pair.0.into(), o.buy.0.into(), o.sell.0.into(), time(o.at_ns)]);
                put(&[o.ask_px, o.bid_px, o.edge_ppb]);
            }
            Record::Decided(d) => put(&[2, d.id.into(), d.verdict as i64, time(d.at_ns), d.base_qty, d.edge_ppb]),
            Record::Closed(c) => {
                put(&[
                    3,
                    c.id.into(),
                    time(c.at_ns),
                    time(c.lasted_ns),
                    c.edge_best_ppb,
                    c.updates.into(),
                    c.verdict as i64,
                ]);
            }
            Record::Sent(o) => {
                put(&[4, time(o.id), time(o.group), o.px.0, o.qty.0, time(o.decided_ns)]);
                put(&[o.instrument.0.into(), o.side as i64, o.tif as i64, o.class as i64, o.action as i64]);
            }
            Record::Settled(r) => {
                put(&[5, time(r.id), r.px.0, r.qty.0, r.filled.0, r.fee, time(r.at_ns)]);
                put(&[r.instrument.0.into(), r.kind as i64, r.reject as i64]);
            }
            Record::Saga(s) => {
                put(&[6, time(s.group), time(s.at_ns), s.exposure, s.expected_ppb, s.captured_ppb]);
                put(&[s.pair.0.into(), s.from as i64, s.to as i64, s.why as i64]);
            }
        }
    }

    /// The fingerprint as 32 hexadecimal digits.
    pub fn finish(&self) -> String {
        let mut whole = Xxh3::new();
        whole.update(&self.tops.digest128().to_le_bytes());
        whole.update(&self.records.digest128().to_le_bytes());
        format!("{:032x}", whole.digest128())
    }
}
