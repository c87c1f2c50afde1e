//! Reconciliation at the start, before anything trades: venue by venue until it agrees, within a time. Nothing of ours
//! moves meanwhile, so a balance that differs twice in a row differs.

use super::act::{Deeds, deeds};
use super::{lag_ns, ours, question};
use crate::boot::{Boot, BootError};
use highwire_actors::account::{Account, AskError};
use highwire_actors::alerter::Bell;
use highwire_actors::survey::{Survey, survey};
use highwire_engine::clock::Clock;
use highwire_links::Nanos;
use highwire_store::journal::{Entry, Looked, Statement};
use highwire_supervision::incident::Severity;
use highwire_supervision::reconcile::{Class, Finding, Ours, holdings, orders};
use highwire_venues::orders::Listed;
use highwire_venues::private::Query;
use highwire_venues::venue::Venue;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Time for all venues to agree; what does not by then is held.
const WITHIN: Duration = Duration::from_secs(5);
/// Between two rounds of questions: short at first, then longer, since what a venue cannot know yet is not asked for too often;
/// what its limits allow is needed afterwards.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_millis(400);

/// How a venue stands after its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// It agrees.
    pub is_agreed: bool,
    /// What it waits for, or what an operator must look at.
    pub open: Vec<String>,
    /// An operator must look.
    pub is_stopped: bool,
}

/// A venue that is not done.
struct Place {
    account: Account,
    listed: Arc<[Listed]>,
    /// What differed in holdings when last looked at.
    before: Option<Vec<Finding>>,
    begun: Instant,
    outcome: Outcome,
}

/// Brings the recovered state in line with these venues.
///
/// # Errors
/// The disk takes no records.
pub async fn at_start(
    boot: &mut Boot,
    venues: impl IntoIterator<Item = (Account, Arc<[Listed]>)>,
    bell: &Bell,
    clock: &dyn Clock,
) -> Result<BTreeMap<Venue, Outcome>, BootError> {
    let place =
        |(account, listed)| Place { account, listed, before: None, begun: Instant::now(), outcome: Outcome::default() };
    let mut places: Vec<Place> = venues.into_iter().map(place).collect();
    let (until, mut pause) = (Instant::now() + WITHIN, PAUSE);
    loop {
        let mut asked = ask(boot, &places);
        while let Some(Ok((at, ours, at_ns, survey))) = asked.join_next().await {
            places[at].on_survey(boot, (&ours, survey), bell, (at_ns, clock.now())).await;
        }
        boot.commit(clock.now())?;
        if places.iter().all(|place| place.is_done() || place.is_left_alone()) || Instant::now() > until {
            break;
        }
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(PAUSE_MAX);
    }
    Ok(places.into_iter().map(|place| (place.account.venue, place.outcome)).collect())
}

/// What we had at a venue, when it was asked, and what it said.
type Told = (usize, Ours, Nanos, Result<Survey, AskError>);

fn ask(boot: &Boot, places: &[Place]) -> JoinSet<Told> {
    let mut asked = JoinSet::new();
    for (at, place) in places.iter().enumerate().filter(|(_, place)| !place.is_done()) {
        let (account, venue) = (place.account.clone(), place.account.venue);
        let ours = ours(&boot.state, venue, &place.listed, |_| false);
        let question = question(&boot.state, venue, &place.listed, &ours);
        asked.spawn(async move {
            let at_ns = account.clock.now();
            let told = survey(&account, &question, None).await;
            (at, ours, at_ns, told)
        });
    }
    asked
}

impl Place {
    fn is_done(&self) -> bool {
        self.outcome.is_agreed || self.outcome.is_stopped
    }

    /// It wants to be left alone for longer than a start waits; its reconciler asks when that is over.
    fn is_left_alone(&self) -> bool {
        self.account.allowance.rest().is_some_and(|rest| rest.left > WITHIN)
    }

    async fn on_survey(
        &mut self,
        boot: &mut Boot,
        (ours, told): (&Ours, Result<Survey, AskError>),
        bell: &Bell,
        (at_ns, now): (Nanos, Nanos),
    ) {
        let survey = match told {
            Ok(survey) => survey,
            Err(error) => {
                self.outcome.open = vec![format!("{}: {error}", self.account.venue.name())];
                return;
            }
        };
        let venue = self.account.venue;
        let found = orders(ours, &survey.theirs, now, lag_ns(venue));
        let first = deeds(venue, &self.listed, &survey, &found, "");
        self.act(boot, &first, bell, now).await;
        self.outcome.open = first.waits.iter().chain(&first.stops).cloned().collect();
        self.outcome.is_stopped = !first.stops.is_empty();
        // An order that the journal had lost stands there now: whether it has ended is asked in the next round.
        if found.iter().any(|finding| matches!(finding, Finding::Lost { .. })) {
            self.outcome.open.push(format!("{}: orders that the journal had lost", venue.name()));
        }
        if self.outcome.open.is_empty() {
            self.weigh(boot, &survey, bell, (at_ns, now)).await;
        }
    }

    /// All trades are booked: what differs in holdings now, and did before, is nobody's doing.
    async fn weigh(&mut self, boot: &mut Boot, survey: &Survey, bell: &Bell, (at_ns, now): (Nanos, Nanos)) {
        let venue = self.account.venue;
        self.open_wallets(boot, survey, now);
        let found = holdings(&ours(&boot.state, venue, &self.listed, |_| false), &survey.theirs);
        // A position may be ahead of the trades that are told.
        let has_lagged = self.begun.elapsed() >= Duration::from_nanos(lag_ns(venue));
        let is_early = !has_lagged && found.iter().any(|finding| finding.class() == Class::Stop);
        if is_early || (!found.is_empty() && self.before.as_ref() != Some(&found)) {
            self.before = Some(found);
            self.outcome.open = vec![format!("{}: a difference is looked at again", venue.name())];
            return;
        }
        let adopted = deeds(venue, &self.listed, survey, &found, "asked at the start");
        self.act(boot, &adopted, bell, now).await;
        self.outcome =
            Outcome { is_agreed: adopted.stops.is_empty(), is_stopped: !adopted.stops.is_empty(), open: adopted.stops };
        if self.outcome.is_agreed {
            let venue = venue.name().to_owned();
            boot.add(now, Entry::Looked(Looked { venue, since_ns: at_ns, is_done: true }));
        }
    }

    /// What a wallet holds that nobody spoke of yet is taken as its venue says.
    fn open_wallets(&self, boot: &mut Boot, survey: &Survey, now: Nanos) {
        let venue = self.account.venue.name();
        let new = boot.state.wallets.iter().filter(|wallet| wallet.venue == venue && wallet.balance.is_none());
        let new: Vec<String> = new.map(|wallet| wallet.asset.clone()).collect();
        for asset in new {
            let amount = survey.theirs.balances.get(&asset).copied().unwrap_or_default();
            boot.add(now, Entry::Opening(Statement { venue: venue.to_owned(), asset, amount }));
        }
    }

    async fn act(&self, boot: &mut Boot, deeds: &Deeds, bell: &Bell, now: Nanos) {
        deeds.log(self.account.venue);
        deeds.entries.iter().for_each(|entry| boot.add(now, entry.clone()));
        for (key, text) in &deeds.notices {
            let foreign = key.starts_with("foreign/");
            bell.raise(key.clone(), if foreign { Severity::Critical } else { Severity::Warning }, text.clone());
        }
        for (symbol, venue_id) in &deeds.withdraw {
            if let Err(error) = self.account.ask(&Query::Cancel { symbol, venue_id }).await {
                tracing::warn!(venue = self.account.venue.name(), symbol, %error, "an order could not be withdrawn");
            }
        }
    }
}
