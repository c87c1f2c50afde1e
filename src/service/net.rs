//! Everything beside the wire: each venue's lines.

use super::ServiceError;
use super::breakers::Breakers;
use super::brood::VenueActors;
use super::lines::{self, Circle, Places, VenueAddress};
use super::reconciling::Reconciling;
use super::rotating::Rotating;
use super::trading::Trading;
use super::tree::Bough;
use crate::config::Config;
use crate::universe::Universe;
use highwire_actors::address::Address;
use highwire_actors::alerter::Bell;
use highwire_actors::dial;
use highwire_actors::governor::GovernorMsg;
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use ractor::ActorRef;
use rustls::ClientConfig;
use std::sync::Arc;

/// The running actors beside the wardens.
pub struct Net {
    venues: Vec<VenueActors>,
    trading: Option<Trading>,
}

/// All wardens, and the one whose thread reads the sockets; clock and TLS; who tells people, who rules, and what keeps
/// from asking.
pub type Around<'a> = (
    (Vec<ActorRef<WardenMsg>>, ActorRef<WardenMsg>),
    (&'a TscClock, Arc<ClientConfig>),
    (&'a Bell, &'a Address<GovernorMsg>, &'a Breakers),
);

impl Net {
    /// Starts them.
    ///
    /// # Errors
    /// See [`ServiceError`]. What had started ends with the runtime.
    pub async fn start(
        universe: &Arc<Universe>,
        config: &Arc<Config>,
        addresses: &[VenueAddress],
        ((wardens, reader), (clock, tls), (alerts, governor, breakers)): Around<'_>,
        (trading, reconciling): (Option<Trading>, Option<Reconciling>),
    ) -> Result<Self, ServiceError> {
        let circle = Circle {
            wardens,
            reader,
            alerts: alerts.clone(),
            governor: governor.clone(),
            breakers: breakers.clone(),
            clock: clock.clone(),
            http: http(config, &tls)?,
            tls,
            trading,
            reconciling,
        };
        let (mut venues, mut places) = (Vec::new(), Places::default());
        for address in addresses {
            let (venue, next) = lines::start(universe, config, address, places, &circle).await?;
            venues.push(venue);
            places = next;
        }
        Ok(Self { venues, trading: circle.trading })
    }

    /// How each venue's actors live.
    pub fn boughs(&self) -> Vec<Bough> {
        self.venues.iter().map(|venue| (venue.name, venue.lives.clone(), venue.supervisor.clone())).collect()
    }

    /// What changes the keys of those who sign there.
    pub fn rotating(&self) -> Rotating {
        let lines = self.venues.iter().map(|venue| (venue.venue, venue.lines.clone()));
        Rotating::new(self.trading.clone(), lines.collect())
    }

    /// Ends them. The governor has ended before: lines that are ended are no venues that are lost.
    pub async fn stop(self) {
        for venue in self.venues {
            venue.stop().await;
        }
    }
}

/// TLS with the public roots and the operator's own.
///
/// # Errors
/// The operator's certificates cannot be read.
pub fn tls(config: &Config) -> Result<Arc<ClientConfig>, ServiceError> {
    let file = &config.lines.tls_ca_file;
    let bad = |why: String| ServiceError::Certificates { file: file.clone(), why };
    let pem = if file.is_empty() { None } else { Some(std::fs::read(file).map_err(|error| bad(error.to_string()))?) };
    dial::tls_config(pem.as_deref()).map_err(bad)
}

/// A client for requests that trusts whom the sockets trust.
///
/// # Errors
/// It cannot be made.
pub fn http(config: &Config, tls: &ClientConfig) -> Result<reqwest::Client, ServiceError> {
    let bad = |error: reqwest::Error| ServiceError::Certificates {
        file: config.lines.tls_ca_file.clone(),
        why: error.to_string(),
    };
    reqwest::Client::builder().tls_backend_preconfigured(tls.clone()).build().map_err(bad)
}
