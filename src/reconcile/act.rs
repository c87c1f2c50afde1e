//! What follows from a comparison: journal entries for what is explained or adopted, words for people, orders to
//! withdraw, and what is left to an operator.

use highwire_actors::survey::Survey;
use highwire_links::fill::{Report, ReportKind, Settlement};
use highwire_links::fixed::{Amount, Px, Qty};
use highwire_links::limits::{AMOUNT_DP, POW10_WIDE};
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::{InstrumentId, Side};
use highwire_store::journal::{Entry, Reconciled, Resolved};
use highwire_supervision::reconcile::{Class, Finding, How};
use highwire_venues::client_id;
use highwire_venues::orders::Listed;
use highwire_venues::private::{self, OrderState};
use highwire_venues::venue::Venue;

/// What is to be done.
#[derive(Debug, Default)]
pub struct Deeds {
    /// For the journal, in this order.
    pub entries: Vec<Entry>,
    /// For people: the key of an incident and its text.
    pub notices: Vec<(String, String)>,
    /// Orders to withdraw: symbol, and the venue's own id.
    pub withdraw: Vec<(String, String)>,
    /// What the venue must be asked about again.
    pub waits: Vec<String>,
    /// What an operator must look at.
    pub stops: Vec<String>,
    /// Every difference: its class, and words.
    pub shown: Vec<(&'static str, String)>,
}

impl Deeds {
    /// Says what was found.
    pub fn log(&self, venue: Venue) {
        for (class, words) in &self.shown {
            tracing::info!(venue = venue.name(), class, "{words}");
        }
    }
}

/// What follows from these findings; `by` says who accounts for what is adopted.
pub fn deeds(venue: Venue, listed: &[Listed], survey: &Survey, findings: &[Finding], by: &str) -> Deeds {
    let mut maker = Maker { venue, listed, survey, by, deeds: Deeds::default() };
    for finding in findings {
        if maker.take(finding).is_none() {
            let text = format!("{}: does not fit the instrument's decimals", maker.words(finding));
            maker.deeds.stops.push(text);
        }
    }
    maker.deeds
}

struct Maker<'a> {
    venue: Venue,
    listed: &'a [Listed],
    survey: &'a Survey,
    by: &'a str,
    deeds: Deeds,
}

impl Maker<'_> {
    /// `None` when a number of it does not fit.
    fn take(&mut self, finding: &Finding) -> Option<()> {
        let words = self.words(finding);
        self.deeds.shown.push((class_name(finding.class()), words.clone()));
        match finding {
            Finding::Trade { at, id } => self.trade(*at, *id, words)?,
            Finding::Settled { at } => self.settled(*at)?,
            Finding::Lost { id, instrument } => self.lost(*id, *instrument)?,
            Finding::Ended { id, .. } => self.deeds.entries.push(resolved(*id, words)),
            Finding::Lingers { id, instrument, venue_id } => self.withdraw(*id, *instrument, venue_id, words),
            Finding::Wait { .. } => self.deeds.waits.push(words),
            Finding::Balance { asset, ours, theirs } => {
                let (venue, label) = (self.venue.name().to_owned(), self.by.to_owned());
                if finding.class() == Class::Adopt {
                    self.deeds.notices.push((format!("{venue}/adopted/{asset}").to_lowercase(), words));
                }
                let (asset, ours, theirs) = (asset.clone(), *ours, *theirs);
                self.deeds.entries.push(Entry::Reconciled(Reconciled { venue, asset, ours, theirs, label }));
            }
            Finding::Beyond { .. } | Finding::Stranger { .. } | Finding::Position { .. } => {
                self.deeds.stops.push(words);
            }
        }
        Some(())
    }

    fn of(&self, instrument: InstrumentId) -> Option<&Listed> {
        self.listed.iter().find(|listed| listed.entry.id == instrument)
    }

    /// A trade as its private line would have told it, and as the engine would have recorded it.
    fn trade(&mut self, at: usize, id: Option<u64>, words: String) -> Option<()> {
        let (told, trade) = (self.survey.theirs.trades.get(at)?, self.survey.trades.get(at)?);
        let mut report = private::report(self.of(told.instrument)?, id.unwrap_or(0), trade)?;
        report.flags |= if trade.side == Side::Sell { Report::SOLD } else { 0 };
        if id.is_none() {
            report.kind = ReportKind::Foreign;
            self.deeds.notices.push((format!("foreign/{}", self.name(told.instrument)), words));
        }
        self.deeds.entries.push(Entry::Report(report));
        Some(())
    }

    /// A settlement as its private line would have told it.
    fn settled(&mut self, at: usize) -> Option<()> {
        let (told, trade) = (self.survey.theirs.trades.get(at)?, self.survey.trades.get(at)?);
        let mut report = private::report(self.of(told.instrument)?, told.id.unwrap_or(0), trade)?;
        report.flags |= if trade.side == Side::Sell { Report::SOLD } else { 0 };
        report.kind = ReportKind::Settlement;
        self.deeds.entries.push(Entry::Report(report));
        Some(())
    }

    /// The order that the journal lost, as the venue has it.
    fn lost(&mut self, id: u64, instrument: InstrumentId) -> Option<()> {
        let scale = self.of(instrument)?.entry.scale;
        let state = self.survey.orders.get(&id)?;
        let (px, qty) = (mantissa(state.px, scale.px_dp)?, mantissa(state.qty, scale.qty_dp)?);
        let decided_ns = u64::try_from(state.at_ms).ok()?.checked_mul(1_000_000)?;
        let (side, tif, class) = (state.side, TimeInForce::Ioc, OrderClass::Open);
        let (px, qty, action, reduce_only) = (Px(px), Qty(qty), Action::Place, false);
        let order =
            Order { id, group: 0, px, qty, decided_ns, stamp: 0, instrument, side, tif, class, action, reduce_only };
        self.deeds.entries.push(Entry::Intent(order));
        Some(())
    }

    fn withdraw(&mut self, id: u64, instrument: InstrumentId, venue_id: &str, words: String) {
        let known = self.survey.orders.get(&id).map(|state: &OrderState| state.venue_id.clone());
        let venue_id = if venue_id.is_empty() { known.unwrap_or_default() } else { venue_id.to_owned() };
        let symbol = self.of(instrument).map(|listed| listed.symbol.clone());
        self.deeds.withdraw.extend(symbol.map(|symbol| (symbol, venue_id)));
        self.deeds.waits.push(words);
    }

    fn name(&self, instrument: InstrumentId) -> String {
        let symbol = self.of(instrument).map_or("?", |listed| listed.symbol.as_str());
        format!("{}:{symbol}", self.venue.name())
    }

    /// A finding in words.
    fn words(&self, finding: &Finding) -> String {
        let venue = self.venue.name();
        let order = |id: &u64| format!("{venue}: order {}", client_id::text(*id));
        match finding {
            Finding::Trade { at, id } => self.trade_words(*at, *id),
            Finding::Settled { at } => self.settled_words(*at),
            Finding::Lost { id, .. } => format!("{} of ours is not in the journal", order(id)),
            Finding::Ended { id, how: How::Traded } => format!("{} has ended, with trades", order(id)),
            Finding::Ended { id, how: How::Untraded } => format!("{} has ended without a trade", order(id)),
            Finding::Ended { id, how: How::Never } => format!("{} never reached the venue", order(id)),
            Finding::Lingers { id, .. } => format!("{} rests, and nobody follows it: it is withdrawn", order(id)),
            Finding::Wait { id, why } => format!("{}: {why}", order(id)),
            Finding::Beyond { id, ours, theirs } => {
                format!("{}: {ours} is booked, {theirs} traded", order(id))
            }
            Finding::Stranger { instrument, venue_id } => {
                format!("{}: an order that is not ours rests, {venue_id}", self.name(*instrument))
            }
            Finding::Balance { asset, ours, theirs } => {
                format!("{venue}: {asset} is {theirs}, we had {ours}; nothing accounts for the difference")
            }
            Finding::Position { instrument, ours, theirs } => {
                let name = self.name(*instrument);
                format!("{name}: the position is {theirs}, we have {ours}; nothing accounts for the difference")
            }
        }
    }

    fn settled_words(&self, at: usize) -> String {
        let Some(trade) = self.survey.trades.get(at) else { return String::new() };
        let how = if trade.settlement == Settlement::Failed { "failed to settle" } else { "has settled" };
        format!("{}:{}: trade {} {how}, which was not told", self.venue.name(), trade.symbol, trade.trade_text)
    }

    fn trade_words(&self, at: usize, id: Option<u64>) -> String {
        let Some(trade) = self.survey.trades.get(at) else { return String::new() };
        let whose = match id {
            Some(id) => format!("of order {} was not told", client_id::text(id)),
            None => "was not ours: it is booked, what it left is hedged".to_owned(),
        };
        let deed = if trade.side == Side::Buy { "bought" } else { "sold" };
        let (symbol, qty, px) = (&trade.symbol, trade.qty, trade.px);
        format!("{}:{symbol}: trade {} ({deed} {qty} at {px}) {whose}", self.venue.name(), trade.trade_text)
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Explained => "explained",
        Class::Wait => "waits",
        Class::Adopt => "adopted",
        Class::Stop => "stops",
    }
}

fn resolved(id: u64, label: String) -> Entry {
    Entry::Resolved(Resolved { id, label })
}

/// An amount as a mantissa at `dp` decimals, if it is exact.
pub(super) fn mantissa(amount: Amount, dp: u8) -> Option<i64> {
    let unit = POW10_WIDE[usize::from(AMOUNT_DP.checked_sub(dp)?)];
    (amount.0 % unit == 0).then(|| i64::try_from(amount.0 / unit).ok())?
}
