//! What a venue refuses is not sent to it again and again: by the reason of the refusals of one instrument's orders,
//! its pair is put to rest. A market that takes none for now is left alone by hedges, too, for longer each time: a hedge that
//! was asked for in every turn while an engine starts anew would only be refused in every turn.

use highwire_links::Nanos;
use highwire_links::fill::OrderReject;
use highwire_links::ids::InstrumentId;

/// Refusals in a row after which a pair rests, whatever their reason.
const IN_A_ROW_MAX: u8 = 3;
/// How long a market that takes no orders for now is left alone after the first refusal, and at most.
const PAUSE_MIN_NS: Nanos = 100_000_000;
const PAUSE_MAX_NS: Nanos = 5_000_000_000;
/// A refusal that comes so long after a pause is the first of another row.
const FORGET_NS: Nanos = 30_000_000_000;

/// One instrument's.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    count: u8,
    rests_until_ns: Nanos,
    /// Times in a row that it took nothing for now.
    pauses: u8,
    shut_until_ns: Nanos,
}

impl Row {
    /// Refused for now: when it may be asked again.
    fn pause(&mut self, now: Nanos) {
        if now >= self.shut_until_ns.saturating_add(FORGET_NS) {
            self.pauses = 0;
        }
        self.pauses = self.pauses.saturating_add(1);
        self.shut_until_ns = now.saturating_add(pause_ns(self.pauses));
    }
}

/// The pause after so many refusals in a row: twice as long each time.
fn pause_ns(in_a_row: u8) -> Nanos {
    let doublings = u32::from(in_a_row.saturating_sub(1)).min(PAUSE_MAX_NS.ilog2());
    PAUSE_MIN_NS.saturating_mul(1 << doublings).min(PAUSE_MAX_NS)
}

/// Refusals in a row, by instrument.
#[derive(Debug)]
pub struct Refusals(Box<[Row]>);

impl Refusals {
    /// None yet, of so many instruments.
    pub fn new(instruments: usize) -> Self {
        Self(vec![Row::default(); instruments].into())
    }

    /// The venue took an order of this instrument.
    pub fn on_taken(&mut self, id: InstrumentId) {
        if let Some(row) = self.0.get_mut(id.index()) {
            (row.count, row.pauses, row.shut_until_ns) = (0, 0, 0);
        }
    }

    /// An order of this instrument was refused now; whether its pair must rest until then.
    pub fn on_refused(&mut self, id: InstrumentId, reject: OrderReject, until_ns: Nanos, now: Nanos) -> bool {
        let Some(row) = self.0.get_mut(id.index()) else { return false };
        if reject.is_for_now() {
            row.pause(now);
        }
        row.count = row.count.saturating_add(weight(reject));
        let must_rest = row.count >= IN_A_ROW_MAX;
        if must_rest {
            (row.count, row.rests_until_ns) = (0, until_ns);
        }
        must_rest
    }

    /// Whether orders of this instrument have lately been refused: what can be hedged elsewhere is.
    pub fn is_resting(&self, id: InstrumentId, now: Nanos) -> bool {
        self.0.get(id.index()).is_some_and(|row| now < row.rests_until_ns)
    }

    /// Whether this market said that it takes no orders for now, and it is too early to ask again.
    pub fn is_shut(&self, id: InstrumentId, now: Nanos) -> bool {
        self.0.get(id.index()).is_some_and(|row| now < row.shut_until_ns) && !cfg!(mutant = "shut-rest")
    }
}

/// How much a refusal counts: what can only be refused again counts for all, what says nothing of the order for none.
fn weight(reject: OrderReject) -> u8 {
    use OrderReject as R;
    match reject {
        R::Filter | R::NotTrading | R::Auth | R::SelfTrade => IN_A_ROW_MAX,
        R::Balance | R::VenueLimit | R::ReduceOnly | R::DuplicateId | R::WouldTake | R::Other => 1,
        // A leg that has to wait leaves the other alone.
        R::RateLimit | R::Overload => 1,
        R::None | R::Stopped | R::NoBook | R::GatewayFull | R::NotFilled | R::Clock => 0,
        R::NoSuchOrder | R::TooLate | R::NoLine | R::Encoding | R::Late | R::Unrecorded => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: InstrumentId = InstrumentId(1);

    #[test]
    fn three_in_a_row_are_enough_and_what_is_taken_breaks_the_row() {
        let mut refusals = Refusals::new(2);
        let refused = |refusals: &mut Refusals| refusals.on_refused(ID, OrderReject::Balance, 9, 0);
        assert!(!refused(&mut refusals) && !refused(&mut refusals));
        refusals.on_taken(ID);
        assert!(!refused(&mut refusals) && !refused(&mut refusals) && refused(&mut refusals));
        assert!(!refused(&mut refusals), "it counts anew");
    }

    #[test]
    fn what_can_only_be_refused_again_is_enough_once_and_what_never_left_is_nothing() {
        let mut refusals = Refusals::new(2);
        assert!(refusals.on_refused(ID, OrderReject::Filter, 9, 0));
        assert!(refusals.is_resting(ID, 8) && !refusals.is_resting(ID, 9));
        assert!((0..9).all(|_| !refusals.on_refused(ID, OrderReject::Stopped, 9, 0)));
        assert!(!refusals.on_refused(InstrumentId(7), OrderReject::Filter, 9, 0), "an unknown instrument");
    }

    #[test]
    fn a_market_that_takes_nothing_for_now_is_left_alone_for_twice_as_long_each_time_until_it_takes_something() {
        const MS: Nanos = 1_000_000;
        let mut refusals = Refusals::new(2);
        let mut now = 1_000_000 * MS;
        for pause_ms in [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            refusals.on_refused(ID, OrderReject::NotTrading, now, now);
            assert!(refusals.is_shut(ID, now + pause_ms * MS - 1), "{pause_ms}");
            now += pause_ms * MS;
            assert!(!refusals.is_shut(ID, now), "{pause_ms}");
            assert!(!refusals.is_shut(InstrumentId(0), now - 1), "another market");
        }
        let first = |refusals: &mut Refusals, now| {
            refusals.on_refused(ID, OrderReject::Overload, now, now);
            (refusals.is_shut(ID, now + 100 * MS - 1), refusals.is_shut(ID, now + 100 * MS)) == (true, false)
        };
        assert!(!first(&mut refusals, now), "it is a row still");
        refusals.on_taken(ID);
        assert!(!refusals.is_shut(ID, now) && first(&mut refusals, now), "it took one");
        assert!(first(&mut refusals, now + 100 * MS + FORGET_NS), "the last time is long ago");
        for _ in 0..300 {
            refusals.on_refused(ID, OrderReject::RateLimit, now, now);
        }
        assert!(!refusals.is_shut(ID, now + PAUSE_MAX_NS), "never longer");
        let mut others = Refusals::new(2);
        for reject in OrderReject::ALL.into_iter().filter(|reject| !reject.is_for_now()) {
            others.on_refused(ID, reject, now, now);
            assert!(!others.is_shut(ID, now), "{reject:?}");
        }
    }
}
