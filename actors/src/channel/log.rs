//! The log: always there, never fails.

use super::{Channel, Delivery};
use highwire_supervision::incident::Message;

/// Writes each item as a line of the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogChannel;

impl Channel for LogChannel {
    fn deliver<'a>(&'a self, message: &'a Message) -> Delivery<'a> {
        for item in &message.items {
            let (key, text) = (&item.key, &item.text);
            match (item.opened, item.severity.is_urgent()) {
                (true, true) => tracing::error!(incident = %key, severity = ?item.severity, "{text}"),
                (true, false) => tracing::warn!(incident = %key, severity = ?item.severity, "{text}"),
                (false, _) => tracing::info!(incident = %key, "{text}"),
            }
        }
        Box::pin(async { Ok(()) })
    }
}
