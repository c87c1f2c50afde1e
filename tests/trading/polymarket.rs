//! Polymarket with one market whose crowd stands still once it has quoted.

use crate::types::Floor;
use crate::wire::{Line, ask, over_http, wall_ms};
use highwire_links::codec::OrderCodec;
use highwire_links::fill::{OrderReject, Report};
use highwire_links::fixed::{Amount, parse};
use highwire_links::order::Order;
use highwire_links::{InstrumentId, Px, Qty};
use highwire_simulator::{
    AssetSpec, Fact, Holder, MarketConfig, PolymarketConfig, Ports, Simulator, SimulatorConfig, Venue as Room,
};
use highwire_venues::Venue;
use highwire_venues::keys::{KeyMaterial, Keys};
use highwire_venues::orders::{Listed, Transport, order_line, private_line};
use highwire_venues::polymarket::Wallet;
use highwire_venues::polymarket::eip712::SignatureType;
use highwire_venues::polymarket::market::{Market, markets};
use highwire_venues::private::{OrderStatus, Query, Reply, Why};
use std::time::Duration;

/// The keys of the first account.
fn keys() -> Keys {
    let holder = Holder::dummies().remove(0);
    let wallet = Wallet::new(&holder.private_key.into(), None, SignatureType::Eoa).unwrap();
    let keys = Keys::new(holder.credentials.key.into(), KeyMaterial::Hmac(holder.credentials.secret.into()));
    keys.unwrap().with_passphrase(holder.credentials.passphrase.into()).unwrap().with_wallet(wallet)
}

/// One market.
pub struct Outcomes<'a> {
    simulator: &'a Simulator,
    rest: String,
    listed: [Listed; 2],
    keys: Keys,
    codec: Box<dyn OrderCodec>,
    news: Line,
}

impl<'a> Outcomes<'a> {
    pub async fn simulator() -> Simulator {
        highwire::tls::choose_provider();
        let assets = vec![AssetSpec::new("BTC", 65_000 * 100_000_000)];
        let market = MarketConfig { assets, ..MarketConfig::default() };
        let polymarket = PolymarketConfig {
            rate_per_s: 0,
            errors_per_min: 0,
            taker_delay: Duration::ZERO,
            ..PolymarketConfig::default()
        };
        let venues = vec![(Room::Polymarket, Ports::default())];
        Simulator::start(SimulatorConfig { market, venues, polymarket, ..SimulatorConfig::default() }).await.unwrap()
    }

    pub async fn at(simulator: &'a Simulator) -> Self {
        let address = simulator.address(Room::Polymarket).unwrap();
        let specs = next_hour(&address.rest).await.specs(wall_ms());
        let listed = [0, 1].map(|at| Listed::of(&specs[usize::from(at)], InstrumentId(3 + at)));
        let keys = keys();
        let plan = private_line(Venue::Polymarket, &keys, &listed, None, wall_ms()).unwrap();
        let news = Line::open(&address.ws, plan).await;
        let plan = order_line(Venue::Polymarket, &keys, &listed, Transport::Http, "simulator", wall_ms()).unwrap();
        Self { simulator, rest: address.rest.clone(), listed, keys, codec: plan.codec, news }
    }

    /// What the codec makes of an order.
    pub fn encoded(&mut self, order: &Order) -> Result<(), OrderReject> {
        self.codec.encode(order, wall_ms(), &mut Vec::new())
    }
}

/// The hourly market after the present one, once it is listed.
async fn next_hour(rest: &str) -> Market {
    for _ in 0..250 {
        let events = reqwest::get(format!("{rest}/gamma/events?series_id=10114&closed=false")).await.unwrap();
        let found = markets(&events.bytes().await.unwrap(), wall_ms()).unwrap().markets;
        if let Some(next) = found.into_iter().nth(1) {
            return next;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no market is listed");
}

/// Orders are told apart by the time in them.
fn stamp() -> u64 {
    u64::try_from(wall_ms()).unwrap() * 1_000_000
}

impl Floor for Outcomes<'_> {
    fn listed(&self) -> (&Listed, Qty) {
        (&self.listed[0], Qty(10_000_000))
    }

    async fn best(&mut self) -> ((Px, Qty), Px) {
        let token = &self.listed[0].symbol;
        let book = reqwest::get(format!("{}/book?token_id={token}", self.rest)).await.unwrap();
        let book: serde_json::Value = serde_json::from_slice(&book.bytes().await.unwrap()).unwrap();
        let best = book["asks"].as_array().unwrap().last().unwrap();
        let number = |name: &str, dp| parse(best[name].as_str().unwrap().as_bytes(), dp).unwrap().mantissa;
        let scale = self.listed[0].entry.scale;
        ((Px(number("price", scale.px_dp)), Qty(number("size", scale.qty_dp))), Px(3_000))
    }

    async fn say(&mut self, order: &Order) -> Option<Report> {
        let order = Order { decided_ns: stamp(), ..*order };
        let heard = over_http(&self.rest, &mut *self.codec, &order).await;
        // An accepted cancel is told by the user channel alone.
        heard.reports.first().copied()
    }

    async fn asked(&self, id: u64) -> Option<(OrderStatus, Amount)> {
        let query = Query::Order { symbol: &self.listed[0].symbol, id };
        match ask(&self.rest, Venue::Polymarket, &self.keys, &query).await {
            Ok(Reply::Orders { orders, .. }) => Some((orders[0].status, orders[0].filled)),
            Err(refusal) if refusal.why == Why::NotFound => None,
            other => panic!("{other:?}"),
        }
    }

    fn written(&self, id: u64) -> Amount {
        let hash = self.keys.wallet().unwrap().hash_of(id).unwrap();
        let mut name = Vec::new();
        highwire_venues::polymarket::eip712::hex(&hash, &mut name);
        let name = String::from_utf8(name).unwrap();
        let entries = self.simulator.polymarket_ledger(0);
        let fills = entries.iter().filter_map(|entry| match &entry.fact {
            Fact::Fill { order, account: 0, size, .. } if *order == name => Some(crate::market::decimal(size)),
            _ => None,
        });
        fills.fold(Amount::ZERO, |sum, qty| sum.checked_add(qty).unwrap())
    }

    async fn streamed(&mut self, id: u64, filled: i64) {
        self.news.filled(id, filled).await;
    }

    async fn bid(&mut self) -> Px {
        Px(2_000)
    }
}
