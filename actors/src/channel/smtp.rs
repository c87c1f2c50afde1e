//! Email by SMTP, over TLS unless told otherwise.

use super::{Channel, DELIVER_WITHIN, Delivery, Undelivered, headline, text};
use highwire_supervision::incident::Message;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};

/// A mail server and a reader.
#[derive(Debug)]
pub struct SmtpSettings {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// TLS: from the first byte (465) or by STARTTLS; without it only for a relay on this machine.
    pub tls: bool,
    /// User and password, where it wants them.
    pub login: Option<(String, SecretString)>,
    /// Sender.
    pub from: String,
    /// Reader.
    pub to: String,
}

/// A reader of email.
pub struct SmtpChannel {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Mailbox,
}

impl SmtpChannel {
    /// Connects lazily, at the first message.
    ///
    /// # Errors
    /// An address that is none, or a server's name that cannot be used with TLS.
    pub fn new(settings: &SmtpSettings) -> Result<Self, String> {
        let address = |text: &str| text.parse::<Mailbox>().map_err(|error| format!("{text}: {error}"));
        let builder = match (settings.tls, settings.port) {
            (false, _) => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)),
            (true, 465) => AsyncSmtpTransport::<Tokio1Executor>::relay(&settings.host),
            (true, _) => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&settings.host),
        };
        let mut builder = builder.map_err(|error| error.to_string())?.port(settings.port).timeout(Some(DELIVER_WITHIN));
        if let Some((user, password)) = &settings.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self { transport: builder.build(), from: address(&settings.from)?, to: address(&settings.to)? })
    }
}

impl Channel for SmtpChannel {
    fn deliver<'a>(&'a self, message: &'a Message) -> Delivery<'a> {
        Box::pin(async move {
            let failed = |why: String| Undelivered(format!("smtp: {why}"));
            let mail = lettre::Message::builder().from(self.from.clone()).to(self.to.clone());
            let mail = mail.subject(headline(&message.items)).body(text(message));
            let sent = self.transport.send(mail.map_err(|error| failed(error.to_string()))?);
            match tokio::time::timeout(DELIVER_WITHIN, sent).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(failed(error.to_string())),
                Err(_) => Err(failed("no answer in time".to_owned())),
            }
        })
    }
}
