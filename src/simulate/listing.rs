//! What a client needs to be pointed at the simulator: addresses and dummy keys, for people and as JSON.

use highwire_simulator::{Holder, Member, Playback, Simulator, Venue};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// Said wherever keys are shown.
const DUMMIES: &str = "dummy keys: published, worthless outside this simulator";

/// Everything there is to know.
#[derive(Debug, Serialize)]
pub struct Listing {
    /// Faults in, ground truth out.
    control: Option<String>,
    venues: Vec<Place>,
    /// Where the recording is served: WebSocket and REST, any path.
    replay: Option<(String, String)>,
    accounts: Vec<Account>,
    note: &'static str,
}

#[derive(Debug, Serialize)]
struct Place {
    venue: &'static str,
    /// `A` or `B`: two addresses of the same venue.
    endpoint: &'static str,
    ws: String,
    rest: String,
    endpoints: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Account {
    venue: &'static str,
    keys: Vec<(&'static str, String)>,
}

impl Listing {
    /// The listing of a simulator with these members of the exchanges and holders of Polymarket accounts.
    pub fn of(simulator: &Simulator, members: &[Member], holders: &[Holder], playback: Option<&Playback>) -> Self {
        let place = |at: &highwire_simulator::Address| Place {
            venue: at.venue.name(),
            endpoint: at.endpoint.name(),
            ws: at.ws.clone(),
            rest: at.rest.clone(),
            endpoints: endpoints(at.venue, &at.ws, &at.rest),
        };
        let venues: Vec<Place> = simulator.addresses().iter().map(place).collect();
        let replay = playback.map(|playback| (playback.ws(), playback.rest()));
        let open = simulator.address(Venue::Polymarket).is_some();
        let exchange = |place: &&Place| place.endpoint == "A" && place.venue != Venue::Polymarket.name();
        let keys = |place: &Place| members.iter().map(|member| key(place.venue, member)).collect::<Vec<_>>();
        let at_exchanges = venues.iter().filter(exchange).flat_map(keys);
        let accounts = at_exchanges.chain(holders.iter().filter(|_| open).map(account)).collect();
        Self { control: simulator.control_address(), venues, replay, accounts, note: DUMMIES }
    }
}

/// The addresses in full, as a client's settings want them.
fn endpoints(venue: Venue, ws: &str, rest: &str) -> Vec<String> {
    let paths: &[&str] = match venue {
        Venue::BinanceSpot => &["/ws", "/stream", "/ws-api/v3"],
        Venue::BinanceUsdm => &["/public/ws", "/public/stream", "/market/stream", "/private/ws", "/ws-fapi/v1"],
        Venue::Okx => &["/ws/v5/public", "/ws/v5/private"],
        Venue::Bybit => &["/v5/public/spot", "/v5/public/linear", "/v5/private", "/v5/trade"],
        Venue::Polymarket => &["/ws/market", "/ws/user"],
    };
    let bases: &[&str] = match venue {
        Venue::BinanceSpot => &["/api/v3"],
        Venue::BinanceUsdm => &["/fapi/v1"],
        Venue::Okx => &["/api/v5"],
        Venue::Bybit => &["/v5"],
        Venue::Polymarket => &["", "/gamma", "/data-api"],
    };
    let sockets = paths.iter().map(|path| format!("{ws}{path}"));
    sockets.chain(bases.iter().map(|base| format!("{rest}{base}"))).collect()
}

fn key(venue: &'static str, member: &Member) -> Account {
    let mut keys = vec![("api_key", member.key.clone()), ("secret", member.secret.clone())];
    if venue == Venue::Okx.name() {
        keys.push(("passphrase", member.passphrase.clone()));
    }
    keys.push(("may_withdraw", member.withdraws.to_string()));
    Account { venue, keys }
}

fn account(holder: &Holder) -> Account {
    let keys = vec![
        ("address", format!("0x{}", holder.owner)),
        ("private_key", format!("0x{}", holder.private_key)),
        ("wallet", format!("0x{}", holder.wallet)),
        ("api_key", holder.credentials.key.clone()),
        ("secret", holder.credentials.secret.clone()),
        ("passphrase", holder.credentials.passphrase.clone()),
    ];
    Account { venue: Venue::Polymarket.name(), keys }
}

impl Display for Listing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(control) = &self.control {
            writeln!(f, "control\n  {control}")?;
        }
        for place in &self.venues {
            writeln!(f, "{} {}", place.venue, place.endpoint)?;
            for endpoint in &place.endpoints {
                writeln!(f, "  {endpoint}")?;
            }
        }
        if let Some((ws, rest)) = &self.replay {
            writeln!(f, "replay\n  {ws}\n  {rest}")?;
        }
        writeln!(f, "\n{}", self.note)?;
        for account in &self.accounts {
            writeln!(f, "{}", account.venue)?;
            for (name, value) in &account.keys {
                writeln!(f, "  {name:<12} {value}")?;
            }
        }
        Ok(())
    }
}
