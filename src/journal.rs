//! `highwire journal`: what lasts, read from outside: every record, or whether it can all be read and what it
//! comes to; and the repair of what cannot.

use crate::boot::{self, BootError, Found};
use highwire_links::Nanos;
use highwire_links::fixed::Decimal;
use highwire_store::checkpoint;
use highwire_store::disk::Folder;
use highwire_store::journal::{Exporter, Repaired, recover, repair};
use highwire_store::lock::Lock;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;

/// What a journal comes to.
#[derive(Debug, Serialize)]
pub struct Verified {
    /// The folder.
    pub folder: String,
    /// Records that it has.
    pub records: u64,
    /// The number that its next record will have.
    pub next: u64,
    /// Its segments.
    pub segments: usize,
    /// The last record that the checkpoint covers.
    pub covered: u64,
    /// Bytes of a torn tail, which the next start cuts.
    pub torn_bytes: u64,
    /// Net quantity bought, by venue and symbol.
    pub positions: BTreeMap<String, String>,
    /// What wallets hold, by venue and asset.
    pub balances: BTreeMap<String, String>,
    /// Orders whose end is not known.
    pub open_orders: Vec<String>,
    /// What holds the mode until an operator takes it back.
    pub latches: Vec<String>,
    /// What the repair did, if there was one.
    pub repaired: Option<String>,
}

/// Writes every record of a folder to `out`: a JSON object a line, or a line of text.
///
/// # Errors
/// The journal cannot be read to its end, or `out` not be written: what came before it was written.
pub fn export(folder: &Path, as_json: bool, out: &mut dyn Write) -> Result<(), BootError> {
    let named = folder.display().to_string();
    let disk = existing(folder)?;
    let (mut exporter, mut written) = (Exporter::default(), Ok(()));
    let read = recover(&disk, |record| {
        if written.is_ok() {
            let object = exporter.object(record);
            written = if as_json { writeln!(out, "{object}") } else { writeln!(out, "{}", line(&object)) };
        }
    });
    written.map_err(|source| BootError::Io { folder: named, source })?;
    read?;
    Ok(())
}

/// Reads a folder as a start would; with `mend` what cannot be read is repaired first.
///
/// # Errors
/// What a start would refuse; with `mend` also a folder that is in use.
pub fn verify(folder: &Path, mend: bool, now: Nanos) -> Result<Verified, BootError> {
    let named = folder.display().to_string();
    let mut disk = existing(folder)?;
    let mut repaired = None;
    if mend {
        let _lock = Lock::take(folder)?;
        let loaded = checkpoint::load(&disk).map_err(|source| BootError::Io { folder: named.clone(), source })?;
        let covered = loaded.checkpoint.map_or(0, |checkpoint| checkpoint.sequence);
        repaired = repair(&mut disk, covered, now)?.map(|done| told(&done));
    }
    let found = boot::read(&disk, &named, false)?;
    Ok(Verified { repaired, ..verified(named, &found) })
}

/// A folder that is there already: looking at one must not make it.
fn existing(folder: &Path) -> Result<Folder, BootError> {
    let failed = |source| BootError::Io { folder: folder.display().to_string(), source };
    if !folder.is_dir() {
        return Err(failed(io::ErrorKind::NotFound.into()));
    }
    Folder::new(folder).map_err(failed)
}

fn verified(folder: String, Found { state, covered, recovery, .. }: &Found) -> Verified {
    let position = |holding: &crate::state::Holding| {
        let quantity = Decimal { mantissa: holding.standing.position, dp: holding.listed.scale.qty_dp };
        (holding.name(), quantity.to_string())
    };
    let balances = state
        .wallets
        .iter()
        .filter_map(|wallet| Some((format!("{}:{}", wallet.venue, wallet.asset), wallet.balance?.to_string())));
    Verified {
        folder,
        records: recovery.records,
        next: recovery.next,
        segments: recovery.segments.len(),
        covered: *covered,
        torn_bytes: recovery.cut.as_ref().map_or(0, |cut| cut.torn_bytes),
        positions: state.holdings.iter().map(position).collect(),
        balances: balances.collect(),
        open_orders: state.orders.keys().map(|id| highwire_venues::client_id::text(*id)).collect(),
        latches: state.latches.iter().map(|latch| format!("{:?}: {}", latch.to, latch.why)).collect(),
        repaired: None,
    }
}

fn told(done: &Repaired) -> String {
    let Repaired { damaged, kept, dropped, aside } = done;
    format!(
        "from record {damaged} on: {kept} whole records kept, {dropped} dropped; the old files are {}",
        aside.join(", ")
    )
}

/// Number, time and kind in columns, and the rest as it is.
fn line(object: &Value) -> String {
    let mut rest = object.as_object().cloned().unwrap_or_default();
    let mut take = |key: &str| rest.remove(key).map(|value| value.to_string()).unwrap_or_default();
    let (sequence, at_ns, kind) = (take("sequence"), take("at_ns"), take("kind"));
    format!("{sequence:>10} {at_ns} {:<18} {}", kind.trim_matches('"'), Value::Object(rest))
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(repaired) = &self.repaired {
            writeln!(f, "repaired       {repaired}")?;
        }
        writeln!(f, "journal        {}", self.folder)?;
        writeln!(f, "records        {} in {} segments, next {}", self.records, self.segments, self.next)?;
        writeln!(f, "checkpoint     covers {}", self.covered)?;
        writeln!(f, "torn tail      {} bytes", self.torn_bytes)?;
        for (name, position) in &self.positions {
            writeln!(f, "position       {name} {position}")?;
        }
        for (name, balance) in &self.balances {
            writeln!(f, "balance        {name} {balance}")?;
        }
        writeln!(f, "open orders    {}", self.open_orders.len())?;
        for latch in &self.latches {
            writeln!(f, "latch          {latch}")?;
        }
        Ok(())
    }
}
