//! What a replay found, for people and for machines.

use super::rig::{Measured, Rig};
use crate::ledger::{Opportunity, closing_px};
use crate::universe::Universe;
use highwire_engine::stages::Stages;
use highwire_links::audit::Verdict;
use highwire_links::counter::{Counter, Stage};
use highwire_links::decode::Reject;
use highwire_links::fixed::{Amount, Decimal};
use highwire_links::{InstrumentId, Side};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::PoisonError;
use std::time::Duration;

/// The report; `--json` prints it as it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Frames received; always `decoded + rejected.total`.
    pub frames: u64,
    /// Frames decoded.
    pub decoded: u64,
    /// The same by kind.
    pub decoded_by_kind: BTreeMap<&'static str, u64>,
    /// Frames that the fast scan passed on to the reference decoder.
    pub fallbacks: u64,
    /// Frames refused.
    pub rejected: Rejected,
    /// HTTP snapshots taken and refused.
    pub snapshots: Snapshots,
    /// Gaps found.
    pub gaps: u64,
    /// Resyncs begun.
    pub resyncs: u64,
    /// Checksums that did not match.
    pub checksum_mismatches: u64,
    /// Books found crossed.
    pub crossed: u64,
    /// Changes of a top.
    pub tops: Tops,
    /// Books at the end.
    pub books: Vec<Book>,
    /// Crossings of two markets' net prices.
    pub opportunities: Opportunities,
    /// Decisions by verdict; one opportunity can have several.
    pub decisions: BTreeMap<&'static str, u64>,
    /// Orders handed to the paper gateway.
    pub orders: u64,
    /// Orders that ended without a fill.
    pub orders_unfilled: u64,
    /// Orders refused.
    pub orders_rejected: u64,
    /// Fills.
    pub fills: u64,
    /// Profit and loss in each pair's quote currency.
    pub profit_and_loss: BTreeMap<String, Profit>,
    /// Latency per stage, nanoseconds: service times of this machine, not part of the digest.
    pub latency_ns: BTreeMap<&'static str, Latency>,
    /// Things that should be zero.
    pub anomalies: BTreeMap<&'static str, u64>,
    /// What could have been compared but was not.
    pub hints: Vec<String>,
    /// Wall time of the replay in seconds.
    pub wall_s: f64,
    /// Frames per second of wall time.
    pub frames_per_s: f64,
    /// Equal on every run of the same input, in every layout.
    pub digest: String,
}

/// Frames refused.
#[derive(Clone, Debug, Serialize)]
pub struct Rejected {
    /// All of them.
    pub total: u64,
    /// By reason.
    pub by_reason: BTreeMap<&'static str, u64>,
}

/// Snapshots by request.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshots {
    /// Read.
    pub taken: u64,
    /// Refused.
    pub rejected: u64,
}

/// Rows of the tops.
#[derive(Clone, Debug, Serialize)]
pub struct Tops {
    /// From depth books.
    pub book: u64,
    /// From ticker streams.
    pub ticker: u64,
}

/// A book at the end.
#[derive(Clone, Debug, Serialize)]
pub struct Book {
    /// Its venue.
    pub venue: &'static str,
    /// Its symbol.
    pub instrument: String,
    /// Its pair.
    pub pair: String,
    /// Its state.
    pub state: &'static str,
    /// Taker fee in basis points.
    pub taker_fee_bps: String,
}

/// Opportunities.
#[derive(Clone, Debug, Serialize)]
pub struct Opportunities {
    /// How many.
    pub count: usize,
    /// How many were taken.
    pub taken: usize,
    /// Each of them, in the order of their opening.
    pub list: Vec<Seen>,
}

/// One opportunity.
#[derive(Clone, Debug, Serialize)]
pub struct Seen {
    /// Its number.
    pub id: u32,
    /// Its pair.
    pub pair: String,
    /// Where to buy, as `venue:SYMBOL`.
    pub buy: String,
    /// Where to sell.
    pub sell: String,
    /// When it opened.
    pub opened_ns: u64,
    /// When it closed; null while it stands.
    pub closed_ns: Option<u64>,
    /// How long it lasted.
    pub duration_ns: Option<u64>,
    /// Best ask where to buy, at the opening.
    pub ask_px: String,
    /// Best bid where to sell, at the opening.
    pub bid_px: String,
    /// Edge net of fees at the opening, basis points.
    pub edge_bps: String,
    /// The best edge of its life.
    pub edge_best_bps: String,
    /// Size in base asset, as last weighed; `0` when it was not.
    pub size: String,
    /// Edge after depth, slippage and latency penalty, as last weighed.
    pub edge_after_depth_bps: Option<String>,
    /// Market events in its life, its opening included.
    pub updates: u32,
    /// `taken`, or the reason why not.
    pub verdict: &'static str,
    /// The reason why it was not taken; null when it was.
    pub reason: Option<&'static str>,
}

/// Profit and loss of a pair.
#[derive(Clone, Debug, Serialize)]
pub struct Profit {
    /// Of what was both bought and sold, after fees.
    pub realised: String,
    /// With the rest valued at the worst closing price; null without one.
    pub marked: Option<String>,
    /// Fees paid.
    pub fees: String,
    /// Base asset left over.
    pub base_open: String,
}

/// Percentiles of one stage.
#[derive(Clone, Debug, Serialize)]
pub struct Latency {
    /// Samples.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Largest.
    pub max: u64,
}

const KINDS: [&str; highwire_links::decode::FRAME_KINDS] = ["top", "snapshot", "delta", "trade", "control", "other"];

impl Report {
    /// The report of a finished replay.
    pub fn new(rig: &Rig, measured: &Measured, wall: Duration) -> Self {
        let tally = |counter| measured.tally.get(counter);
        let tops = rig.tops.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = &rig.ledger;
        let frames = tally(Counter::Frames);
        Self {
            frames,
            decoded: tally(Counter::Decoded),
            decoded_by_kind: KINDS.into_iter().zip(measured.kinds).filter(|(_, n)| *n > 0).collect(),
            fallbacks: tally(Counter::Fallbacks),
            rejected: rejected(measured),
            snapshots: Snapshots { taken: rig.snapshots[0], rejected: rig.snapshots[1] },
            gaps: tally(Counter::Gaps),
            resyncs: tally(Counter::Resyncs),
            checksum_mismatches: tally(Counter::ChecksumMismatches),
            crossed: tally(Counter::Crossed),
            tops: Tops { book: tops.counts[0], ticker: tops.counts[1] },
            books: books(rig),
            opportunities: opportunities(&rig.universe, &ledger.opportunities),
            decisions: Verdict::ALL
                .iter()
                .map(|v| (v.name(), ledger.decisions[*v as usize]))
                .filter(|(_, n)| *n > 0)
                .collect(),
            orders: ledger.orders,
            orders_unfilled: ledger.unfilled,
            orders_rejected: ledger.refused,
            fills: ledger.fills,
            profit_and_loss: profit(rig),
            latency_ns: Stage::ALL.iter().map(|(stage, name)| (*name, latency(&measured.stages, *stage))).collect(),
            anomalies: anomalies(rig, measured),
            hints: hints(&rig.universe),
            wall_s: wall.as_secs_f64(),
            frames_per_s: frames as f64 / wall.as_secs_f64().max(1e-9),
            digest: tops.digest.finish(),
        }
    }
}

fn rejected(measured: &Measured) -> Rejected {
    let by_reason =
        Reject::ALL.iter().map(|r| (r.name(), measured.rejects[*r as usize])).filter(|(_, n)| *n > 0).collect();
    Rejected { total: measured.tally.get(Counter::Rejected), by_reason }
}

fn anomalies(rig: &Rig, measured: &Measured) -> BTreeMap<&'static str, u64> {
    let counters =
        [Counter::Conflated, Counter::Overflows, Counter::StrayReports, Counter::AuditLost, Counter::LifecycleLost];
    let mut found: BTreeMap<&'static str, u64> =
        counters.iter().map(|c| (Counter::ALL[*c as usize].1, measured.tally.get(*c))).collect();
    found.insert("fills_not_added_up", rig.ledger.overflows);
    found.retain(|_, n| *n > 0);
    found
}

fn books(rig: &Rig) -> Vec<Book> {
    let book = |(spec, i): (&highwire_venues::spec::InstrumentSpec, &highwire_links::instrument::Instrument)| Book {
        venue: spec.venue.name(),
        instrument: spec.symbol.clone(),
        pair: pair_name(&rig.universe, i.pair.index()),
        state: rig.state(i.id).name(),
        taker_fee_bps: bps(i.taker_fee_ppb),
    };
    rig.universe.specs.iter().zip(&rig.universe.instruments).map(book).collect()
}

fn pair_name(universe: &Universe, pair: usize) -> String {
    universe.pairs.get(pair).map(|pair| pair.name.clone()).unwrap_or_default()
}

fn opportunities(universe: &Universe, seen: &[Opportunity]) -> Opportunities {
    let taken = seen.iter().filter(|o| o.verdict() == Some(Verdict::Taken)).count();
    Opportunities { count: seen.len(), taken, list: seen.iter().map(|o| of_opportunity(universe, o)).collect() }
}

fn of_opportunity(universe: &Universe, o: &Opportunity) -> Seen {
    let pair = universe.pairs.get(o.opened.pair.index());
    let px = |id: InstrumentId, mantissa| {
        let dp = universe.instruments.get(id.index()).map_or(0, |i| i.scale.px_dp);
        Decimal { mantissa, dp }.to_string()
    };
    let size = o.decided.map_or(0, |d| d.base_qty);
    let so_far = o.closed.map(|c| (c.edge_best_ppb, c.updates)).or(o.standing);
    let (edge_best_ppb, updates) = so_far.unwrap_or((o.opened.edge_ppb, 1));
    Seen {
        id: o.opened.id,
        pair: pair.map(|pair| pair.name.clone()).unwrap_or_default(),
        buy: universe.name(o.opened.buy),
        sell: universe.name(o.opened.sell),
        opened_ns: o.opened.at_ns,
        closed_ns: o.closed.map(|c| c.at_ns),
        duration_ns: o.closed.map(|c| c.lasted_ns),
        ask_px: px(o.opened.buy, o.opened.ask_px),
        bid_px: px(o.opened.sell, o.opened.bid_px),
        edge_bps: bps(o.opened.edge_ppb),
        edge_best_bps: bps(edge_best_ppb),
        size: Decimal { mantissa: size, dp: pair.map_or(0, |pair| pair.spec.qty_dp) }.to_string(),
        edge_after_depth_bps: o.decided.map(|d| bps(d.edge_ppb)),
        updates,
        verdict: o.verdict().map_or("undecided", Verdict::name),
        reason: o.verdict().filter(|verdict| *verdict != Verdict::Taken).map(Verdict::name),
    }
}

/// Parts per billion as basis points, exactly.
fn bps(ppb: i64) -> String {
    Decimal { mantissa: ppb, dp: 5 }.to_string()
}

fn profit(rig: &Rig) -> BTreeMap<String, Profit> {
    let mut found = BTreeMap::new();
    for (index, (pair, pnl)) in rig.universe.pairs.iter().zip(&rig.ledger.pnl).enumerate() {
        let side = if pnl.base_open() > 0 { Side::Sell } else { Side::Buy };
        let px = closing_px(&rig.universe, &rig.pages, index, side);
        let marked =
            if pnl.base_open() == 0 { pnl.realised() } else { px.and_then(|px| pnl.marked(px, pair.spec.px_dp)) };
        let base_open = Amount::from_mantissa(pnl.base_open(), highwire_quant::pnl::BASE_DP).unwrap_or_default();
        if *pnl != highwire_quant::pnl::Pnl::default() {
            let realised = pnl.realised().map_or_else(|| "overflow".to_owned(), |amount| amount.to_string());
            let fees = pnl.fees().to_string();
            let marked = marked.map(|amount| amount.to_string());
            found.insert(pair.name.clone(), Profit { realised, marked, fees, base_open: base_open.to_string() });
        }
    }
    found
}

fn latency(stages: &Stages, stage: Stage) -> Latency {
    let h = stages.of(stage);
    let at = |quantile| if h.is_empty() { 0 } else { h.value_at_quantile(quantile) };
    let max = if h.is_empty() { 0 } else { h.max() };
    Latency { count: h.len(), p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max }
}

/// Markets of one base that were not compared because their quotes differ.
fn hints(universe: &Universe) -> Vec<String> {
    let mut by_base: BTreeMap<&str, std::collections::BTreeSet<&str>> = BTreeMap::new();
    for (spec, instrument) in universe.specs.iter().zip(&universe.instruments) {
        by_base.entry(&spec.base).or_default().insert(&universe.pairs[instrument.pair.index()].name);
    }
    let apart = by_base.iter().filter(|(_, pairs)| pairs.len() > 1);
    apart.map(|(base, pairs)| format!("{base}: {} pairs are not compared with one another; --pairs {base} compares all that are quoted in dollars", pairs.len())).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "frames         {} ({} decoded, {} rejected, {} by the slow decoder)",
            self.frames, self.decoded, self.rejected.total, self.fallbacks
        )?;
        for (reason, count) in &self.rejected.by_reason {
            writeln!(f, "  rejected     {count} {reason}")?;
        }
        writeln!(
            f,
            "books          {} live of {}; {} gaps, {} resyncs, {} checksum mismatches, {} crossed",
            self.books.iter().filter(|b| b.state == "live").count(),
            self.books.len(),
            self.gaps,
            self.resyncs,
            self.checksum_mismatches,
            self.crossed
        )?;
        writeln!(f, "tops           {} from books, {} from tickers", self.tops.book, self.tops.ticker)?;
        writeln!(f, "opportunities  {} ({} taken)", self.opportunities.count, self.opportunities.taken)?;
        for (verdict, count) in &self.decisions {
            writeln!(f, "  decided      {count} {verdict}")?;
        }
        writeln!(
            f,
            "orders         {} ({} unfilled, {} rejected), {} fills",
            self.orders, self.orders_unfilled, self.orders_rejected, self.fills
        )?;
        for (pair, p) in &self.profit_and_loss {
            writeln!(
                f,
                "  profit       {pair}: realised {}, marked {}, fees {}, base left {}",
                p.realised,
                p.marked.as_deref().unwrap_or("unknown"),
                p.fees,
                p.base_open
            )?;
        }
        for (stage, l) in self.latency_ns.iter().filter(|(_, l)| l.count > 0) {
            writeln!(f, "  {stage:<12} p50 {} p90 {} p99 {} p99.9 {} max {} ns", l.p50, l.p90, l.p99, l.p999, l.max)?;
        }
        for (what, count) in &self.anomalies {
            writeln!(f, "  anomaly      {count} {what}")?;
        }
        for hint in self.hints.iter().take(3) {
            writeln!(f, "  hint         {hint}")?;
        }
        writeln!(f, "wall           {:.2} s, {:.0} frames/s", self.wall_s, self.frames_per_s)?;
        write!(f, "digest         {}", self.digest)
    }
}
