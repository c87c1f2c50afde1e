//! Ways to a person: one message out, delivered or not. A channel keeps no queue and no count; what is told,
//! how often and again is the alerter's business.

mod log;
mod slack;
mod smtp;
mod telegram;
mod webhook;

pub use log::LogChannel;
pub use slack::SlackChannel;
pub use smtp::{SmtpChannel, SmtpSettings};
pub use telegram::TelegramChannel;
pub use webhook::WebhookChannel;

use highwire_supervision::incident::{Item, Message};
use std::fmt::Write;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// For one delivery, from the first byte to the answer.
const DELIVER_WITHIN: Duration = Duration::from_secs(10);
/// Items spelled out in one message; the rest is counted.
const ITEMS_MAX: usize = 40;

/// Why a message was not delivered. Never holds an address or a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undelivered(pub String);

/// What becomes of a delivery.
pub type Delivery<'a> = Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + 'a>>;

/// A way to a person.
pub trait Channel: Send + Sync {
    /// Delivers a message. It may be lost on the way back: the same message may be sent again.
    fn deliver<'a>(&'a self, message: &'a Message) -> Delivery<'a>;
}

/// The message as lines for a person, the worst severity first in its headline.
pub fn text(message: &Message) -> String {
    let mut text = headline(&message.items);
    for item in message.items.iter().take(ITEMS_MAX) {
        let sign = if item.opened { "▲" } else { "✓" };
        let _ = write!(text, "\n{sign} {:?} {}: {}", item.severity, item.key, item.text);
    }
    if message.items.len() > ITEMS_MAX {
        let _ = write!(text, "\n… and {} more", message.items.len() - ITEMS_MAX);
    }
    text
}

/// One line: the worst of what opened, or that something is over.
pub fn headline(items: &[Item]) -> String {
    let opened = items.iter().filter(|item| item.opened);
    let over = items.iter().filter(|item| !item.opened).count();
    match (opened.clone().map(|item| item.severity).max(), opened.count()) {
        (Some(worst), 1) => {
            format!("Highwire {worst:?}: {}", items.iter().find(|item| item.opened).map_or("", |i| &i.key))
        }
        (Some(worst), count) => format!("Highwire {worst:?}: {count} incidents"),
        (None, _) => format!("Highwire: {over} over"),
    }
}

/// Posts JSON and wants a 2xx. `what` names the channel in errors, since the address is a secret.
async fn post(http: &reqwest::Client, url: &str, body: &serde_json::Value, what: &str) -> Result<(), Undelivered> {
    let failed = |why: &str| Undelivered(format!("{what}: {why}"));
    let request = http.post(url).json(body).timeout(DELIVER_WITHIN).send();
    let answer = request.await.map_err(|error| failed(&error.without_url().to_string()))?;
    if answer.status().is_success() { Ok(()) } else { Err(failed(answer.status().as_str())) }
}
