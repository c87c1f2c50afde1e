//! What a venue refuses is not sent to it again and again: by the reason of the refusals of one instrument's orders,
//! its pair is put to rest.

use highwire_links::Nanos;
use highwire_links::fill::OrderReject;
use highwire_links::ids::InstrumentId;

/// Refusals in a row after which a pair rests, whatever their reason.
const IN_A_ROW_MAX: u8 = 3;

/// One instrument's.
#[derive(Clone, Copy, Debug, Default)]
struct Row {
    count: u8,
    rests_until_ns: Nanos,
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
            row.count = 0;
        }
    }

    /// An order of this instrument was refused; whether its pair must rest until then.
    pub fn on_refused(&mut self, id: InstrumentId, reject: OrderReject, until_ns: Nanos) -> bool {
        let Some(row) = self.0.get_mut(id.index()) else { return false };
        row.count = row.count.saturating_add(weight(reject));
        let must_rest = row.count >= IN_A_ROW_MAX;
        if must_rest {
            *row = Row { count: 0, rests_until_ns: until_ns };
        }
        must_rest
    }

    /// Whether orders of this instrument have lately been refused: what can be hedged elsewhere is.
    pub fn is_resting(&self, id: InstrumentId, now: Nanos) -> bool {
        self.0.get(id.index()).is_some_and(|row| now < row.rests_until_ns)
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
        let refused = |refusals: &mut Refusals| refusals.on_refused(ID, OrderReject::Balance, 9);
        assert!(!refused(&mut refusals) && !refused(&mut refusals));
        refusals.on_taken(ID);
        assert!(!refused(&mut refusals) && !refused(&mut refusals) && refused(&mut refusals));
        assert!(!refused(&mut refusals), "it counts anew");
    }

    #[test]
    fn what_can_only_be_refused_again_is_enough_once_and_what_never_left_is_nothing() {
        let mut refusals = Refusals::new(2);
        assert!(refusals.on_refused(ID, OrderReject::Filter, 9));
        assert!(refusals.is_resting(ID, 8) && !refusals.is_resting(ID, 9));
        assert!((0..9).all(|_| !refusals.on_refused(ID, OrderReject::Stopped, 9)));
        assert!(!refusals.on_refused(InstrumentId(7), OrderReject::Filter, 9), "an unknown instrument");
    }
}
