//! How often in a row the orders of a pair that may only rest would have taken. Each is priced anew by a newer book; a
//! pair whose books stay behind its venues' is left alone for a while.

use highwire_links::ids::PairId;

/// Refusals in a row, by pair.
#[derive(Debug)]
pub struct Reprices(Box<[u8]>);

impl Reprices {
    /// None yet, of so many pairs.
    pub fn new(pairs: usize) -> Self {
        Self(vec![0; pairs].into())
    }

    /// An order of this pair would have taken; whether it was priced anew `max` times already and must rest.
    pub fn on_would_take(&mut self, pair: PairId, max: u8) -> bool {
        let Some(row) = self.0.get_mut(pair.index()) else { return false };
        let is_enough = *row >= max && !cfg!(mutant = "reprices");
        *row = if is_enough { 0 } else { row.saturating_add(1) };
        is_enough
    }

    /// One of them rested.
    pub fn on_rested(&mut self, pair: PairId) {
        if let Some(row) = self.0.get_mut(pair.index()) {
            *row = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: PairId = PairId(0);

    #[test]
    fn a_pair_is_priced_anew_so_often_in_a_row_and_no_more() {
        let mut reprices = Reprices::new(1);
        let mut row = |max: u8| (0..6).map(|_| reprices.on_would_take(PAIR, max)).collect::<Vec<_>>();
        assert_eq!(row(2), [false, false, true, false, false, true]);
        assert_eq!(row(0), [true; 6]);
        reprices.on_would_take(PAIR, 2);
        reprices.on_rested(PAIR);
        assert!(!reprices.on_would_take(PAIR, 1) && reprices.on_would_take(PAIR, 1), "one that rests breaks the row");
    }
}
