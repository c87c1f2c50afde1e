//! What became of each subscription of a line: requested, acknowledged, bringing data, or failed. An
//! acknowledgement is no proof: only data is. One topic is retried alone; the others are left in peace
//! (faults.md C06).

use highwire_links::Nanos;
use std::collections::BTreeMap;

/// The times of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicRule {
    /// From request to acknowledgement, where the venue acknowledges.
    pub ack_ns: Nanos,
    /// From acknowledgement to the first data.
    pub data_ns: Nanos,
    /// Requests before it is listed as failed.
    pub tries: u32,
    /// From then to the next request: a failed topic is tried for ever, but seldom.
    pub again_ns: Nanos,
}

impl Default for TopicRule {
    /// Listed within 10 s of the first request.
    fn default() -> Self {
        Self { ack_ns: 2_500_000_000, data_ns: 4_500_000_000, tries: 2, again_ns: 60_000_000_000 }
    }
}

/// Why a topic failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The venue refused it.
    Refused,
    /// It was not acknowledged.
    NotAcked,
    /// It was acknowledged, and nothing came.
    NoData,
    /// It brought data, and stopped.
    Silent,
}

/// Where a topic stands.
///
/// ```text
/// Requested ──ack──▶ Acked ──data──▶ Flowing ──silent──▶ Requested
///     │ refused, late   │ late          ▲ data (any)
///     └────────┬────────┘               │
///     tries left: Requested     none: Failed ──again──▶ Requested
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Asked for.
    Requested {
        /// When.
        at_ns: Nanos,
    },
    /// The venue said yes.
    Acked {
        /// When.
        at_ns: Nanos,
    },
    /// Data came.
    Flowing,
    /// Given up for now.
    Failed {
        /// When.
        at_ns: Nanos,
        /// Why.
        why: Fault,
    },
}

/// What happened to a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was acknowledged.
    Acked,
    /// It was refused.
    Refused,
    /// It brought data.
    Data,
    /// Its data stopped.
    Silent,
}

/// What to do about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Ask for it again, alone.
    Request(String),
    /// Tell that it failed.
    Failed(String, Fault),
    /// Tell that it is well again after having failed.
    Recovered(String),
}

#[derive(Clone, Copy, Debug)]
struct Topic {
    state: State,
    tries: u32,
    told: bool,
    why: Fault,
}

/// The subscriptions of one line.
#[derive(Clone, Debug)]
pub struct Topics {
    rule: TopicRule,
    topics: BTreeMap<String, Topic>,
}

impl Topics {
    /// All of these were asked for now.
    pub fn requested(rule: TopicRule, names: impl IntoIterator<Item = String>, now: Nanos) -> Self {
        let topic = Topic { state: State::Requested { at_ns: now }, tries: 1, told: false, why: Fault::NotAcked };
        Self { rule, topics: names.into_iter().map(|name| (name, topic)).collect() }
    }

    /// Where a topic stands; `None` for one that was never asked for.
    pub fn state(&self, name: &str) -> Option<State> {
        self.topics.get(name).map(|topic| topic.state)
    }

    /// Those that are failed, with why.
    pub fn failed(&self) -> impl Iterator<Item = (&str, Fault)> {
        self.topics.iter().filter_map(|(name, topic)| match topic.state {
            State::Failed { why, .. } => Some((name.as_str(), why)),
            _ => None,
        })
    }

    /// Whether every topic brings data or is listed as failed.
    pub fn is_settled(&self) -> bool {
        self.topics.values().all(|topic| matches!(topic.state, State::Flowing | State::Failed { .. }))
    }

    /// Whether every topic was answered for, or brings data.
    pub fn is_answered(&self) -> bool {
        !self.topics.values().any(|topic| matches!(topic.state, State::Requested { .. }))
    }

    /// Something happened to a topic. One that was never asked for (a stray acknowledgement) is nothing.
    pub fn on(&mut self, name: &str, event: Event, now: Nanos) -> Option<Act> {
        let rule = self.rule;
        let topic = self.topics.get_mut(name)?;
        match (topic.state, event) {
            (_, Event::Data) => {
                topic.state = State::Flowing;
                topic.tries = 0;
                std::mem::take(&mut topic.told).then(|| Act::Recovered(name.to_owned()))
            }
            (State::Requested { .. }, Event::Acked) => {
                topic.state = State::Acked { at_ns: now };
                None
            }
            (State::Requested { .. } | State::Acked { .. }, Event::Refused) => {
                retry(name, topic, Fault::Refused, rule, now)
            }
            (State::Flowing, Event::Silent) => retry(name, topic, Fault::Silent, rule, now),
            _ => None,
        }
    }

    /// Time passed.
    pub fn on_tick(&mut self, now: Nanos) -> Vec<Act> {
        let rule = self.rule;
        let over = |at_ns: Nanos, span_ns| now.saturating_sub(at_ns) >= span_ns;
        let late = self.topics.iter_mut().filter_map(|(name, topic)| match topic.state {
            State::Requested { at_ns } if over(at_ns, rule.ack_ns) => retry(name, topic, Fault::NotAcked, rule, now),
            State::Acked { at_ns } if over(at_ns, rule.data_ns) => retry(name, topic, Fault::NoData, rule, now),
            State::Failed { at_ns, .. } if over(at_ns, rule.again_ns) => Some(request(name, topic, now)),
            _ => None,
        });
        late.collect()
    }
}

fn request(name: &str, topic: &mut Topic, now: Nanos) -> Act {
    topic.state = State::Requested { at_ns: now };
    topic.tries = topic.tries.saturating_add(1);
    Act::Request(name.to_owned())
}

/// It goes to the failed ones when its tries are spent, and is told once however often it is retried.
fn retry(name: &str, topic: &mut Topic, why: Fault, rule: TopicRule, now: Nanos) -> Option<Act> {
    if topic.tries < rule.tries {
        return Some(request(name, topic, now));
    }
    topic.state = State::Failed { at_ns: now, why };
    let news = !topic.told || topic.why != why;
    (topic.told, topic.why) = (true, why);
    news.then(|| Act::Failed(name.to_owned(), why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: u64 = 1_000_000_000;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|i| format!("t{i}")).collect()
    }

    proptest! {
        #[test]
        fn after_ten_seconds_each_topic_flows_or_is_listed_whatever_the_venue_said(
            said in prop::collection::vec((0..5usize, 0..3u8, 0..2_000u64), 0..30),
        ) {
            let mut topics = Topics::requested(TopicRule::default(), names(5), 0);
            let mut now = 0;
            for (topic, what, step_ms) in said {
                now = (now + step_ms * 1_000_000).min(9 * S);
                topics.on_tick(now);
                let event = [Event::Acked, Event::Refused, Event::Data][usize::from(what)];
                topics.on(&format!("t{topic}"), event, now);
            }
            // Acknowledged late, once per try: the worst that a venue can do to the clock.
            for later in [now, now + 7 * S, now + 14 * S, now + 21 * S] {
                topics.on_tick(later);
            }
            prop_assert!(topics.is_settled());
        }

        #[test]
        fn what_one_topic_suffers_never_touches_another(events in prop::collection::vec(0..4u8, 1..40)) {
            let mut topics = Topics::requested(TopicRule::default(), names(3), 0);
            topics.on("t1", Event::Data, 0);
            topics.on("t2", Event::Data, 0);
            for (i, event) in events.into_iter().enumerate() {
                let event = [Event::Acked, Event::Refused, Event::Silent, Event::Data][usize::from(event)];
                let mut acts: Vec<_> = topics.on("t0", event, i as u64 * S).into_iter().collect();
                acts.extend(topics.on_tick(i as u64 * S));
                for act in acts {
                    let (Act::Request(name) | Act::Failed(name, _) | Act::Recovered(name)) = act;
                    prop_assert_eq!(name, "t0");
                }
            }
            prop_assert_eq!([topics.state("t1"), topics.state("t2")], [Some(State::Flowing); 2]);
        }
    }

    #[test]
    fn a_topic_never_acked_is_asked_for_again_alone_then_listed_once_then_tried_seldom() {
        let rule = TopicRule::default();
        let mut topics = Topics::requested(rule, names(2), 0);
        topics.on("t1", Event::Data, 1);
        assert_eq!(topics.on_tick(rule.ack_ns), [Act::Request("t0".to_owned())]);
        let failed = 2 * rule.ack_ns;
        assert!(failed <= 10 * S);
        assert_eq!(topics.on_tick(failed), [Act::Failed("t0".to_owned(), Fault::NotAcked)]);
        assert_eq!(topics.failed().collect::<Vec<_>>(), [("t0", Fault::NotAcked)]);
        assert_eq!(topics.on_tick(failed + 1), []);
        assert_eq!(topics.on_tick(failed + rule.again_ns), [Act::Request("t0".to_owned())]);
        assert_eq!(topics.on_tick(failed + rule.again_ns + rule.ack_ns), [], "told already");
        assert_eq!(topics.on("t0", Event::Data, failed), Some(Act::Recovered("t0".to_owned())));
    }

    #[test]
    fn an_ack_that_nobody_asked_for_and_one_that_comes_after_data_change_nothing() {
        let mut topics = Topics::requested(TopicRule::default(), names(1), 0);
        assert_eq!(topics.on("stranger", Event::Acked, 1), None);
        topics.on("t0", Event::Data, 1);
        assert_eq!((topics.on("t0", Event::Acked, 2), topics.state("t0")), (None, Some(State::Flowing)));
        assert_eq!(topics.on("t0", Event::Silent, 3), Some(Act::Request("t0".to_owned())));
    }
}
