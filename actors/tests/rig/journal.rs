//! The journal's thread as a warden sees it: between the ring of records and whoever reads them. It takes each on, unless the
//! disk holds it up, and has nothing opened once its reader is gone.

use super::Knobs;
use highwire_links::audit::{AuditRx, audit};
use highwire_links::limits;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Puts one behind a ring; records come out of the other that it gives, while it is not `held`.
pub fn behind(mut from: AuditRx, knobs: Arc<Knobs>) -> AuditRx {
    let (mut on, seen) = audit(limits::AUDIT_RING);
    tokio::spawn(async move {
        loop {
            while !knobs.held.load(Ordering::SeqCst)
                && on.room() > 0
                && let Some(record) = from.peek()
            {
                on.write(record);
                from.take();
            }
            if !on.admits_openings() {
                from.admit_openings(false);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    seen
}
