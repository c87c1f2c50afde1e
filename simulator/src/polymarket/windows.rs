//! Markets come, roll over and resolve; the crowd trades them; subscribers are shown what changed.

use super::book::{Appetite, Level, Outcome};
use super::calendar::Span;
use super::config::ns;
use super::crowd::{Act, QUANTUM_NS, fair};
use super::encode;
use super::house::{Audience, House, Outgoing, Status};
use super::updown::UpDown;

/// Ended windows kept for queries, per coin and span.
const KEPT: i64 = 4;
/// A longer pause than this is not traded through by the crowd.
const JUMP_NS_MAX: u64 = 2_000_000_000;

impl House {
    /// Opens the windows that are due, notes what prices they begin and end with, resolves and forgets.
    pub(super) fn roll(&mut self) {
        let coins: Vec<String> = self.prices.keys().cloned().collect();
        for coin in coins {
            for span in Span::ALL {
                let length_s = self.config.length_s(span);
                let present = self.now_s() - self.now_s() % length_s;
                for ahead in 0..=i64::from(self.config.ahead) {
                    self.open_window(&coin, span, present + ahead * length_s);
                }
            }
        }
        self.note_prices();
        let due: Vec<String> = self.ripe(|m, age_s| age_s >= 0 && m.winner.is_none() && m.finish_e8.is_some());
        for condition in due {
            self.resolve(&condition);
        }
        let (now_s, ripe_s) = (self.now_s(), ns(self.config.resolved_after) as i64 / 1_000_000_000);
        let old: Vec<String> = self.ripe(|m, _| m.winner.is_some() && now_s > m.end_s() + ripe_s + KEPT * m.length_s);
        for market in old.iter().filter_map(|condition| self.markets.remove(condition)) {
            self.tokens.retain(|_, condition| *condition != market.condition);
        }
    }

    fn ripe(&self, fits: impl Fn(&UpDown, i64) -> bool) -> Vec<String> {
        let after_ns = ns(self.config.resolved_after) as i64;
        let age_s = |m: &UpDown| (self.now_ns as i64 - m.end_s() * 1_000_000_000 - after_ns).div_euclid(1_000_000_000);
        self.markets.values().filter(|m| fits(m, age_s(m))).map(|m| m.condition.clone()).collect()
    }

    fn open_window(&mut self, coin: &str, span: Span, start_s: i64) {
        let known = self.markets.values().any(|m| m.span == span && m.start_s == start_s && m.coin == coin);
        if known {
            return;
        }
        let market = UpDown::new(coin, span, start_s, &self.config);
        for token in &market.tokens {
            self.tokens.insert(token.clone(), market.condition.clone());
        }
        self.outbox.push(Outgoing { to: Audience::All, text: encode::new_market(&market, self.now_ms()) });
        self.markets.insert(market.condition.clone(), market);
    }

    fn note_prices(&mut self) {
        let now_s = self.now_s();
        let mut ended = Vec::new();
        for market in self.markets.values_mut() {
            let Some(&price) = self.prices.get(&market.coin) else { continue };
            if now_s >= market.start_s && market.strike_e8.is_none() {
                market.strike_e8 = Some(price);
            }
            if now_s >= market.end_s() && market.finish_e8.is_none() {
                market.finish_e8 = Some(price);
                ended.push(market.condition.clone());
            }
        }
        for condition in ended {
            let open = self.orders.values().filter(|o| o.open() && o.condition == condition);
            for id in open.map(|o| o.id).collect::<Vec<_>>() {
                self.end_order(&id, "CANCELED_MARKET_RESOLVED");
            }
        }
    }

    /// Up wins if the price did not fall. Winning shares are redeemed at a dollar each.
    fn resolve(&mut self, condition: &str) {
        let now_ms = self.now_ms();
        let Some(market) = self.markets.get_mut(condition) else { return };
        let up = market.finish_e8 >= market.strike_e8;
        let winner = if up { Outcome::Up } else { Outcome::Down };
        market.winner = Some(winner);
        let text = encode::resolved(market, winner, now_ms);
        for purse in self.accounts.iter_mut().flat_map(|a| a.purses.values_mut()) {
            let held = Outcome::BOTH.map(|o| purse.shares.remove(&(condition.to_owned(), o)));
            let won = if up { &held[0] } else { &held[1] };
            purse.collateral.total += won.as_ref().map_or(0, |funds| funds.total);
        }
        self.outbox.push(Outgoing { to: Audience::All, text });
    }

    /// The crowd's acts since the last step.
    pub(super) fn crowd(&mut self) {
        if self.now_ns.saturating_sub(self.crowd_ns) > JUMP_NS_MAX {
            self.crowd_ns = self.now_ns - JUMP_NS_MAX;
        }
        while self.crowd_ns + QUANTUM_NS <= self.now_ns {
            self.crowd_ns += QUANTUM_NS;
            self.see();
            let open: Vec<String> = self.markets.values().filter(|m| m.open()).map(|m| m.condition.clone()).collect();
            for condition in open {
                for (outcome, act) in self.acts(&condition) {
                    self.perform(&condition, outcome, act);
                }
            }
        }
    }

    /// Forgets what is older than what the crowd sees now.
    fn see(&mut self) {
        let seen_ns = self.crowd_ns.saturating_sub(ns(self.config.crowd_lag));
        while self.unseen.get(1).is_some_and(|(at_ns, _)| *at_ns <= seen_ns) {
            self.unseen.pop_front();
        }
    }

    fn acts(&mut self, condition: &str) -> Vec<(Outcome, Act)> {
        let Some(market) = self.markets.get_mut(condition) else { return Vec::new() };
        let Some((_, seen)) = self.unseen.front() else { return Vec::new() };
        let Some(&now_e8) = seen.get(&market.coin) else { return Vec::new() };
        let left_s = (market.end_s() * 1_000_000_000 - self.crowd_ns as i64) as f64 / 1e9;
        let px = fair(now_e8, market.strike_e8.unwrap_or(now_e8), left_s, self.config.volatility_ppm);
        let (kept, tick) = (market.kept(), market.tick);
        let acts = |outcome| {
            let stand = market.stand(outcome);
            stand.crowd.quantum(&stand.book, px, tick).into_iter().map(move |act| (outcome, act)).collect::<Vec<_>>()
        };
        kept.flat_map(acts).collect()
    }

    fn perform(&mut self, condition: &str, outcome: Outcome, act: Act) {
        let Some(market) = self.markets.get_mut(condition) else { return };
        match act {
            Act::Quote { bid, px, qty } => market.stand(outcome).book.set_crowd(bid, px, qty),
            Act::Take { buys_up, px, qty } => {
                let matches = market.book(outcome).plan(buys_up, px, Appetite::Shares(qty));
                self.crowd_takes(condition, outcome, buys_up, &matches);
            }
        }
    }

    /// Dead-man switches and expirations; looked at every 100 ms, switches as the venue does every 5 s.
    pub(super) fn sweep(&mut self) {
        const LOOK_NS: u64 = 100_000_000;
        const SWITCH_NS: u64 = 5_000_000_000;
        const SILENCE_NS: u64 = 10_000_000_000;
        let before = std::mem::replace(&mut self.swept_ns, self.now_ns - self.now_ns % LOOK_NS);
        if before == self.swept_ns {
            return;
        }
        let now_s = self.now_s();
        let expired =
            |o: &&super::house::Order| o.status == Status::Live && o.expiration_s > 0 && o.expiration_s - 60 <= now_s;
        for id in self.orders.values().filter(expired).map(|o| o.id).collect::<Vec<_>>() {
            self.end_order(&id, "CANCELED_EXPIRED_ORDER");
        }
        if before / SWITCH_NS == self.swept_ns / SWITCH_NS {
            return;
        }
        for account in 0..self.accounts.len() {
            let silent = |h: &super::account::Heartbeat| self.now_ns.saturating_sub(h.heard_ns) > SILENCE_NS;
            if self.accounts[account].heartbeat.as_ref().is_some_and(silent) {
                self.accounts[account].heartbeat = None;
                self.cancel_where(account, |_| true);
            }
        }
    }

    /// Fires every dead-man switch that was started.
    pub(super) fn fire(&mut self) {
        for account in 0..self.accounts.len() {
            if self.accounts[account].heartbeat.take().is_some() {
                self.cancel_where(account, |_| true);
            }
        }
    }

    /// Frames for what changed in the books since last time.
    pub(super) fn show_changes(&mut self) {
        let now_ms = self.now_ms();
        for market in self.markets.values_mut() {
            for outcome in market.kept() {
                show_stand(market, outcome, now_ms, &mut self.outbox);
            }
        }
    }
}

/// Frames for what changed in the book of an outcome.
fn show_stand(market: &mut UpDown, of: Outcome, now_ms: u64, outbox: &mut Vec<Outgoing>) {
    let stand = market.stand(of);
    if stand.shown_version == stand.book.version {
        return;
    }
    stand.shown_version = stand.book.version;
    let is = [stand.book.levels(true), stand.book.levels(false)];
    let was = std::mem::replace(&mut stand.shown, is.clone());
    let changes = [changed(&was[0], &is[0]), changed(&was[1], &is[1])];
    if changes.iter().all(Vec::is_empty) {
        return;
    }
    let traded = std::mem::take(&mut stand.traded);
    market.changed_ms = now_ms;
    let shows = market.shows(of);
    let text = encode::price_change(market, &shows, &changes, now_ms);
    outbox.push(Outgoing { to: Audience::Tokens(market.tokens.clone()), text });
    let tops = |sides: &[Vec<Level>; 2]| (sides[0].first().map(|l| l.0), sides[1].first().map(|l| l.0));
    for outcome in shows {
        let token = market.token(outcome).to_owned();
        if tops(&was) != tops(&is) {
            let text = encode::best(market, outcome, now_ms);
            outbox.push(Outgoing { to: Audience::Custom(token.clone()), text });
        }
        if traded {
            let text = encode::book(market, outcome);
            outbox.push(Outgoing { to: Audience::Token(token), text });
        }
    }
}

/// Levels of `is` that `was` has otherwise, with their new size; 0 for those that are gone.
fn changed(was: &[Level], is: &[Level]) -> Vec<Level> {
    let at = |levels: &[Level], px: i64| levels.iter().find(|l| l.0 == px).map_or(0, |l| l.1);
    let gone = was.iter().filter(|l| at(is, l.0) == 0).map(|l| (l.0, 0));
    is.iter().filter(|l| at(was, l.0) != l.1).copied().chain(gone).collect()
}
