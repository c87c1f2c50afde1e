//! Subscribes on a fresh connection: sends the requests, follows what becomes of each topic, and asks
//! again alone for what was refused or not answered, so that one bad topic costs none of the others.

use crate::connect::ConnectError;
use crate::talk::{Heard, Talk};
use highwire_supervision::topics::{Act, Event, Fault, TopicRule, Topics};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

/// A subscribed connection may stay without data for this long before its thread takes it over.
const FIRST_DATA_WITHIN: Duration = Duration::from_secs(1);
/// Longest rest between two looks at the clock while answers are awaited.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Where the messages per second are limited, requests go out this far apart (faults.md C04: 5 a second).
const REQUESTS_APART: Duration = Duration::from_millis(200);
/// So many requests go out at once before they are spread.
const REQUESTS_AT_ONCE: usize = 5;

/// One topic's answer, in the venue's words made ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicAnswer {
    /// The topics that it is about.
    pub topics: Vec<String>,
    /// Whether they will come.
    pub granted: bool,
}

/// Reads a message: the topics that it answers for; `None` when it is data.
pub type ReadAnswers = Arc<dyn Fn(&[u8]) -> Option<Vec<TopicAnswer>> + Send + Sync>;

/// One request, and the requests for each of its topics alone.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The text that asks for all of them.
    pub frame: String,
    /// Each topic, and the text that asks for it alone.
    pub topics: Vec<(String, String)>,
}

/// What to subscribe to, and how to read the answers.
#[derive(Clone)]
pub struct Subscription {
    /// The requests, in order; none where the topics stand in the URL.
    pub requests: Vec<Request>,
    /// Reads a message.
    pub read: ReadAnswers,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("requests", &self.requests).finish_non_exhaustive()
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscribed {
    /// Topics that the venue does not send, and why.
    pub failed: Vec<(String, Fault)>,
    /// Whether data came.
    pub data: bool,
}

/// Times of a subscription: two tries fit the budget of a connection.
const RULE: TopicRule = TopicRule { ack_ns: 1_500_000_000, data_ns: u64::MAX, tries: 2, again_ns: u64::MAX };

/// Subscribes. It ends when every topic is answered for and data came, or waited long enough; the
/// caller's budget bounds it from above.
///
/// # Errors
/// The connection's.
pub async fn subscribe<S: AsyncRead + AsyncWrite + Unpin>(
    talk: &mut Talk<S>,
    subscription: &Subscription,
) -> Result<Subscribed, ConnectError> {
    let names = subscription.requests.iter().flat_map(|request| request.topics.iter().map(|(name, _)| name.clone()));
    let began = Instant::now();
    let mut course = Course { topics: Topics::requested(RULE, names, 0), subscription, began, data: false };
    for (number, request) in subscription.requests.iter().enumerate() {
        if number >= REQUESTS_AT_ONCE {
            course.listen(talk, REQUESTS_APART).await?;
        }
        talk.say(&request.frame).await?;
    }
    while !course.topics.is_answered() {
        if !course.listen(talk, LOOK_EVERY).await? {
            break;
        }
        let acts = course.topics.on_tick(course.now());
        course.carry_out(talk, acts).await?;
    }
    let patience = Instant::now() + FIRST_DATA_WITHIN;
    while !course.data && Instant::now() < patience && course.listen(talk, LOOK_EVERY).await? {}
    let failed = course.topics.failed().map(|(name, fault)| (name.to_owned(), fault)).collect();
    Ok(Subscribed { failed, data: course.data })
}

struct Course<'a> {
    topics: Topics,
    subscription: &'a Subscription,
    began: Instant,
    data: bool,
}

impl Course<'_> {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Takes what comes within this time; false when there is too much to keep.
    async fn listen<S>(&mut self, talk: &mut Talk<S>, within: Duration) -> Result<bool, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Ok(heard) = tokio::time::timeout(within, talk.hear()).await else { return Ok(true) };
        let Heard::Message(message) = heard? else { return Ok(false) };
        let Some(answers) = (self.subscription.read)(&message) else {
            self.data = true;
            return Ok(true);
        };
        let now = self.now();
        let mut acts = Vec::new();
        for TopicAnswer { topics, granted } in answers {
            let event = if granted { Event::Acked } else { Event::Refused };
            acts.extend(topics.iter().filter_map(|topic| self.topics.on(topic, event, now)));
        }
        self.carry_out(talk, acts).await?;
        Ok(true)
    }

    async fn carry_out<S>(&mut self, talk: &mut Talk<S>, acts: Vec<Act>) -> Result<(), ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        for act in acts {
            let Act::Request(name) = act else { continue };
            let mut known = self.subscription.requests.iter().flat_map(|request| &request.topics);
            if let Some((_, frame)) = known.find(|(topic, _)| *topic == name) {
                talk.say(frame).await?;
            }
        }
        Ok(())
    }
}
