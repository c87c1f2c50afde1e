//! A venue's actors under their supervisor: lines first, then what serves them; when the lines' pool is started
//! anew, so are the others. A venue whose restarts are spent is halted, and its orders are withdrawn.

use super::ServiceError;
use super::lines::{Circle, Places, VenueAddress, bookkeeper, lister, pool, reconciler, timekeeper};
use super::outcomes;
use super::trading::VenueTrading;
use super::withdrawing::cancel_all;
use crate::config::{Clock, Config};
use crate::topology::VENUE;
use crate::universe::Universe;
use highwire_actors::address::Address;
use highwire_actors::allowance::Allowance;
use highwire_actors::beat::Beat;
use highwire_actors::bookkeeper::{Bookkeeper, BookkeeperMsg};
use highwire_actors::dead_man::{self, DeadMan};
use highwire_actors::governor::{GovernorMsg, Reading};
use highwire_actors::lister::Lister;
use highwire_actors::pool::{FeedPlan, Keepers, Pool, PoolMsg};
use highwire_actors::reconciler::Reconciler;
use highwire_actors::registrar::Registrar;
use highwire_actors::stream_key::StreamKeeper;
use highwire_actors::supervisor::{ChildSpec, GiveUp, Lives, Start, Supervisor, SupervisorMsg};
use highwire_actors::tended;
use highwire_actors::timekeeper::Timekeeper;
use highwire_links::VenueId;
use highwire_supervision::degrade::{Cause, Scope};
use highwire_venues::rest;
use highwire_venues::venue::Venue;
use ractor::{Actor, ActorRef};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// A venue's running actors.
pub struct VenueActors {
    /// Which it is.
    pub venue: VenueId,
    /// Its name.
    pub name: &'static str,
    /// Where its lines are reached, whoever holds them.
    pub lines: Address<PoolMsg>,
    /// How they live.
    pub lives: Lives,
    /// Starts it anew.
    pub supervisor: ActorRef<SupervisorMsg>,
    handle: JoinHandle<()>,
}

impl VenueActors {
    /// Ends them, lines last.
    pub async fn stop(self) {
        // A supervisor that panicked has ended too, and its children with it.
        if self.supervisor.cast(SupervisorMsg::End).is_ok() {
            let _ended = self.handle.await;
        }
    }
}

/// What a venue's actors are made of, again and again.
#[derive(Clone)]
pub struct Brood {
    /// Names and instruments.
    pub universe: Arc<Universe>,
    /// Settings.
    pub config: Arc<Config>,
    /// Where the venue is.
    pub address: VenueAddress,
    /// Its lines.
    pub feeds: Vec<FeedPlan>,
    /// Their places on the threads.
    pub places: Places,
    /// Whom they speak to.
    pub circle: Circle,
    /// What the venue lets us ask: heeded by everything that asks it.
    pub allowance: Allowance,
}

impl Brood {
    /// Starts them under a supervisor.
    ///
    /// # Errors
    /// An actor that could not be started.
    pub async fn start(self) -> Result<VenueActors, ServiceError> {
        let (venue, lives, lines) = (self.address.venue, Lives::default(), Address::default());
        let books = Address::default();
        let mut children = vec![self.pool(&lines, &books)];
        children.extend(self.timekeeper(&lines));
        children.push(if self.address.venue == Venue::Polymarket {
            self.registrar(&lines)
        } else {
            self.lister(&lines)
        });
        children.extend(self.stream_keeper());
        children.extend(self.bookkeeper(&books));
        children.extend(self.reconciler());
        children.extend(self.dead_man(&lines));
        let ends = (lives.clone(), self.give_up());
        let arguments = VENUE.supervise(&self.config, &self.circle.clock, children, ends);
        let (supervisor, handle) = Actor::spawn(None, Supervisor, arguments).await?;
        Ok(VenueActors { venue: venue.id(), name: venue.name(), lines, lives, supervisor, handle })
    }

    fn trading(&self) -> Option<&VenueTrading> {
        self.circle.trading.as_ref().and_then(|trading| trading.of(self.address.venue.id()))
    }

    fn pool(&self, lines: &Address<PoolMsg>, books: &Address<BookkeeperMsg>) -> ChildSpec {
        let books = self.trading().map(|_| books.clone());
        let (brood, lines, beat) = (self.clone(), lines.clone(), Beat::default());
        let heart = beat.clone();
        let mut again = false;
        let start: Start = Box::new(move |above| {
            let mut arguments = pool(&brood);
            let reconciler = brood.circle.reconciling.as_ref().map(|it| it.address(brood.address.venue));
            arguments.keepers = Keepers { books: books.clone(), reconciler };
            (arguments.again, arguments.beat) = (std::mem::replace(&mut again, true), heart.clone());
            let lines = lines.clone();
            Box::pin(async move {
                let beat = arguments.beat.clone();
                let pool = tended::spawn(Pool, arguments, above, &beat).await?;
                lines.lead_to(pool.clone());
                Ok(pool.get_cell())
            })
        });
        ChildSpec { name: "pool".to_owned(), start, beat: Some((beat, VENUE.hangs_ns("pool"))) }
    }

    fn timekeeper(&self, lines: &Address<PoolMsg>) -> Option<ChildSpec> {
        let settings = self.config.venues.get(self.address.venue.name());
        let measured = settings.is_none_or(|settings| settings.clock == Clock::Measured);
        if !measured {
            return None;
        }
        let path = rest::time_path(self.address.venue);
        let (brood, lines) = (self.clone(), lines.clone());
        let (beat, heart) = tending();
        let start: Start = Box::new(move |above| {
            let arguments = timekeeper(&brood, path, lines.clone());
            let beat = heart.clone();
            Box::pin(async move { Ok(tended::spawn(Timekeeper, arguments, above, &beat).await?.get_cell()) })
        });
        Some(child("timekeeper", start, beat))
    }

    fn lister(&self, lines: &Address<PoolMsg>) -> ChildSpec {
        let (brood, lines) = (self.clone(), lines.clone());
        let (beat, heart) = tending();
        let start: Start = Box::new(move |above| {
            let arguments = lister(&brood, lines.clone());
            let beat = heart.clone();
            Box::pin(async move { Ok(tended::spawn(Lister, arguments, above, &beat).await?.get_cell()) })
        });
        child("lister", start, beat)
    }

    fn registrar(&self, lines: &Address<PoolMsg>) -> ChildSpec {
        let (brood, lines) = (self.clone(), lines.clone());
        let (beat, heart) = tending();
        let start: Start = Box::new(move |above| {
            let arguments = outcomes::registrar(&brood, lines.clone());
            let beat = heart.clone();
            Box::pin(async move { Ok(tended::spawn(Registrar, arguments, above, &beat).await?.get_cell()) })
        });
        child("registrar", start, beat)
    }

    fn stream_keeper(&self) -> Option<ChildSpec> {
        let line = self.trading().filter(|_| self.address.venue == Venue::BinanceUsdm)?.line.clone();
        let (beat, heart) = tending();
        let start: Start = Box::new(move |above| {
            let arguments = (line.account.clone(), line.stream_key.clone());
            let beat = heart.clone();
            Box::pin(async move { Ok(tended::spawn(StreamKeeper, arguments, above, &beat).await?.get_cell()) })
        });
        Some(child("stream-keeper", start, beat))
    }

    fn bookkeeper(&self, books: &Address<BookkeeperMsg>) -> Option<ChildSpec> {
        let line = self.trading()?.line.clone();
        let (brood, books) = (self.clone(), books.clone());
        let (beat, heart) = tending();
        let start: Start = Box::new(move |above| {
            let (arguments, books, beat) = (bookkeeper(&line, &brood), books.clone(), heart.clone());
            Box::pin(async move {
                let keeper = tended::spawn(Bookkeeper, arguments, above, &beat).await?;
                books.lead_to(keeper.clone());
                Ok(keeper.get_cell())
            })
        });
        Some(child("bookkeeper", start, beat))
    }

    fn reconciler(&self) -> Option<ChildSpec> {
        let (trading, reconciling) = (self.trading()?.clone(), self.circle.reconciling.clone()?);
        let (brood, address) = (self.clone(), reconciling.address(self.address.venue));
        let (beat, heart) = tending();
        let start: Start = Box::new(move |above| {
            let (arguments, address) = (reconciler(&trading, &reconciling, &brood), address.clone());
            let beat = heart.clone();
            Box::pin(async move {
                let reconciler = tended::spawn(Reconciler, arguments, above, &beat).await?;
                address.lead_to(reconciler.clone());
                Ok(reconciler.get_cell())
            })
        });
        Some(child("reconciler", start, beat))
    }

    fn dead_man(&self, lines: &Address<PoolMsg>) -> Option<ChildSpec> {
        let line = self.trading()?.line.clone();
        if self.config.lines.dead_man_ms == 0 || !dead_man::has_one(&line.account) {
            return None;
        }
        let (config, lines) = (Arc::clone(&self.config), lines.clone());
        let (beat, heart) = tending();
        let start: Start = Box::new(move |above| {
            let arguments = super::lines::dead_man_of(&line, &config, lines.clone());
            let beat = heart.clone();
            Box::pin(async move { Ok(tended::spawn(DeadMan, arguments, above, &beat).await?.get_cell()) })
        });
        Some(child("dead-man", start, beat))
    }

    fn give_up(&self) -> GiveUp {
        let (venue, governor) = (self.address.venue.id(), self.circle.governor.clone());
        let withdraw = self.trading().map(|trading| cancel_all(&trading.line));
        Box::new(move |child, why| {
            let note = format!("its {child} failed too often: {why}");
            let reading = Reading { scope: Scope::Venue(venue), cause: Cause::GaveUp, value: 1, note };
            if governor.cast(GovernorMsg::Read(reading)).is_err() {
                tracing::error!("no governor is there to halt the venue");
            }
            withdraw.iter().for_each(|withdraw| withdraw());
        })
    }
}

/// A heartbeat for the supervisor, and the same for the actor.
fn tending() -> (Beat, Beat) {
    let beat = Beat::tended();
    (beat.clone(), beat)
}

fn child(name: &str, start: Start, beat: Beat) -> ChildSpec {
    ChildSpec { name: name.to_owned(), start, beat: Some((beat, VENUE.hangs_ns(name))) }
}
