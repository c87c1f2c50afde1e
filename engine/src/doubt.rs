//! Doubt: an edge that is too good is mostly a wrong price, and gone with the next message. Every strategy asks here
//! before it acts: what is above the bound must be shown again by the market whose message first showed it.

use highwire_links::audit::Verdict;

/// What is thought of one edge, message by message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doubt {
    is_held: bool,
    /// The market whose message made the edge too good.
    raised_by: Option<usize>,
}

impl Doubt {
    /// A message of market `witness` shows this edge; more than `wild_ppb` is too good to be believed at once.
    pub fn weigh(&mut self, witness: usize, edge_ppb: i64, wild_ppb: i64) {
        let is_wild = edge_ppb > wild_ppb;
        let said_again = self.raised_by == Some(witness);
        let stays = !self.is_held && self.raised_by.is_some();
        self.is_held = is_wild && !said_again && !stays && !cfg!(mutant = "unconfirmed");
        self.raised_by = if is_wild { self.raised_by.or(Some(witness)) } else { None };
    }

    /// As [`Self::weigh`] where a message may also show no edge: then there is nothing to doubt.
    pub fn on_edge(&mut self, witness: usize, edge_ppb: Option<i64>, wild_ppb: i64) {
        match edge_ppb {
            Some(edge_ppb) => self.weigh(witness, edge_ppb, wild_ppb),
            None => *self = Self::default(),
        }
    }

    /// Whether the edge is one to act on.
    ///
    /// # Errors
    /// [`Verdict::Unconfirmed`].
    pub fn verdict(&self) -> Result<(), Verdict> {
        if self.is_held { Err(Verdict::Unconfirmed) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WILD: i64 = 100;

    fn believed_after(told: &[(usize, Option<i64>)]) -> bool {
        let mut doubt = Doubt::default();
        told.iter().for_each(|&(witness, edge)| doubt.on_edge(witness, edge, WILD));
        doubt.verdict().is_ok()
    }

    #[test]
    fn an_edge_that_is_too_good_is_believed_when_its_market_says_it_again() {
        let after = |told: &[(usize, i64)]| {
            let told: Vec<_> = told.iter().map(|&(witness, edge)| (witness, Some(edge))).collect();
            believed_after(&told)
        };
        assert!(after(&[(0, WILD)]), "an ordinary one at once");
        assert!(!after(&[(0, 101)]) && !after(&[(0, 101), (1, 102)]), "the other market proves nothing");
        assert!(after(&[(0, 101), (1, 102), (0, 101)]) && after(&[(0, 101), (0, 101), (1, 500)]));
        assert!(!after(&[(0, 50), (0, 50), (1, 101)]), "one that grew too good is doubted, too");
        assert!(after(&[(0, 101), (0, 50)]) && !after(&[(0, 101), (0, 50), (0, 101)]), "a new doubt");
    }

    #[test]
    fn an_edge_that_went_away_is_doubted_anew() {
        let wild = (0, Some(101));
        assert!(!believed_after(&[wild, (0, None), wild]) && believed_after(&[wild, (0, None), wild, wild]));
    }
}
