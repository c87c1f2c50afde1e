//! What a venue refuses is not sent to it again and again: by the reason of the refusals of one instrument's orders,
//! its pair is put to rest.

use highwire_links::fill::OrderReject;
use highwire_links::ids::InstrumentId;

/// Refusals in a row after which a pair rests, whatever their reason.
const IN_A_ROW_MAX: u8 = 3;

/// Refusals in a row, by instrument.
#[derive(Debug)]
pub struct Refusals(Box<[u8]>);

impl Refusals {
    /// None yet, of so many instruments.
    pub fn new(instruments: usize) -> Self {
        Self(vec![0; instruments].into())
    }

    /// The venue took an order of this instrument.
    pub fn on_taken(&mut self, id: InstrumentId) {
        if let Some(count) = self.0.get_mut(id.index()) {
            *count = 0;
        }
    }

    /// An order of this instrument was refused; whether its pair must rest.
    pub fn on_refused(&mut self, id: InstrumentId, reject: OrderReject) -> bool {
        let Some(count) = self.0.get_mut(id.index()) else { return false };
        *count = count.saturating_add(weight(reject));
        let must_rest = *count >= IN_A_ROW_MAX;
        if must_rest {
            *count = 0;
        }
        must_rest
    }
}

/// How much a refusal counts: what can only be refused again counts for all, what says nothing of the order for none.
fn weight(reject: OrderReject) -> u8 {
    use OrderReject as R;
    match reject {
        R::Filter | R::NotTrading | R::Auth => IN_A_ROW_MAX,
        R::Balance | R::VenueLimit | R::ReduceOnly | R::DuplicateId | R::WouldTake | R::Other => 1,
        R::None | R::Stopped | R::NoBook | R::GatewayFull | R::NotFilled | R::RateLimit | R::Clock => 0,
        R::NoSuchOrder | R::TooLate | R::NoLine | R::Encoding | R::Overload => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: InstrumentId = InstrumentId(1);

    #[test]
    fn three_in_a_row_are_enough_and_what_is_taken_breaks_the_row() {
        let mut refusals = Refusals::new(2);
        let refused = |refusals: &mut Refusals| refusals.on_refused(ID, OrderReject::Balance);
        assert!(!refused(&mut refusals) && !refused(&mut refusals));
        refusals.on_taken(ID);
        assert!(!refused(&mut refusals) && !refused(&mut refusals) && refused(&mut refusals));
        assert!(!refused(&mut refusals), "it counts anew");
    }

    #[test]
    fn what_can_only_be_refused_again_is_enough_once_and_what_never_left_is_nothing() {
        let mut refusals = Refusals::new(2);
        assert!(refusals.on_refused(ID, OrderReject::Filter));
        assert!((0..9).all(|_| !refusals.on_refused(ID, OrderReject::Stopped)));
        assert!(!refusals.on_refused(InstrumentId(7), OrderReject::Filter), "an unknown instrument");
    }
}
