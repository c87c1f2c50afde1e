//! Telegram by its Bot API (core.telegram.org/bots/api#sendmessage): `sendMessage` to one chat, answered with
//! `{"ok": true}`. Texts of more than 4 096 characters are refused there, so ours are cut before.

use super::{Channel, Delivery, Undelivered, post, text};
use highwire_supervision::incident::Message;
use secrecy::{ExposeSecret, SecretString};

const TEXT_MAX: usize = 4_096;

/// A chat.
#[derive(Debug)]
pub struct TelegramChannel {
    /// HTTP client.
    pub http: reqwest::Client,
    /// Scheme and host of the API, without a slash at the end; `https://api.telegram.org` but in tests.
    pub api: String,
    /// The bot's token.
    pub token: SecretString,
    /// The chat.
    pub chat: i64,
}

impl Channel for TelegramChannel {
    fn deliver<'a>(&'a self, message: &'a Message) -> Delivery<'a> {
        Box::pin(async move {
            let cut: String = text(message).chars().take(TEXT_MAX).collect();
            let url = format!("{}/bot{}/sendMessage", self.api, self.token.expose_secret());
            let body = serde_json::json!({ "chat_id": self.chat, "text": cut });
            post(&self.http, &url, &body, "telegram").await.map_err(|Undelivered(why)| {
                // The token is part of the path: whatever was said, it is not repeated.
                Undelivered(why.replace(self.token.expose_secret(), "…"))
            })
        })
    }
}
