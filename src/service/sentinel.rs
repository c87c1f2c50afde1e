//! Reads the threads' news for what the governor must weigh and a person must know; then the news go on to
//! the chronicle. It runs within a warden's turn: it never waits.

use super::breakers::Breakers;
use super::drifting::Drifting;
use super::settling::Settling;
use crate::universe::Universe;
use highwire_actors::address::Address;
use highwire_actors::alerter::Bell;
use highwire_actors::governor::{GovernorMsg, Reading};
use highwire_actors::news::{News, Observer};
use highwire_links::PairId;
use highwire_links::audit::{Record, SagaStage};
use highwire_links::fill::{OrderReject, Report};
use highwire_links::lifecycle::Event;
use highwire_supervision::degrade::{Cause, Scope};
use highwire_supervision::halting::Stand;
use highwire_supervision::incident::Severity;
use highwire_supervision::liveness::Pulse;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The thread without an engine.
const FEED: &str = "feed";

/// Reads news.
#[derive(Clone)]
pub struct Sentinel {
    /// Tells people.
    pub bell: Bell,
    /// Weighs it.
    pub governor: Address<GovernorMsg>,
    /// Names.
    pub universe: Arc<Universe>,
    /// Which venues answer.
    pub breakers: Breakers,
    /// What waits to be settled.
    pub settling: Settling,
    /// What venues say that cannot be read.
    pub drifting: Drifting,
}

impl Sentinel {
    /// One that tells these.
    pub fn new(
        (bell, governor): (&Bell, &Address<GovernorMsg>),
        universe: &Arc<Universe>,
        (breakers, settling, drifting): (&Breakers, &Settling, &Drifting),
    ) -> Self {
        let (bell, governor) = (bell.clone(), governor.clone());
        let (breakers, settling, drifting) = (breakers.clone(), settling.clone(), drifting.clone());
        Self { bell, governor, universe: Arc::clone(universe), breakers, settling, drifting }
    }

    /// An observer that reads a thread's news before another one gets them.
    pub fn before(&self, thread: &str, mut next: Observer) -> Observer {
        let (sentinel, thread) = (self.clone(), thread.to_owned());
        // Pairs whose exposure a person was told of.
        let mut exposed = BTreeSet::new();
        Box::new(move |news| {
            sentinel.heed(&thread, &news, &mut exposed);
            next(news);
        })
    }

    fn heed(&self, thread: &str, news: &News, exposed: &mut BTreeSet<PairId>) {
        match news {
            News::Died { panic } => {
                let text = format!("the thread {thread} died and is started again: {panic}");
                self.bell.raise(format!("thread/{thread}/died"), Severity::Warning, text);
            }
            News::Waits => {
                let text = format!("the thread {thread} died and waits: the journal has not caught up with it");
                self.bell.raise(format!("thread/{thread}/died"), Severity::Critical, text);
            }
            News::Started { restarts } if *restarts > 0 => self.on_started(thread),
            News::GaveUp { why } => self.read(Cause::ThreadDown, format!("the thread {thread} stays down: {why}")),
            News::CommandsFull => self.read(Cause::Stopped, format!("the thread {thread} takes no commands")),
            News::Pulse(moved) if moved.to == Pulse::Stuck => {
                self.read(Cause::Stopped, format!("the thread {thread} is stuck"));
            }
            News::Record(Record::Saga(moved)) if has_ended(moved.to) && exposed.remove(&moved.pair) => {
                self.bell.clear(format!("exposed/{}", self.pair(moved.pair)));
            }
            News::Record(Record::Settled(report)) => self.on_report(report),
            News::Event(event) => self.heed_event(thread, event, exposed),
            _ => {}
        }
    }

    fn on_report(&self, report: &Report) {
        self.settling.on_report(report, &self.universe);
        let instrument = self.universe.instruments.get(report.instrument.index());
        if let Some(instrument) = instrument.filter(|_| report.reject == OrderReject::Auth) {
            self.breakers.on_key_refused(instrument.venue);
        }
    }

    fn on_started(&self, thread: &str) {
        self.bell.clear(format!("thread/{thread}/died"));
        if thread != FEED {
            self.breakers.on_engine_started();
        }
    }

    fn heed_event(&self, thread: &str, event: &Event, exposed: &mut BTreeSet<PairId>) {
        match event {
            Event::WireDiffers { id, instrument, field, .. } => {
                let (name, order) = (self.universe.name(*instrument), highwire_venues::client_id::text(*id));
                let note = format!("{name}: the request for order {order} said another {field:?} and was not sent");
                self.read(Cause::Runaway, note);
            }
            Event::GuardTripped { why, .. } => self.read(Cause::Runaway, format!("the last gate tripped: {why:?}")),
            Event::Escalated { pair, exposure, why, .. } => {
                let note = format!("a trade of {} was left to you ({why:?}), {exposure} of base", self.pair(*pair));
                self.venues_of(*pair).into_iter().for_each(|scope| self.tell(scope, Cause::Escalated, note.clone()));
            }
            Event::ExposedTooLong { pair, exposure, .. } => {
                exposed.insert(*pair);
                let text =
                    format!("{} is exposed for too long, {exposure} of base; it goes on hedging", self.pair(*pair));
                self.bell.raise(format!("exposed/{}", self.pair(*pair)), Severity::Critical, text);
            }
            Event::ForeignTrade { instrument, sold, qty, .. } => {
                let (name, deed) = (self.universe.name(*instrument), if *sold { "sold" } else { "bought" });
                let text = format!(
                    "{name}: {qty} was {deed} on our account by no order as we sent it; it is booked, what it left is hedged"
                );
                self.bell.raise(format!("foreign/{name}"), Severity::Critical, text);
            }
            Event::Unsettled { instrument, sold, qty, .. } => {
                let (name, deed) = (self.universe.name(*instrument), if *sold { "sold" } else { "bought" });
                let text = format!(
                    "{name}: {qty} that were {deed} are not settled; they are taken back, what is left is hedged"
                );
                self.bell.raise(format!("unsettled/{name}"), Severity::Critical, text);
            }
            Event::Stranded { instrument, position, .. } => {
                let name = self.universe.name(*instrument);
                let text = format!("{name} is gone from its venue's list; position {position} is kept");
                self.bell.raise(format!("stranded/{name}"), Severity::Critical, text);
            }
            Event::PairRests { pair, instrument, reject, .. } => {
                let (pair, name) = (self.pair(*pair), self.universe.name(*instrument));
                let text = format!("{pair} rests: {name} refuses its orders ({})", reject.name());
                self.bell.raise(format!("rests/{pair}"), Severity::Warning, text);
            }
            &Event::Breaker { venue, stand, .. } => self.breakers.on_orders(venue, stand),
            Event::Drift(drift) => self.drifting.on_sample(drift),
            Event::WardenSilent => {
                let text = format!("the thread {thread} does not hear its warden and opens nothing");
                self.bell.raise(format!("thread/{thread}/warden"), Severity::Critical, text);
            }
            Event::WardenBack => self.bell.clear(format!("thread/{thread}/warden")),
            &Event::Standing { orders, trades, exposed } => {
                let stand = Stand { orders, trades, exposed, at_venues: None };
                // Without a governor nobody asked.
                let _gone = self.governor.cast(GovernorMsg::Standing(stand));
            }
            _ => {}
        }
    }

    fn read(&self, cause: Cause, note: String) {
        self.tell(Scope::Global, cause, note);
    }

    fn tell(&self, scope: Scope, cause: Cause, note: String) {
        if self.governor.cast(GovernorMsg::Read(Reading { scope, cause, value: 1, note })).is_err() {
            tracing::error!(cause = cause.name(), "no governor is there to weigh it");
        }
    }

    fn pair(&self, pair: PairId) -> &str {
        self.universe.pairs.get(pair.index()).map_or("?", |pair| &pair.name)
    }

    fn venues_of(&self, pair: PairId) -> BTreeSet<Scope> {
        let members = self.universe.pairs.get(pair.index()).map_or(&[][..], |pair| &pair.spec.members);
        members
            .iter()
            .filter_map(|id| self.universe.instruments.get(id.index()))
            .map(|i| Scope::Venue(i.venue))
            .collect()
    }
}

fn has_ended(stage: SagaStage) -> bool {
    matches!(stage, SagaStage::Flat | SagaStage::Hedged | SagaStage::Escalated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::Pairing;
    use highwire_links::audit::SagaWhy;
    use highwire_links::breaker::Settings;
    use highwire_links::codec::Field;
    use highwire_links::lifecycle::TripWhy;
    use highwire_links::{InstrumentId, VenueId};
    use highwire_supervision::liveness;
    use highwire_venues::spec::InstrumentSpec;
    use highwire_venues::venue::Venue;
    use ractor::{Actor, ActorProcessingErr, ActorRef};
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

    /// Plays a governor that passes on what it is told.
    struct Played(UnboundedSender<GovernorMsg>);

    impl Actor for Played {
        type Msg = GovernorMsg;
        type State = ();
        type Arguments = ();

        async fn pre_start(&self, _: ActorRef<GovernorMsg>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }

        async fn handle(
            &self,
            _: ActorRef<GovernorMsg>,
            what: GovernorMsg,
            (): &mut (),
        ) -> Result<(), ActorProcessingErr> {
            self.0.send(what).map_err(|_| "nobody listens".into())
        }
    }

    async fn observer() -> (Observer, UnboundedReceiver<GovernorMsg>) {
        let (told, heard) = unbounded_channel();
        let governor = Actor::spawn(None, Played(told), ()).await.unwrap().0;
        let config = crate::config::load_from(None, std::iter::empty()).unwrap().config;
        let specs = [(Venue::BinanceSpot, "BTCUSDT"), (Venue::Okx, "BTC-USDT")];
        let specs = specs.map(|(venue, symbol)| InstrumentSpec::assumed(venue, symbol)).to_vec();
        let pairing = Pairing::new(&config, &[]).unwrap();
        let universe = Arc::new(Universe::new(specs, &pairing, &config).unwrap());
        let breakers = Breakers::new(Settings::default(), &Bell::default());
        let (settling, drifting) = (Settling::new(&config), Drifting::new(&config, &Bell::default()));
        let bell = Bell::default();
        let sentinel = Sentinel { bell, governor: governor.into(), universe, breakers, settling, drifting };
        (sentinel.before("wire", Box::new(|_| {})), heard)
    }

    async fn reading(heard: &mut UnboundedReceiver<GovernorMsg>) -> (Scope, Cause) {
        match heard.recv().await {
            Some(GovernorMsg::Read(Reading { scope, cause, value: 1, note })) if !note.is_empty() => (scope, cause),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn everything_that_must_halt_reaches_the_governor_with_its_reason() {
        let (mut observer, mut heard) = observer().await;
        let stuck = liveness::Moved { from: Pulse::Late, to: Pulse::Stuck };
        let cases = [
            (News::GaveUp { why: "its restart budget is spent".to_owned() }, Cause::ThreadDown),
            (News::CommandsFull, Cause::Stopped),
            (News::Pulse(stuck), Cause::Stopped),
            (
                News::Event(Event::WireDiffers { id: 1, instrument: InstrumentId(0), field: Field::Price, at_ns: 1 }),
                Cause::Runaway,
            ),
            (News::Event(Event::GuardTripped { why: TripWhy::OrderRate, at_ns: 1 }), Cause::Runaway),
        ];
        for (news, cause) in cases {
            observer(news);
            assert_eq!(reading(&mut heard).await, (Scope::Global, cause));
        }
    }

    #[tokio::test]
    async fn a_trade_that_was_left_to_a_human_holds_each_venue_of_its_pair() {
        let (mut observer, mut heard) = observer().await;
        let why = SagaWhy::Unresolved;
        observer(News::Event(Event::Escalated { group: 1, pair: PairId(0), exposure: 5, why, at_ns: 1 }));
        let venue = |venue: Venue| Scope::Venue(VenueId(venue.id().0));
        let held = [reading(&mut heard).await, reading(&mut heard).await];
        assert_eq!(held, [Venue::BinanceSpot, Venue::Okx].map(|v| (venue(v), Cause::Escalated)));
        observer(News::Event(Event::Standing { orders: 2, trades: 1, exposed: 0 }));
        let stand = Stand { orders: 2, trades: 1, exposed: 0, at_venues: None };
        assert!(matches!(heard.recv().await, Some(GovernorMsg::Standing(told)) if told == stand));
    }
}
