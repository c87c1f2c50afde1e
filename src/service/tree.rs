//! The supervision tree of a running service, as it lives.

use super::{VenueAddress, Watch};
use crate::topology::Branch;
use std::sync::Arc;

/// Draws the tree when it is asked for.
pub fn grow(watch: &Arc<Watch>, addresses: &[VenueAddress]) -> Box<dyn Fn() -> Branch + Send + Sync> {
    let watch = Arc::clone(watch);
    let venues: Vec<String> = addresses.iter().map(|address| address.venue.name().to_owned()).collect();
    Box::new(move || tree(&watch, &venues))
}

fn tree(watch: &Watch, venues: &[String]) -> Branch {
    let vitals = watch.vitals();
    let thread = |thread: &crate::vitals::Thread| Branch {
        name: format!("warden-{}", thread.name),
        state: format!("thread beat {} ms ago", thread.heartbeat_ns / 1_000_000),
        restarts: thread.restarts,
        ..Branch::default()
    };
    let mut below: Vec<Branch> = vitals.threads.iter().map(thread).collect();
    below.extend(venues.iter().map(|name| Branch { name: name.clone(), ..Branch::default() }));
    Branch { name: "highwire".to_owned(), state: "runs".to_owned(), below, ..Branch::default() }
}
