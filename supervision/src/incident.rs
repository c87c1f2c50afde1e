//! Incidents: what deserves a person's attention, told once per channel and resolved once.
//!
//! A notice names its incident by a key. The first notice of a key opens it; further ones only count. What
//! is to be told waits in each channel's outbox; a channel's messages are few (a storm becomes digests),
//! delivery is confirmed or tried again, and a critical incident that nobody acknowledges climbs to the next
//! channel. The outbox is plain data, so that it can be kept on disk and survive the process.

use highwire_links::Nanos;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Nice to know.
    Info,
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
    /// Somebody may be attacking: as urgent as critical.
    Security,
}

impl Severity {
    /// Whether somebody must look at it now.
    pub fn is_urgent(self) -> bool {
        self >= Self::Critical
    }
}

/// Something happened, or goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it belongs to, such as `lines/okx`: equal keys are one incident.
    pub key: String,
    /// How bad.
    pub severity: Severity,
    /// One line for a person, with the figures.
    pub text: String,
}

/// What a channel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its name in the configuration.
    pub name: String,
    /// It is told of these and worse.
    pub severity_min: Severity,
    /// Told only of urgent incidents that nobody acknowledged for this long; 0: told at once.
    pub escalation_ns: Nanos,
    /// Messages may be as many as there are; for a channel that wakes nobody, such as the log.
    pub unpaced: bool,
}

/// How much is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Messages of one channel in any `period_ns`.
    pub messages: usize,
    /// The period.
    pub period_ns: Nanos,
    /// First wait after a failed delivery; doubles up to `retry_max_ns`.
    pub retry_ns: Nanos,
    /// Longest wait.
    pub retry_max_ns: Nanos,
    /// An incident of which nothing was heard for so long may be forgotten once it is resolved.
    pub forget_ns: Nanos,
}

impl Default for Pace {
    /// 6 messages in 10 minutes; retries from 1 s to 60 s; forgotten after a day.
    fn default() -> Self {
        let s = 1_000_000_000;
        Self { messages: 6, period_ns: 600 * s, retry_ns: s, retry_max_ns: 60 * s, forget_ns: 86_400 * s }
    }
}

/// One incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its key.
    pub key: String,
    /// The worst so far.
    pub severity: Severity,
    /// The first notice's text.
    pub text: String,
    /// When it opened.
    pub first_ns: Nanos,
    /// When it was last heard of.
    pub last_ns: Nanos,
    /// Notices.
    pub count: u64,
    /// Somebody has seen it.
    pub acknowledged: bool,
    /// It is over.
    pub resolved: bool,
}

/// Something to be told on one channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The incident.
    pub key: String,
    /// It opened or got worse; else it is resolved.
    pub opened: bool,
    /// The severity to be told.
    pub severity: Severity,
    /// The text to be told.
    pub text: String,
}

/// One message to one channel; it tells all of its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Number of the channel.
    pub channel: usize,
    /// Names it when its end is told.
    pub number: u64,
    /// What it tells, oldest first.
    pub items: Vec<Item>,
}

/// A channel's outbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Outbox {
    /// Whose it is: settings may name other channels at the next start.
    channel: String,
    waiting: VecDeque<Item>,
    /// Items of the message under way.
    under_way: Vec<Item>,
    /// Number of the message under way, 0 when none is.
    number: u64,
    /// When the last messages were delivered.
    sent_ns: VecDeque<Nanos>,
    failures: u32,
    not_before_ns: Nanos,
    /// Keys that were told as open here, so that only those are told as resolved.
    told: BTreeMap<String, Severity>,
}

/// All incidents and outboxes: what must survive the process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    incidents: BTreeMap<String, Incident>,
    outboxes: Vec<Outbox>,
    next_number: u64,
    /// When which incident climbs to which channel.
    climbs: BTreeSet<(Nanos, usize, String)>,
    /// When resolved incidents were last looked through.
    swept_ns: Nanos,
}

/// Decides what is told where and when.
#[derive(Clone, Debug)]
pub struct Incidents {
    channels: Vec<Channel>,
    pace: Pace,
    book: Book,
}

impl Incidents {
    /// Goes on with what a former process left; a message that was under way then is sent again.
    pub fn new(channels: Vec<Channel>, pace: Pace, mut book: Book) -> Self {
        let mut left = std::mem::take(&mut book.outboxes);
        for channel in &channels {
            let at = left.iter().position(|outbox| outbox.channel == channel.name);
            let mut outbox = at.map(|at| left.swap_remove(at)).unwrap_or_default();
            outbox.channel.clone_from(&channel.name);
            outbox.take_back();
            book.outboxes.push(outbox);
        }
        Self { channels, pace, book }
    }

    /// What must survive the process.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Open incidents.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        self.book.incidents.values().filter(|incident| !incident.resolved)
    }

    /// A notice. A new incident, or one that got worse, is told; a repeated one is counted.
    pub fn on_notice(&mut self, notice: Notice, now: Nanos) {
        let known = self.book.incidents.get_mut(&notice.key).filter(|incident| !incident.resolved);
        if let Some(incident) = known {
            (incident.last_ns, incident.count) = (now, incident.count + 1);
            if notice.severity <= incident.severity && !cfg!(mutant = "alert-dedupe") {
                return;
            }
            // What made it worse is what a person must read.
            (incident.severity, incident.acknowledged) = (notice.severity, false);
            incident.text.clone_from(&notice.text);
        } else {
            self.book.incidents.insert(notice.key.clone(), Incident::new(&notice, now));
        }
        self.tell_opened(&notice.key);
    }

    /// It is over: told where it was told that it is there.
    pub fn on_resolved(&mut self, key: &str, now: Nanos) {
        let Some(incident) = self.book.incidents.get_mut(key).filter(|incident| !incident.resolved) else { return };
        (incident.resolved, incident.last_ns) = (true, now);
        let (severity, text) = (incident.severity, format!("{} (over, {} times)", incident.text, incident.count));
        for outbox in &mut self.book.outboxes {
            if outbox.told.remove(key).is_some() {
                outbox.waiting.push_back(Item { key: key.to_owned(), opened: false, severity, text: text.clone() });
            }
        }
    }

    /// Open incidents of which nothing was heard since then are over: their causes went with the process that
    /// knew them.
    pub fn on_unheard(&mut self, since_ns: Nanos, now: Nanos) {
        let unheard = self.open().filter(|incident| incident.last_ns < since_ns);
        let keys: Vec<String> = unheard.map(|incident| incident.key.clone()).collect();
        keys.iter().for_each(|key| self.on_resolved(key, now));
    }

    /// Somebody has seen it: it climbs no further.
    pub fn on_acknowledged(&mut self, key: &str) {
        if let Some(incident) = self.book.incidents.get_mut(key) {
            incident.acknowledged = true;
        }
    }

    /// Messages that are due now, at most one per channel under way.
    pub fn due(&mut self, now: Nanos) -> Vec<Message> {
        self.escalate(now);
        self.forget(now);
        let mut due = Vec::new();
        for (channel, outbox) in self.book.outboxes.iter_mut().enumerate() {
            if outbox.is_ready(&self.pace, self.channels.get(channel).is_some_and(|channel| channel.unpaced), now) {
                self.book.next_number += 1;
                outbox.number = self.book.next_number;
                outbox.under_way = outbox.take_due();
                due.push(Message { channel, number: outbox.number, items: outbox.under_way.clone() });
            }
        }
        due
    }

    /// A message was delivered, or not.
    pub fn on_sent(&mut self, channel: usize, number: u64, delivered: bool, now: Nanos) {
        let Some(outbox) = self.book.outboxes.get_mut(channel).filter(|outbox| outbox.number == number) else { return };
        if delivered {
            outbox.under_way.clear();
            (outbox.number, outbox.failures) = (0, 0);
            outbox.sent_ns.push_back(now);
        } else {
            outbox.take_back();
            let wait_ns = self.pace.retry_ns.saturating_mul(1 << outbox.failures.min(20)).min(self.pace.retry_max_ns);
            (outbox.failures, outbox.not_before_ns) = (outbox.failures.saturating_add(1), now + wait_ns);
        }
    }

    /// Tells an incident on the channels that are told at once; on the others it climbs in time.
    fn tell_opened(&mut self, key: &str) {
        let Some(incident) = self.book.incidents.get(key) else { return };
        for (at, (channel, outbox)) in self.channels.iter().zip(&mut self.book.outboxes).enumerate() {
            if incident.severity < channel.severity_min {
                continue;
            }
            if channel.escalation_ns == 0 {
                outbox.tell(incident);
            } else if incident.severity.is_urgent() {
                let due_ns = incident.first_ns.saturating_add(channel.escalation_ns);
                self.book.climbs.insert((due_ns, at, key.to_owned()));
            }
        }
    }

    /// Urgent incidents that nobody acknowledged climb.
    fn escalate(&mut self, now: Nanos) {
        while self.book.climbs.first().is_some_and(|&(due_ns, ..)| due_ns <= now) {
            let Some((_, channel, key)) = self.book.climbs.pop_first() else { return };
            let Some(incident) = self.book.incidents.get(&key) else { continue };
            if let (false, false, Some(outbox)) =
                (incident.acknowledged, incident.resolved, self.book.outboxes.get_mut(channel))
            {
                outbox.tell(incident);
            }
        }
    }

    /// Resolved incidents are forgotten after a while; looked through once in a sixtieth of it.
    fn forget(&mut self, now: Nanos) {
        let forget_ns = self.pace.forget_ns;
        if now.saturating_sub(self.book.swept_ns) < forget_ns / 60 {
            return;
        }
        self.book.swept_ns = now;
        let is_old = |incident: &Incident| now.saturating_sub(incident.last_ns) >= forget_ns;
        self.book.incidents.retain(|_, incident| !incident.resolved || !is_old(incident));
    }
}

impl Incident {
    fn new(notice: &Notice, now: Nanos) -> Self {
        Self {
            key: notice.key.clone(),
            severity: notice.severity,
            text: notice.text.clone(),
            first_ns: now,
            last_ns: now,
            count: 1,
            acknowledged: false,
            resolved: false,
        }
    }
}

/// Urgent incidents in one message: a channel spells out so many, whatever else happened.
const URGENT_PER_MESSAGE: usize = 20;
/// More of them than this are a digest all the same.
const URGENT_SPELLED_MAX: usize = 100;

impl Outbox {
    /// What the next message tells: what is urgent first, and no more of it than a message spells out.
    fn take_due(&mut self) -> Vec<Item> {
        let mut over = BTreeSet::new();
        // One that begins anew is told after the end of the one before it.
        let mut is_first = |item: &Item| {
            let is_anew = over.contains(&item.key);
            if !item.opened {
                over.insert(item.key.clone());
            }
            item.opened && item.severity.is_urgent() && !is_anew
        };
        let (mut due, others): (Vec<Item>, Vec<Item>) = self.waiting.drain(..).partition(|item| is_first(item));
        let spelled = if due.len() > URGENT_SPELLED_MAX { due.len() } else { due.len().min(URGENT_PER_MESSAGE) };
        let rest = due.split_off(spelled);
        if rest.is_empty() {
            due.extend(others);
        } else {
            self.waiting.extend(rest.into_iter().chain(others));
        }
        due
    }

    /// Tells an incident, unless it was told as this severe already.
    fn tell(&mut self, incident: &Incident) {
        let is_new = self.told.get(&incident.key).is_none_or(|&told| told < incident.severity);
        if is_new || cfg!(mutant = "alert-dedupe") {
            self.told.insert(incident.key.clone(), incident.severity);
            let (key, severity, text) = (incident.key.clone(), incident.severity, incident.text.clone());
            self.waiting.push_back(Item { key, opened: true, severity, text });
        }
    }

    /// Something waits, nothing is under way, the last failure is long enough ago, and the pace permits.
    fn is_ready(&mut self, pace: &Pace, unpaced: bool, now: Nanos) -> bool {
        while self.sent_ns.front().is_some_and(|&sent| now.saturating_sub(sent) >= pace.period_ns) {
            self.sent_ns.pop_front();
        }
        let paced = unpaced || self.sent_ns.len() < pace.messages || cfg!(mutant = "alert-storm");
        !self.waiting.is_empty() && self.number == 0 && now >= self.not_before_ns && paced
    }

    /// What was under way waits again, first.
    fn take_back(&mut self) {
        for item in self.under_way.drain(..).rev() {
            self.waiting.push_front(item);
        }
        self.number = 0;
    }
}

#[cfg(test)]
mod tests;
