//! An exchange with one instrument where orders of every type are sent: over a socket or over HTTP, with the private
//! stream beside them.

use crate::market::{Instrument, Stand, decimal, keys};
use crate::types::Floor;
use crate::wire::{Line, over_http, wall_ms};
use highwire_links::codec::OrderCodec;
use highwire_links::fill::Report;
use highwire_links::fixed::Amount;
use highwire_links::order::{Order, TimeInForce};
use highwire_links::{Px, Qty};
use highwire_simulator::{Deed, Simulator};
use highwire_venues::Venue;
use highwire_venues::client_id;
use highwire_venues::orders::{Listed, Transport, order_line, private_line};
use highwire_venues::private::{OrderStatus, Query, Reply, StreamKey, Why};

pub const SOCKET: Transport = Transport::Socket;
pub const HTTP: Transport = Transport::Http;

/// What carries orders.
enum Carrier {
    Socket(Box<Line>),
    Http(Box<dyn OrderCodec>),
}

/// One instrument at a running simulator.
pub struct Exchange<'a> {
    stand: Stand<'a>,
    carrier: Carrier,
    news: Line,
}

impl<'a> Exchange<'a> {
    pub async fn at(simulator: &'a Simulator, at: Instrument, transport: Transport) -> Self {
        let stand = Stand::at(simulator, at).await;
        let plan = order_line(at.venue, &keys(), &stand.listed, transport, "simulator", wall_ms()).unwrap();
        let carrier = match transport {
            Transport::Socket => Carrier::Socket(Box::new(Line::open(&stand.ws, plan).await)),
            Transport::Http => Carrier::Http(plan.codec),
        };
        let key = if at.venue == Venue::BinanceUsdm { Some(stream_key(&stand).await) } else { None };
        let plan = private_line(at.venue, &keys(), &stand.listed, key.as_deref(), wall_ms()).unwrap();
        let news = Line::open(&stand.ws, plan).await;
        Self { stand, carrier, news }
    }
}

async fn stream_key(stand: &Stand<'_>) -> String {
    match stand.told(Query::StreamKey(StreamKey::Create)).await {
        Ok(Reply::StreamKey(key)) => key.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

impl Floor for Exchange<'_> {
    fn listed(&self) -> (&Listed, Qty) {
        // A hundredth of a coin is worth more than the least that any of them takes.
        (&self.stand.listed[0], self.stand.order(0, 0, 10, TimeInForce::Ioc).qty)
    }

    async fn best(&mut self) -> ((Px, Qty), Px) {
        let Stand { simulator, at, tick, lot, .. } = &self.stand;
        let (ticks, lots) = simulator.book(at.board, at.symbol).unwrap().asks[0];
        let below = self.stand.order(0, 60_000, 0, TimeInForce::Ioc).px;
        ((Px(ticks * tick), Qty(lots * lot)), below)
    }

    async fn say(&mut self, order: &Order) -> Option<Report> {
        match &mut self.carrier {
            Carrier::Http(codec) => over_http(&self.stand.rest, &mut **codec, order).await.reports.first().copied(),
            Carrier::Socket(line) => {
                line.heard.reports.clear();
                line.send(order).await;
                Some(line.until(|report| report.id == order.id).await)
            }
        }
    }

    async fn asked(&self, id: u64) -> Option<(OrderStatus, Amount)> {
        match self.stand.told(Query::Order { symbol: self.stand.at.symbol, id }).await {
            Ok(Reply::Orders { orders, .. }) => Some((orders[0].status, orders[0].filled)),
            Err(refusal) if refusal.why == Why::NotFound => None,
            other => panic!("{other:?}"),
        }
    }

    fn written(&self, id: u64) -> Amount {
        let name = client_id::text(id);
        let records = self.stand.simulator.records(0);
        let fills = records.iter().filter_map(|record| match &record.deed {
            Deed::Fill(fill) if fill.client_id == name => Some(decimal(&fill.qty.to_string())),
            _ => None,
        });
        fills.fold(Amount::ZERO, |sum, qty| sum.checked_add(qty).unwrap())
    }

    async fn streamed(&mut self, id: u64, filled: i64) {
        self.news.filled(id, filled).await;
    }

    async fn bid(&mut self) -> Px {
        self.stand.order(0, 64_000, 0, TimeInForce::Ioc).px
    }
}
