//! Whether the world is as it should be, and if not, what holds it up.

use crate::ground::PAIRS;
use crate::venue::Venue;
use crate::world::{EXPOSURE_MAX, Stage, World};
use highwire_engine::engine::Engine;
use highwire_engine::saga::Saga;
use highwire_links::PairId;
use highwire_links::audit::{VERDICTS, Verdict};
use highwire_links::page::BookState;

/// Records that are told of an order.
const STORY: usize = 24;

impl World {
    /// Whether all is as it should be: `Full`, nothing under way, every book the venue's.
    pub fn is_well(&self) -> bool {
        let Stage::Up(process, net) = &self.stage else { return false };
        let Some(engine) = process.engine() else { return false };
        let idle = (0..PAIRS.len() as u16).all(|pair| engine.saga(PairId(pair)).is_none());
        let is_told = |venue: &Venue| venue.later.is_empty() && venue.is_heard;
        let idle = idle && engine.open_orders() == 0 && self.venues.iter().all(is_told);
        let figures = process.board.read();
        let written = figures.pending_bytes == 0 && figures.failing.is_none() && process.desk.audit.depth() == 0;
        let quiet = idle && written && net.reign.open_incidents().is_empty();
        quiet && net.reign.is_full() && self.wrong_book().is_none() && self.unhedged().is_none()
    }

    /// A pair that is exposed beyond what is borne.
    pub fn unhedged(&self) -> Option<usize> {
        let Stage::Up(process, _) = &self.stage else { return None };
        let engine = process.engine()?;
        // Dust below the least order, and what may be borne.
        (0..PAIRS.len()).find(|&pair| {
            let base = i128::from(engine.executor().dust(PairId(pair as u16))).abs();
            base * i128::from(self.market.fair(pair)) / 100 / 100_000_000 > EXPOSURE_MAX
        })
    }

    /// A book that is not its venue's.
    pub fn wrong_book(&self) -> Option<String> {
        let Stage::Up(process, _) = &self.stage else { return None };
        for venue in &self.venues {
            for book in &venue.books {
                let page = process.pages.read(book.instrument.index()).unwrap_or_default();
                let same = page
                    .bids
                    .iter()
                    .zip(book.now.bids)
                    .all(|(rung, (px, qty))| (rung.px, rung.qty) == (px, qty))
                    && page.asks.iter().zip(book.now.asks).all(|(rung, (px, qty))| (rung.px, rung.qty) == (px, qty));
                if page.state != BookState::Live || !same {
                    return Some(format!("{:?} {:?}", book.instrument, page.state));
                }
            }
        }
        None
    }

    /// What holds things up, for people.
    pub fn stand(&self) -> String {
        match &self.stage {
            Stage::Down(until_ns) => format!("down until {until_ns}"),
            Stage::Starting(_) => "starting".to_owned(),
            Stage::Up(process, net) => {
                let engine = process.engine();
                let orders: Vec<String> =
                    process.state.lock().orders.keys().map(|id| format!("order {id:x} is open")).collect();
                format!(
                    "{}: up; held by [{}]; lines down [{}]; {:?} incidents; {:?} orders; book {:?}; exposed {:?}; later {:?}; sagas {:?} {}; decisions {}",
                    self.now,
                    net.reign.causes(),
                    net.lines_down(),
                    net.reign.open_incidents(),
                    engine.map(Engine::open_orders),
                    self.wrong_book(),
                    self.unhedged(),
                    self.venues.iter().map(|venue| venue.later.len()).collect::<Vec<_>>(),
                    engine.map(|engine| (0..2)
                        .map(|pair| engine.saga(PairId(pair)).map(Saga::stage))
                        .collect::<Vec<_>>()),
                    orders.join(", "),
                    decisions(&net.verdicts),
                )
            }
        }
    }

    /// Journal and ledgers must agree on everything now.
    pub fn settle_quiet(&mut self) {
        self.look();
        self.judge.settle(&mut self.venues, true, self.now);
    }

    /// What the journal says of the first order that a text names.
    pub fn story_of(&self, text: &str) -> Vec<String> {
        let words = text.split_whitespace().skip_while(|word| *word != "order");
        let Some(id) = words.into_iter().nth(1).and_then(|word| u64::from_str_radix(word, 16).ok()) else {
            return Vec::new();
        };
        let mut story = Vec::new();
        // What cannot be read has been said already.
        let _unread = highwire_store::journal::recover(&self.disk, |record| {
            let text = format!("{:?}", record.entry);
            if text.contains(&format!("id: {id},")) && story.len() < STORY {
                story.push(format!("{} at {}: {text}", record.sequence, record.at_ns));
            }
        });
        story
    }
}

/// Verdicts that were given, with how often.
fn decisions(verdicts: &[u64; VERDICTS]) -> String {
    let given = Verdict::ALL.iter().zip(verdicts).filter(|(_, times)| **times > 0);
    given.map(|(verdict, times)| format!("{}={times}", verdict.name())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::Ground;
    use crate::run::heal;
    use crate::venue::PRIVATE;
    use std::sync::Arc;

    #[test]
    fn a_trade_of_which_the_news_is_on_its_way_keeps_the_world_from_being_well() {
        let mut world = World::new(&Arc::new(Ground::new().unwrap()), 961, None).unwrap();
        world.calm();
        heal(&mut world).unwrap();
        for at in 0..40 {
            let venue = &mut world.venues[at % 5];
            assert!(venue.lines[PRIVATE].is_some());
            venue.trade_by_hand(at % PAIRS.len(), world.now, &mut world.dice);
            world.step(false);
            heal(&mut world).unwrap();
            assert_eq!(world.judge.untold_foreign, 0, "trade {at}");
        }
    }
}
