//! A start: what lies on the disk is read and gone on from by the production code, then each venue is asked what it
//! knows, and the production comparison says what of it is booked, adopted, asked again or stops. Nothing is traded
//! before all of them agree.

use crate::canary::{Canary, LyingDisk};
use crate::ground::{Ground, PAIRS, QUOTE, VENUES};
use crate::ledger::{Held, Trade};
use crate::outbox::Shelf;
use crate::venue::Venue;
use highwire::boot::{self, Boot, BootError};
use highwire::reconcile::{Deeds, deeds, lag_ns, ours, question};
use highwire::service::Orders;
use highwire_actors::survey::{Question, Survey};
use highwire_engine::spec::Funds;
use highwire_links::fill::{FeeAsset, Settlement};
use highwire_links::fixed::Amount;
use highwire_links::order::Order;
use highwire_links::{InstrumentId, Nanos, Side};
use highwire_store::disk::{Disk, MemoryDisk};
use highwire_store::journal::{Entry, Health, Looked, Stamped, Statement};
use highwire_supervision::reconcile::{Answer, Finding, Resting, Traded, holdings, orders};
use highwire_venues::orders::Listed;
use highwire_venues::private::{OrderState, OrderStatus, TradeState};
use std::sync::Arc;

/// Venues are asked for trades from so long before the time that is wanted.
const MARGIN_NS: Nanos = 60_000_000_000;

/// Between two rounds of questions.
const PAUSE_NS: Nanos = 50_000_000;

/// A start under way.
pub struct Starting {
    boot: Boot,
    /// When the venues are asked next: not before their lists show everything that a process before this one sent.
    next_ns: Nanos,
    lists: Vec<Arc<[Listed]>>,
    /// What differed in holdings when last looked at, by venue.
    before: Vec<Option<Vec<Finding>>>,
    agreed: Vec<bool>,
    canary: Option<Canary>,
    /// What an operator must look at.
    pub stops: Vec<String>,
}

impl Starting {
    /// Reads the disk and goes on there.
    ///
    /// # Errors
    /// What the production start says.
    pub fn begin(
        ground: &Ground,
        (disk, shelf): (&MemoryDisk, &Shelf),
        canary: Option<Canary>,
        now: Nanos,
    ) -> Result<Self, BootError> {
        let name = "the drill's disk".to_owned();
        let mut found = boot::read(disk, &name, true)?;
        found.depart(shelf.left());
        let epoch = found.state.leases.next_epoch().ok_or_else(|| BootError::NoEpoch(name.clone()))?;
        let tables = (&ground.universe, &ground.config, Orders::Live);
        let mut boot = boot::begin_on(written(disk, canary), (found, epoch, name), tables, now)?;
        shelf.renew(epoch);
        boot.outbox = Some((Box::new(shelf.clone()), Box::new(shelf.clone())));
        let lists = (0..VENUES.len()).map(|place| listed(ground, place)).collect();
        let (before, agreed) = (vec![None; VENUES.len()], vec![false; VENUES.len()]);
        let next_ns = now + VENUES.iter().map(|(venue, _)| lag_ns(*venue)).max().unwrap_or(0);
        Ok(Self { boot, next_ns, lists, before, agreed, canary, stops: Vec::new() })
    }

    /// Asks the venues; true once all of them agree, and that is on record.
    ///
    /// # Errors
    /// The disk takes no records, in words.
    pub fn ask(&mut self, venues: &mut [Venue], now: Nanos) -> Result<bool, String> {
        if now < self.next_ns {
            return Ok(false);
        }
        self.next_ns = now + PAUSE_NS;
        for (place, venue) in venues.iter_mut().enumerate() {
            if !self.agreed[place] && !venue.is_shut(now) {
                self.agreed[place] = self.compare(place, venue, now);
            }
        }
        match self.boot.journal.commit(now) {
            Health::Healthy => Ok(self.agreed.iter().all(|agreed| *agreed)),
            Health::Failing { error, .. } => Err(error.clone()),
        }
    }

    /// The start is over.
    pub fn end(self) -> Boot {
        self.boot
    }

    /// One venue: orders and trades first, and when they agree, what it holds. True when all agrees.
    fn compare(&mut self, place: usize, venue: &mut Venue, now: Nanos) -> bool {
        let (of, list) = (VENUES[place].0, Arc::clone(&self.lists[place]));
        let mine = ours(&self.boot.state, of, &list, |_| false);
        let survey = survey(venue, &question(&self.boot.state, of, &list, &mine), now);
        let found = orders(&mine, &survey.theirs, now, lag_ns(of));
        let first = deeds(of, &list, &survey, &found, "");
        if self.canary == Some(Canary::NoRecovery) {
            return self.weigh(place, &survey, now);
        }
        self.act(&first, now);
        for (_, venue_id) in &first.withdraw {
            _ = u64::from_str_radix(venue_id, 16).is_ok_and(|id| venue.withdraw(id, now));
        }
        // An order that the journal had lost stands there now: whether it has ended is asked in the next round.
        let has_lost = found.iter().any(|finding| matches!(finding, Finding::Lost { .. }));
        if has_lost || !first.waits.is_empty() || !first.stops.is_empty() {
            return false;
        }
        self.weigh(place, &survey, now)
    }

    fn weigh(&mut self, place: usize, survey: &Survey, now: Nanos) -> bool {
        let (of, list) = (VENUES[place].0, Arc::clone(&self.lists[place]));
        self.open_wallets(of.name(), survey, now);
        let found = holdings(&ours(&self.boot.state, of, &list, |_| false), &survey.theirs);
        if !found.is_empty() && self.before[place].as_ref() != Some(&found) {
            self.before[place] = Some(found);
            return false;
        }
        let adopted = deeds(of, &list, survey, &found, "asked at the start");
        self.act(&adopted, now);
        let (venue, since_ns) = (of.name().to_owned(), now);
        self.add(Entry::Looked(Looked { venue, since_ns, is_done: true }), now);
        adopted.stops.is_empty()
    }

    /// What a wallet holds that nobody spoke of yet is taken as its venue says.
    fn open_wallets(&mut self, venue: &str, survey: &Survey, now: Nanos) {
        let new = self.boot.state.wallets.iter().filter(|wallet| wallet.venue == venue && wallet.balance.is_none());
        let new: Vec<String> = new.map(|wallet| wallet.asset.clone()).collect();
        for asset in new {
            let amount = survey.theirs.balances.get(&asset).copied().unwrap_or_default();
            self.add(Entry::Opening(Statement { venue: venue.to_owned(), asset, amount }), now);
        }
    }

    fn act(&mut self, deeds: &Deeds, now: Nanos) {
        deeds.entries.iter().for_each(|entry| self.add(entry.clone(), now));
        self.stops.extend(deeds.stops.iter().cloned());
    }

    fn add(&mut self, entry: Entry, now: Nanos) {
        if let Ok(sequence) = self.boot.journal.append(now, &entry) {
            self.boot.state.take(&Stamped { sequence, at_ns: now, entry });
        }
    }
}

fn listed(ground: &Ground, place: usize) -> Arc<[Listed]> {
    let of = |pair| {
        let id = Ground::instrument(place, pair);
        Listed::of(&ground.universe.specs[id.index()], id)
    };
    (0..PAIRS.len()).map(of).collect()
}

fn written(disk: &MemoryDisk, canary: Option<Canary>) -> Box<dyn Disk> {
    if canary == Some(Canary::LyingSync) { Box::new(LyingDisk(disk.clone())) } else { Box::new(disk.clone()) }
}

/// What a venue says when it is asked.
fn survey(venue: &Venue, question: &Question, now: Nanos) -> Survey {
    let mut survey = Survey::default();
    for Order { id, .. } in &question.doubts {
        let answer = venue.find(*id, now).map_or(Answer::Absent, |held| answer(venue, held));
        survey.theirs.asked.insert(*id, answer);
    }
    let since_ns = question.since_ns.map_or(Nanos::MAX, |since_ns| since_ns.saturating_sub(MARGIN_NS));
    for held in venue.ledger.orders.values().filter(|held| held.visible_ns <= now) {
        survey.orders.insert(held.order.id, order_state(venue, held));
        if held.rests {
            let (id, instrument, venue_id) = (held.order.id, held.order.instrument, format!("{:x}", held.order.id));
            survey.theirs.open.push(Resting { id: Some(id), instrument, venue_id });
        }
        for trade in held.trades.iter().filter(|trade| trade.at_ns >= since_ns) {
            tell(venue, (Some(held.order.id), held.order.instrument, held.order.side), trade, &mut survey);
        }
    }
    for foreign in venue.ledger.foreign.iter().filter(|foreign| foreign.trade.at_ns >= since_ns) {
        tell(venue, (None, foreign.instrument, foreign.side), &foreign.trade, &mut survey);
    }
    survey.theirs.balances.clone_from(&venue.ledger.balances);
    survey
}

fn answer(venue: &Venue, held: &Held) -> Answer {
    if held.rests { Answer::Open } else { Answer::Ended(filled(venue, held)) }
}

fn filled(venue: &Venue, held: &Held) -> Amount {
    crate::ledger::amount(held.filled, venue.instruments[held.order.instrument.index() % PAIRS.len()].scale)
}

fn symbol(instrument: InstrumentId) -> String {
    PAIRS[instrument.index() % PAIRS.len()].0.to_owned()
}

fn order_state(venue: &Venue, held: &Held) -> OrderState {
    let scale = venue.instruments[held.order.instrument.index() % PAIRS.len()].scale;
    OrderState {
        symbol: symbol(held.order.instrument),
        id: Some(held.order.id),
        client_text: format!("{:x}", held.order.id),
        venue_id: format!("{:x}", held.order.id),
        side: held.order.side,
        px: Amount::from_mantissa(held.order.px.0.into(), scale.px_dp).unwrap_or_default(),
        qty: crate::ledger::amount(held.order.qty.0, scale),
        filled: filled(venue, held),
        status: match held.rests {
            true => OrderStatus::Open,
            false if held.filled == held.order.qty.0 => OrderStatus::Filled,
            false => OrderStatus::Cancelled,
        },
        at_ms: (held.arrival.at_ns / 1_000_000) as i64,
    }
}

fn tell(venue: &Venue, (id, instrument, side): (Option<u64>, InstrumentId, Side), trade: &Trade, survey: &mut Survey) {
    let pair = instrument.index() % PAIRS.len();
    let scale = venue.instruments[pair].scale;
    let qty = crate::ledger::amount(trade.qty.0, scale);
    survey.theirs.trades.push(Traded { id, instrument, trade: trade.number, qty, settlement: Settlement::Final });
    survey.trades.push(TradeState {
        symbol: symbol(instrument),
        id,
        venue_order: id.map_or_else(String::new, |id| format!("{id:x}")),
        trade_text: trade.number.to_string(),
        trade: trade.number,
        side,
        px: Amount::from_mantissa(trade.px.0.into(), scale.px_dp).unwrap_or_default(),
        qty,
        fee: Amount::from_mantissa(trade.fee.into(), crate::ledger::FEE_DP).unwrap_or_default(),
        fee_asset: if trade.fee_in == FeeAsset::Base { PAIRS[pair].0 } else { QUOTE }.to_owned(),
        maker: trade.is_maker,
        settlement: Settlement::Final,
        at_ms: (trade.at_ns / 1_000_000) as i64,
    });
}

/// What a venue says is there to trade a pair with.
pub fn funds(venue: &Venue, pair: usize) -> Funds {
    Funds::Spot { base: venue.ledger.balance(PAIRS[pair].0), quote: venue.ledger.balance(QUOTE) }
}
