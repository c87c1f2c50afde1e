//! Open opportunities: one place per ordered pair of members, allocated once.

use crate::doubt::Doubt;
use crate::spec::EngineSpec;
use crate::tops::Seat;
use highwire_links::Nanos;
use highwire_links::audit::Verdict;

/// A crossing that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opportunity {
    /// Its number, from 1.
    pub id: u32,
    /// When it began.
    pub opened_ns: Nanos,
    /// The best net edge so far, parts per billion.
    pub edge_best_ppb: i64,
    /// Market events during its life, the first included.
    pub updates: u32,
    /// The last verdict; `None` before the first decision.
    pub verdict: Option<Verdict>,
    /// Whether its edge is one to act on.
    pub doubt: Doubt,
}

impl Opportunity {
    /// Whether its orders were sent: it is not decided again.
    pub fn is_taken(&self) -> bool {
        self.verdict == Some(Verdict::Taken)
    }
}

/// Which opportunity: buy at one member of a pair, sell at another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// A seat in the pair.
    pub seat: Seat,
    /// Member to buy at.
    pub buy: usize,
    /// Member to sell at.
    pub sell: usize,
}

/// What a crossing's evaluation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing was open and nothing crosses.
    None,
    /// A crossing began.
    Opened(Opportunity),
    /// It goes on.
    Updated(Opportunity),
    /// It ended.
    Closed(Opportunity),
}

/// Every opportunity that can be open.
#[derive(Debug)]
pub struct Opportunities {
    places: Box<[Option<Opportunity>]>,
    /// Per pair, its first place.
    first: Box<[usize]>,
    /// Per pair × member: bit j set while (buy here, sell at j) is open.
    sells_open: Box<[u32]>,
    /// Per pair × member: bit j set while (buy at j, sell here) is open.
    buys_open: Box<[u32]>,
    /// Per pair, its first member's place in the masks.
    first_member: Box<[usize]>,
    last_id: u32,
    open: usize,
    /// An edge above this is believed only when it is said again, parts per billion.
    wild_ppb: i64,
}

impl Opportunities {
    /// Places for every pair of the spec.
    pub fn new(spec: &EngineSpec) -> Self {
        let (mut places, mut members) = (0, 0);
        let (mut first, mut first_member) = (Vec::new(), Vec::new());
        for pair in &spec.pairs {
            first.push(places);
            first_member.push(members);
            places += pair.members.len() * pair.members.len();
            members += pair.members.len();
        }
        Self {
            places: vec![None; places].into(),
            first: first.into(),
            sells_open: vec![0; members].into(),
            buys_open: vec![0; members].into(),
            first_member: first_member.into(),
            last_id: 0,
            open: 0,
            wild_ppb: spec.limits.confirm_edge_ppb,
        }
    }

    /// Members with which this seat's instrument has something open: (sold at, bought at).
    pub fn open_with(&self, seat: Seat) -> (u32, u32) {
        let at = self.first_member[seat.pair.index()] + seat.member;
        (self.sells_open[at], self.buys_open[at])
    }

    /// Opportunities open now.
    pub fn open(&self) -> usize {
        self.open
    }

    /// Those that are open now.
    pub fn standing(&self) -> impl Iterator<Item = &Opportunity> {
        self.places.iter().flatten()
    }

    /// The opportunity on this route.
    pub fn get_mut(&mut self, route: Route) -> Option<&mut Opportunity> {
        let place = self.place(route);
        self.places[place].as_mut()
    }

    /// Takes in whether the route crosses now, by a message of its seat's member, and by how much.
    pub fn on_evaluated(&mut self, route: Route, edge_ppb: Option<i64>, now: Nanos) -> Change {
        let place = self.place(route);
        match (self.places[place], edge_ppb) {
            (None, None) => Change::None,
            (Some(mut going), Some(edge)) => {
                going.updates = going.updates.saturating_add(1);
                going.edge_best_ppb = going.edge_best_ppb.max(edge);
                going.doubt.weigh(route.seat.member, edge, self.wild_ppb);
                self.places[place] = Some(going);
                Change::Updated(going)
            }
            (None, Some(edge)) => {
                self.last_id = self.last_id.wrapping_add(1).max(1);
                let mut opened = Opportunity {
                    id: self.last_id,
                    opened_ns: now,
                    edge_best_ppb: edge,
                    updates: 1,
                    verdict: None,
                    doubt: Doubt::default(),
                };
                opened.doubt.weigh(route.seat.member, edge, self.wild_ppb);
                self.places[place] = Some(opened);
                self.mark(route, true);
                Change::Opened(opened)
            }
            (Some(closed), None) => {
                self.places[place] = None;
                self.mark(route, false);
                Change::Closed(closed)
            }
        }
    }

    fn place(&self, route: Route) -> usize {
        self.first[route.seat.pair.index()] + route.buy * route.seat.members + route.sell
    }

    fn mark(&mut self, route: Route, open: bool) {
        let first = self.first_member[route.seat.pair.index()];
        let (sells, buys) = (&mut self.sells_open[first + route.buy], &mut self.buys_open[first + route.sell]);
        if open {
            *sells |= 1 << route.sell;
            *buys |= 1 << route.buy;
            self.open += 1;
        } else {
            *sells &= !(1 << route.sell);
            *buys &= !(1 << route.buy);
            self.open -= 1;
        }
    }
}
