//! Slack by an incoming webhook (api.slack.com/messaging/webhooks): `{"text": …}`, answered with `ok`.

use super::{Channel, Delivery, post, text};
use highwire_supervision::incident::Message;
use secrecy::{ExposeSecret, SecretString};

/// A Slack channel. The address is the secret.
#[derive(Debug)]
pub struct SlackChannel {
    /// HTTP client.
    pub http: reqwest::Client,
    /// The webhook's address.
    pub url: SecretString,
}

impl Channel for SlackChannel {
    fn deliver<'a>(&'a self, message: &'a Message) -> Delivery<'a> {
        Box::pin(async move {
            let body = serde_json::json!({ "text": text(message) });
            post(&self.http, self.url.expose_secret(), &body, "slack").await
        })
    }
}
