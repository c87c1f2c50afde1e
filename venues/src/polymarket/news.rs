//! The user channel: what becomes of our orders and trades, unasked.
//!
//! A trade is booked when its match is first told and settles later: the same id comes again as MINED,
//! CONFIRMED, RETRYING or FAILED. As taker our fill is the trade; as maker it is our entry of
//! `maker_orders`, at the price and of the token that stand there.

use super::PX_DP;
use super::account::Account;
use super::answers::size;
use crate::roster::{Listed, Roster};
use crate::tape::{Fields, Parser, Value};
use highwire_links::codec::{Answer, AnswerKind, OrderCodec, ReportSink};
use highwire_links::decode::{Frame, Reject, Rejected};
use highwire_links::drift::DriftKind;
use highwire_links::fill::{FeeAsset, OrderReject, Report, ReportKind, Settlement, trade_key};
use highwire_links::fixed::parse;
use highwire_links::order::{Action, Order};
use highwire_links::rate::Cost;
use highwire_links::{Nanos, Px, Qty, Side};
use secrecy::ExposeSecret;

/// The codec of the user channel; it only reads.
pub(super) struct NewsDesk {
    account: Account,
    roster: Roster,
    parser: Parser,
    booked: Booked,
}

/// Fills that were told, so that the later stages of a trade do not tell them again.
struct Booked {
    keys: Box<[u64; BOOKED]>,
    next: usize,
}

/// Fills remembered; one that is told twice is still known by its trade's key.
const BOOKED: usize = 1024;

impl Booked {
    /// Whether this is the first time.
    fn is_new(&mut self, key: u64) -> bool {
        if self.keys.contains(&key) {
            return false;
        }
        self.keys[self.next % BOOKED] = key;
        self.next = self.next.wrapping_add(1);
        true
    }
}

/// What news are read with.
struct Reader<'a> {
    account: &'a Account,
    roster: &'a Roster,
    booked: &'a mut Booked,
    now: Nanos,
}

const WORDS: [&str; 16] = [
    "event_type",
    "type",
    "id",
    "asset_id",
    "side",
    "price",
    "size",
    "original_size",
    "size_matched",
    "status",
    "taker_order_id",
    "trader_side",
    "maker_orders",
    "timestamp",
    "owner",
    "trade_owner",
];
const MAKER: [&str; 6] = ["order_id", "asset_id", "matched_amount", "price", "owner", "side"];

type News<'t, 'i> = Fields<'t, 'i, 16>;

/// A trade's own facts, whoever's orders it was of.
struct Match<'i> {
    id: &'i str,
    settlement: Settlement,
    at_ns: Nanos,
}

/// One side's part in a trade.
struct Part<'a, 'i> {
    order: &'i str,
    listed: &'a Listed,
    side: Side,
    px: Px,
    qty: Qty,
    maker: bool,
}

impl NewsDesk {
    pub(super) fn new(account: Account, roster: Roster) -> Self {
        Self { account, roster, parser: Parser::default(), booked: Booked { keys: Box::new([0; BOOKED]), next: 0 } }
    }

    fn read(&mut self, mut frame: Frame<'_>, now: Nanos, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected> {
        if frame.payload() == b"PONG" {
            return Ok(AnswerKind::Control);
        }
        let Self { account, roster, parser, booked } = self;
        let mut reader = Reader { account, roster, booked, now };
        let read = parser.with(frame.payload_mut(), |root| match root.items() {
            None => reader.news(root, sink),
            Some(mut items) => items.try_for_each(|item| reader.news(item, sink).map(drop)).map(|()| AnswerKind::News),
        });
        Ok(read.unwrap_or(Err(Reject::Malformed))?)
    }
}

impl<'a> Reader<'a> {
    fn news(&mut self, event: Value<'_, '_>, sink: &mut dyn ReportSink) -> Result<AnswerKind, Reject> {
        let fields = News::of(&WORDS, event)?;
        match fields.text("event_type") {
            Some("order") => self.order(&fields, sink).map(|()| AnswerKind::News),
            Some("trade") => self.trade(&fields, sink).map(|()| AnswerKind::News),
            other => {
                sink.on_drift(DriftKind::Event, other.unwrap_or_default());
                Ok(AnswerKind::Control)
            }
        }
    }

    /// `PLACEMENT` and `CANCELLATION` of an order of ours; what `UPDATE` says, trades say exactly.
    fn order(&self, fields: &News<'_, '_>, sink: &mut dyn ReportSink) -> Result<(), Reject> {
        let Some(id) = self.account.wallet.id_of(fields.need("id")?.text()?) else { return Ok(()) };
        let listed = self.listed(fields.need("asset_id")?.text()?)?;
        let at_ns = time(fields).unwrap_or(self.now);
        match fields.need("type")?.text()? {
            "PLACEMENT" => sink.on_report(&listed.about(id, ReportKind::Ack, at_ns)),
            "CANCELLATION" => {
                let filled = size(fields.text("size_matched").unwrap_or_default())?;
                sink.on_report(&Report { filled, ..listed.about(id, ReportKind::Done, at_ns) });
            }
            "UPDATE" => {}
            other => sink.on_drift(DriftKind::Event, other),
        }
        Ok(())
    }

    fn trade(&mut self, fields: &News<'_, '_>, sink: &mut dyn ReportSink) -> Result<(), Reject> {
        let word = fields.need("status")?.text()?;
        let Some(settlement) = settlement(word) else {
            sink.on_drift(DriftKind::Status, word);
            return Err(Reject::Malformed);
        };
        let at_ns = time(fields).unwrap_or(self.now);
        let told = Match { id: fields.need("id")?.text()?, settlement, at_ns };
        let side = side(fields.need("side")?.text()?)?;
        let token = fields.need("asset_id")?.text()?;
        let order = fields.need("taker_order_id")?.text()?;
        if fields.text("trader_side") == Some("TAKER") || self.account.wallet.id_of(order).is_some() {
            let px = price(fields.need("price")?.text()?, side)?;
            let qty = size(fields.need("size")?.text()?)?;
            let listed = self.listed(token)?;
            self.tell(&told, &Part { order, listed, side, px, qty, maker: false }, sink);
        }
        for entry in fields.get("maker_orders").and_then(Value::items).into_iter().flatten() {
            let entry = Fields::of(&MAKER, entry)?;
            if let Some(part) = self.maker(&entry, side, token)? {
                self.tell(&told, &part, sink);
            }
        }
        Ok(())
    }

    /// Our part as a maker; `None` for another's.
    fn maker<'i>(&self, entry: &Fields<'_, 'i, 6>, taker: Side, token: &str) -> Result<Option<Part<'a, 'i>>, Reject> {
        let order = entry.need("order_id")?.text()?;
        let ours = entry.text("owner") == Some(self.account.api_key.expose_secret());
        if !ours && self.account.wallet.id_of(order).is_none() {
            return Ok(None);
        }
        let own = entry.need("asset_id")?.text()?;
        // The same token changes hands; two complementary ones are minted or merged, both sides alike.
        let inferred = if own == token { taker.opposite() } else { taker };
        let side = entry.text("side").map(side).transpose()?.unwrap_or(inferred);
        let px = price(entry.need("price")?.text()?, side)?;
        let qty = size(entry.need("matched_amount")?.text()?)?;
        Ok(Some(Part { order, listed: self.listed(own)?, side, px, qty, maker: true }))
    }

    fn listed(&self, token: &str) -> Result<&'a Listed, Reject> {
        self.roster.find(token).ok_or(Reject::UnknownInstrument)
    }

    /// A fill when a trade is first told, and what settlement came to. A trade whose match was missed is a
    /// fill as well: whoever takes reports knows a trade by its key.
    fn tell(&mut self, told: &Match<'_>, part: &Part<'_, '_>, sink: &mut dyn ReportSink) {
        let id = self.account.wallet.id_of(part.order);
        let kind = if id.is_some() { ReportKind::Fill } else { ReportKind::Foreign };
        let sold = if part.side == Side::Sell { Report::SOLD } else { 0 };
        let fill = Report {
            px: part.px,
            qty: part.qty,
            fee: if part.maker { 0 } else { taker_fee(part.listed, part.px, part.qty) },
            fee_dp: super::fee::FEE_DP,
            fee_in: FeeAsset::Quote,
            trade: trade_of(told.id, part.maker.then_some(part.order)),
            settlement: Settlement::Pending,
            flags: sold | if part.maker { Report::MAKER } else { 0 },
            ..part.listed.about(id.unwrap_or(0), kind, told.at_ns)
        };
        if told.settlement != Settlement::Failed && self.booked.is_new(fill.trade) {
            sink.on_report(&fill);
        }
        if matches!(told.settlement, Settlement::Settled | Settlement::Failed) {
            sink.on_report(&Report { kind: ReportKind::Settlement, settlement: told.settlement, ..fill });
        }
    }
}

/// A trade's key: of its id, and as maker of our order too, since one trade may fill several.
pub(super) fn trade_of(id: &str, maker_order: Option<&str>) -> u64 {
    let order = maker_order.map_or(0, |order| trade_key(order.as_bytes()));
    // Keys of texts have the top bit set; it stays so.
    trade_key(id.as_bytes()) ^ (order & !(1 << 63))
}

/// What a taker paid. One whose market's terms are gone is charged the highest rate there is.
pub(crate) fn taker_fee(listed: &Listed, px: Px, qty: Qty) -> i64 {
    let schedule = listed.outcome.map_or(super::fee::Fee::HIGHEST, |terms| terms.fee);
    schedule.taker(px, qty).unwrap_or(i64::MAX)
}

/// What a trade's status says of its settlement.
pub(super) fn settlement(status: &str) -> Option<Settlement> {
    Some(match status.strip_prefix("TRADE_STATUS_").unwrap_or(status) {
        "MATCHED" | "MINED" | "RETRYING" => Settlement::Pending,
        "CONFIRMED" => Settlement::Settled,
        "FAILED" => Settlement::Failed,
        _ => return None,
    })
}

/// A price at our decimals. The price of a taker that met several makers is their mean, and may need more:
/// it is rounded against us.
pub(super) fn price(text: &str, side: Side) -> Result<Px, Reject> {
    const WIDE_DP: u8 = 12;
    const UNIT: i64 = highwire_links::limits::POW10[(WIDE_DP - PX_DP) as usize];
    let cut = text.len().min(2 + usize::from(WIDE_DP));
    let wide = parse(&text.as_bytes()[..cut], WIDE_DP)?.mantissa;
    let up = i64::from(side == Side::Buy && (wide % UNIT != 0 || cut < text.len()));
    Ok(Px(wide / UNIT + up))
}

fn side(text: &str) -> Result<Side, Reject> {
    crate::roster::side(text).ok_or(Reject::Malformed)
}

/// The event's time, which is written in seconds or in milliseconds.
fn time(fields: &News<'_, '_>) -> Option<Nanos> {
    const SECONDS_MAX: u64 = 100_000_000_000;
    let number: u64 = fields.get("timestamp")?.digits().ok()?;
    let ms = if number < SECONDS_MAX { number.checked_mul(1000)? } else { number };
    ms.checked_mul(1_000_000)
}

impl OrderCodec for NewsDesk {
    fn encode(&mut self, _: &Order, _: i64, _: &mut Vec<u8>) -> Result<(), OrderReject> {
        Err(OrderReject::Encoding)
    }

    fn cost(&self, _: &Order) -> Cost {
        Cost::default()
    }

    fn decode(&mut self, answer: Answer<'_>, now: Nanos, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected> {
        match answer {
            Answer::Message(frame) => self.read(frame, now, sink),
            Answer::Response { .. } => Err(Reject::UnknownChannel.into()),
        }
    }

    fn carries(&self, _: Action) -> bool {
        false
    }
}

impl std::fmt::Debug for NewsDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewsDesk").field("account", &self.account).finish_non_exhaustive()
    }
}
