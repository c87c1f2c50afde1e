//! Everything beside the wire: who is told of incidents, who watches over all venues, and each venue's
//! lines.

use super::ServiceError;
use super::lines::{self, Circle, Places, VenueActors, VenueAddress};
use super::trading::Trading;
use crate::config::Config;
use crate::universe::Universe;
use highwire_actors::alert::{AlertMsg, Alerter};
use highwire_actors::dial;
use highwire_actors::lookout::{Lookout, LookoutArgs, LookoutMsg};
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use ractor::{Actor, ActorRef};
use rustls::ClientConfig;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The running actors beside the wardens.
pub struct Net {
    alerts: (ActorRef<AlertMsg>, JoinHandle<()>),
    lookout: (ActorRef<LookoutMsg>, JoinHandle<()>),
    venues: Vec<VenueActors>,
}

impl Net {
    /// Starts them; `wardens` are all, and the one whose thread reads the sockets.
    ///
    /// # Errors
    /// See [`ServiceError`]. What had started ends with the runtime.
    pub async fn start(
        universe: &Universe,
        config: &Config,
        addresses: &[VenueAddress],
        (wardens, reader): (Vec<ActorRef<WardenMsg>>, ActorRef<WardenMsg>),
        (clock, tls): (&TscClock, Arc<ClientConfig>),
        trading: Option<Trading>,
    ) -> Result<Self, ServiceError> {
        let alerts = Actor::spawn(None, Alerter, ()).await?;
        let looking = LookoutArgs {
            wardens: wardens.clone(),
            clock: Box::new(clock.clone()),
            limit_ns: config.lines.cut_off_s.saturating_mul(1_000_000_000),
            alerts: alerts.0.clone(),
        };
        let lookout = Actor::spawn(None, Lookout, looking).await?;
        let circle = Circle {
            wardens,
            reader,
            alerts: alerts.0.clone(),
            lookout: lookout.0.clone(),
            clock,
            http: http(config, &tls)?,
            tls,
            trading,
        };
        let (mut venues, mut places) = (Vec::new(), Places::default());
        for address in addresses {
            let (venue, next) = lines::start(universe, config, address, places, &circle).await?;
            venues.push(venue);
            places = next;
        }
        Ok(Self { alerts, lookout, venues })
    }

    /// Where incidents go.
    pub fn alerts(&self) -> ActorRef<AlertMsg> {
        self.alerts.0.clone()
    }

    /// Ends them. The lookout first: lines that are ended are no venues that are lost.
    pub async fn stop(self) {
        let (lookout, handle) = self.lookout;
        lookout.stop(None);
        // An actor that panicked has ended too.
        let _ended = handle.await;
        for venue in self.venues {
            venue.stop().await;
        }
        let (alerts, handle) = self.alerts;
        alerts.stop(None);
        let _ended = handle.await;
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
