//! The campaign itself: start, kill, start again, and now and then an end in order and a judgement.

use super::dice::{Dice, Moment};
use super::service::{Program, Service};
use super::settings;
use super::tally::Tally;
use super::venues::Venues;
use highwire_judge::{Journal, Kind, Violation, compare};
use std::path::Path;
use std::time::{Duration, Instant};

/// A start that has sent no order by then does not trade by itself.
const TRADES_WITHIN: Duration = Duration::from_secs(20);
/// Between a kill and the next start: whatever keeps a service running does not spin.
const REST: Duration = Duration::from_millis(200);
/// After a start that a venue turned away.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Starts in a row that may end by themselves.
const STARTS_MAX: usize = 10;
/// How long a service trades before it ends in order.
const TRADES_FOR: Duration = Duration::from_millis(500);

/// A service between venues.
pub struct Campaign {
    venues: Venues,
    program: Program,
    dice: Dice,
    tally: Tally,
}

impl Campaign {
    /// Opens the venues and writes the settings; everything else is written below `folder`.
    pub fn begin(program: &Path, folder: &Path, seed: u64) -> Result<Self, String> {
        let venues = Venues::open(program, seed)?;
        let config = folder.join("campaign.toml");
        let text = settings::text(&venues, &folder.join("data"))?;
        std::fs::write(&config, text).map_err(|why| format!("{}: {why}", config.display()))?;
        let program = Program::new(program, config);
        Ok(Self { venues, program, dice: Dice::new(seed), tally: Tally::default() })
    }

    /// Kills so often, and judges after every `judge_every` kills and at the end.
    pub fn run(mut self, kills: u64, judge_every: u64) -> Result<Tally, String> {
        for kill in 1..=kills {
            let moment = self.dice.moment();
            self.kill_at(moment)?;
            if kill % judge_every == 0 || kill == kills {
                self.judge()?;
                let wrong = self.tally.violations.len();
                println!(
                    "{kill} kills: {} orders, {} fills, {wrong} violations",
                    self.tally.orders.1, self.tally.fills.1
                );
            }
        }
        Ok(self.tally)
    }

    fn kill_at(&mut self, moment: Moment) -> Result<(), String> {
        self.tally.kills.0 += 1;
        match moment {
            Moment::Early(after) => {
                self.tally.kills.1 += 1;
                let service = self.start()?;
                std::thread::sleep(after);
                service.kill();
            }
            Moment::Trading(after) => {
                let service = self.start_trading()?;
                std::thread::sleep(after);
                service.kill();
            }
        }
        Ok(())
    }

    fn start(&mut self) -> Result<Service, String> {
        std::thread::sleep(REST);
        self.tally.starts += 1;
        self.program.start()
    }

    /// Starts it and waits for its first order. A start that a venue turned away is followed by another, as by whatever
    /// keeps a service running; one that waits for an operator gets one. Both are counted.
    fn start_trading(&mut self) -> Result<Service, String> {
        for _ in 0..STARTS_MAX {
            self.venues.look()?;
            let began = Instant::now();
            let mut service = self.start()?;
            if self.venues.wait_order(|| service.ended().is_some(), TRADES_WITHIN)? {
                self.tally.restarts_ms.push(u64::try_from((began.elapsed() - REST).as_millis()).unwrap_or(u64::MAX));
                return Ok(service);
            }
            if service.ended().is_none() {
                self.stuck()?;
                return Ok(service);
            }
            self.tally.turned_away += 1;
            std::thread::sleep(TRIED_AGAIN_AFTER);
        }
        Err(format!("{STARTS_MAX} starts in a row ended by themselves: see the log"))
    }

    /// It runs and does not trade: an operator resumes it.
    fn stuck(&mut self) -> Result<(), String> {
        self.tally.stuck += 1;
        let resumed = self.program.resume()?;
        let trades = self.venues.wait_order(|| false, TRADES_WITHIN)?;
        println!("stuck after {} kills; resumed: {resumed}, trades: {trades}", self.tally.kills.0);
        Ok(())
    }

    /// Lets it trade and end in order; then the judge compares.
    fn judge(&mut self) -> Result<(), String> {
        let service = self.start_trading()?;
        std::thread::sleep(TRADES_FOR);
        self.tally.unrested += u64::from(!service.stop()?);
        self.venues.look()?;
        let (journal, ledger) = (Journal::read(&self.program.export()?), &self.venues.ledger);
        let mut violations = compare(&journal, ledger);
        if ledger.open() > 0 {
            violations.push(Violation::new(Kind::Open, format!("{} orders are open at venues", ledger.open())));
        }
        let tally = &mut self.tally;
        tally.judged += 1;
        (tally.orders, tally.fills) = ((journal.intents, ledger.orders.len()), (journal.fills, ledger.fills));
        (tally.refused, tally.records) = (ledger.refused, journal.records);
        tally.adjustments = journal.adjustments.len();
        tally.violations = violations;
        Ok(())
    }
}
