//! A plain webhook: the message as JSON, items and all, for whatever the operator runs.

use super::{Channel, Delivery, headline, post};
use highwire_supervision::incident::Message;
use secrecy::{ExposeSecret, SecretString};

/// A webhook. The address may hold a token, so it is a secret.
#[derive(Debug)]
pub struct WebhookChannel {
    /// HTTP client.
    pub http: reqwest::Client,
    /// Its address.
    pub url: SecretString,
}

impl Channel for WebhookChannel {
    fn deliver<'a>(&'a self, message: &'a Message) -> Delivery<'a> {
        Box::pin(async move {
            let body = serde_json::json!({
                "number": message.number, "headline": headline(&message.items), "items": message.items,
            });
            post(&self.http, self.url.expose_secret(), &body, "webhook").await
        })
    }
}
