//! What was recovered is brought in line with the venues before anything trades on it.

use super::ServiceError;
use super::recording::Prepared;
use super::trading::Trading;
use crate::boot::Boot;
use crate::reconcile::{Outcome, at_start};
use highwire_actors::alerter::Bell;
use highwire_engine::clock::Clock;
use highwire_links::mode::Mode;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The journal, told what the venues say; and what then holds the mode, with its reasons.
///
/// # Errors
/// The disk takes no records.
pub async fn prepare(
    boot: Option<Boot>,
    trading: Option<&Trading>,
    bell: &Bell,
    clock: &dyn Clock,
) -> Result<(Option<Prepared>, (Mode, Vec<String>)), ServiceError> {
    let Some(mut boot) = boot else { return Ok((None, (Mode::Full, Vec::new()))) };
    let outcomes = match trading {
        None => BTreeMap::new(),
        Some(trading) => {
            let venues = trading.lines().map(|(_, line)| (line.account.clone(), Arc::clone(&line.listed)));
            at_start(&mut boot, venues, bell, clock).await?
        }
    };
    let prepared = Prepared::new(boot);
    let held = held(prepared.held(), &outcomes);
    Ok((Some(prepared), held))
}

fn held((mut mode, mut why): (Mode, Vec<String>), outcomes: &BTreeMap<&'static str, Outcome>) -> (Mode, Vec<String>) {
    for outcome in outcomes.values().filter(|outcome| !outcome.is_agreed) {
        mode = mode.max(if outcome.is_stopped { Mode::Halted } else { Mode::HedgeOnly });
        why.extend(outcome.open.iter().cloned());
    }
    (mode, why)
}
