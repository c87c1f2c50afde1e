//! What every pinned thread has the same, so that one kind of actor, the warden, can own any of them.

use crate::audit::{AuditRx, AuditTx, audit};
use crate::cnc::Cnc;
use crate::command::{CommandRx, CommandTx, commands};
use crate::counter::{TallyReader, TallyWriter, tally};
use crate::latency::{LatencyReader, LatencyWriter, latency};
use crate::lifecycle::{LifecycleRx, LifecycleTx, lifecycle};
use crate::limits;
use crate::occupancy::{OccupancyReader, OccupancyWriter, occupancy};
use crate::telemetry::{TelemetryRx, TelemetryTx, telemetry};

/// The thread's ends. They outlive the thread: a panic hands them back and the next thread goes on
/// with the same rings.
#[derive(Debug)]
pub struct Ports {
    /// Commands from the warden.
    pub commands: CommandRx,
    /// Reports to the warden.
    pub lifecycle: LifecycleTx,
    /// Records to the journal.
    pub audit: AuditTx,
    /// Stamps to the exporter.
    pub telemetry: TelemetryTx,
    /// Published counters.
    pub tally: TallyWriter,
    /// Published latencies.
    pub latency: LatencyWriter,
    /// Published fill levels of its rings.
    pub occupancy: OccupancyWriter,
    /// State, heartbeats, stop word.
    pub cnc: Cnc,
}

/// The actors' ends.
#[derive(Debug)]
pub struct Desk {
    /// Commands to the thread.
    pub commands: CommandTx,
    /// Reports from it.
    pub lifecycle: LifecycleRx,
    /// Its audit records.
    pub audit: AuditRx,
    /// Its stamps.
    pub telemetry: TelemetryRx,
    /// Its counters.
    pub tally: TallyReader,
    /// Its latencies.
    pub latency: LatencyReader,
    /// How full its rings are.
    pub occupancy: OccupancyReader,
    /// State, heartbeats, stop word.
    pub cnc: Cnc,
}

/// Both ends of one thread's links, at the standard sizes.
pub fn ports() -> (Ports, Desk) {
    let (command_tx, command_rx) = commands(limits::COMMAND_RING);
    let (lifecycle_tx, lifecycle_rx) = lifecycle(limits::LIFECYCLE_RING);
    let (audit_tx, audit_rx) = audit(limits::AUDIT_RING);
    let (telemetry_tx, telemetry_rx) = telemetry(limits::TELEMETRY_RING);
    let (tally_tx, tally_rx) = tally();
    let (latency_tx, latency_rx) = latency();
    let (occupancy_tx, occupancy_rx) = occupancy();
    let cnc = Cnc::default();
    let ports = Ports {
        commands: command_rx,
        lifecycle: lifecycle_tx,
        audit: audit_tx,
        telemetry: telemetry_tx,
        tally: tally_tx,
        latency: latency_tx,
        occupancy: occupancy_tx,
        cnc: cnc.clone(),
    };
    let desk = Desk {
        commands: command_tx,
        lifecycle: lifecycle_rx,
        audit: audit_rx,
        telemetry: telemetry_rx,
        tally: tally_rx,
        latency: latency_rx,
        occupancy: occupancy_rx,
        cnc,
    };
    (ports, desk)
}
