//! What signs for an account. Secrets are held so that they neither print nor stay in memory after
//! use; an error about a key names the field and never the value.

use crate::polymarket::Wallet;
use crate::sign::{Encoding, Signer};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// What a signature is made with.
#[derive(Clone, Debug)]
pub enum KeyMaterial {
    /// The shared secret of HMAC-SHA256, as the venue shows it.
    Hmac(SecretString),
    /// A private Ed25519 key in PKCS#8 PEM.
    Ed25519(SecretString),
    /// A private RSA key in PEM, at least 2048 bits.
    Rsa(SecretString),
}

impl KeyMaterial {
    fn secret(&self) -> &str {
        let (Self::Hmac(secret) | Self::Ed25519(secret) | Self::Rsa(secret)) = self;
        secret.expose_secret()
    }
}

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A field that the venue needs is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field cannot be read.
    #[error("{field} is not {expected}")]
    Unreadable {
        /// Which.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// The venue does not take keys of this kind.
    #[error("this venue takes no key of this kind")]
    Kind,
}

/// The credentials of one account at one venue. Prints as `[REDACTED]`.
#[derive(Clone)]
pub struct Keys {
    api_key: SecretString,
    material: KeyMaterial,
    passphrase: Option<SecretString>,
    wallet: Option<Arc<Wallet>>,
    demo: bool,
}

impl Keys {
    /// Credentials without a passphrase.
    ///
    /// # Errors
    /// [`KeyError`]: an empty field, or one that could break out of a header or of JSON.
    pub fn new(api_key: SecretString, material: KeyMaterial) -> Result<Self, KeyError> {
        plain("api_key", api_key.expose_secret())?;
        if material.secret().is_empty() {
            return Err(KeyError::Missing("secret"));
        }
        Signer::new(&material, Encoding::Hex)?;
        Ok(Self { api_key, material, passphrase: None, wallet: None, demo: false })
    }

    /// With the passphrase that OKX asks for.
    ///
    /// # Errors
    /// [`KeyError`] as in [`Self::new`].
    pub fn with_passphrase(mut self, passphrase: SecretString) -> Result<Self, KeyError> {
        plain("passphrase", passphrase.expose_secret())?;
        self.passphrase = Some(passphrase);
        Ok(self)
    }

    /// With the wallet that Polymarket's orders are signed by. Copies of these keys share what it remembers.
    #[must_use]
    pub fn with_wallet(self, wallet: Wallet) -> Self {
        Self { wallet: Some(Arc::new(wallet)), ..self }
    }

    /// The wallet that signs orders.
    ///
    /// # Errors
    /// [`KeyError::Missing`].
    pub fn wallet(&self) -> Result<&Arc<Wallet>, KeyError> {
        self.wallet.as_ref().ok_or(KeyError::Missing("wallet"))
    }

    /// Keys of OKX's demo trading, which lives on the same hosts.
    #[must_use]
    pub fn for_demo(self) -> Self {
        Self { demo: true, ..self }
    }

    /// Whether these are keys of OKX's demo trading.
    pub fn demo(&self) -> bool {
        self.demo
    }

    /// The key's name at the venue. It goes into headers; it is not to be logged.
    pub fn api_key(&self) -> &str {
        self.api_key.expose_secret()
    }

    /// Whether these are the same credentials.
    pub fn is_same(&self, other: &Self) -> bool {
        std::mem::discriminant(&self.material) == std::mem::discriminant(&other.material)
            && self.api_key() == other.api_key()
            && self.material.secret() == other.material.secret()
            && self.passphrase().ok() == other.passphrase().ok()
    }

    /// What signs.
    pub fn material(&self) -> &KeyMaterial {
        &self.material
    }

    /// The passphrase.
    ///
    /// # Errors
    /// [`KeyError::Missing`].
    pub fn passphrase(&self) -> Result<&str, KeyError> {
        self.passphrase.as_ref().map(SecretString::expose_secret).ok_or(KeyError::Missing("passphrase"))
    }

    /// A signer whose HMAC signatures are written in `encoding` (the others always are base64).
    ///
    /// # Errors
    /// [`KeyError`] when the key cannot be read.
    pub fn signer(&self, encoding: Encoding) -> Result<Signer, KeyError> {
        Signer::new(&self.material, encoding)
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys([REDACTED])")
    }
}

/// Printable ASCII without quote and backslash: safe in a header, in JSON and in a query.
fn plain(field: &'static str, text: &str) -> Result<(), KeyError> {
    if text.is_empty() {
        return Err(KeyError::Missing(field));
    }
    let safe = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
    if text.bytes().all(safe) {
        return Ok(());
    }
    Err(KeyError::Unreadable { field, expected: "printable ASCII without quotes or backslashes" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "canary-7f3a";

    #[test]
    fn nothing_of_a_key_is_printed() {
        let keys = Keys::new(CANARY.into(), KeyMaterial::Hmac(CANARY.into())).unwrap();
        let keys = keys.with_passphrase(CANARY.into()).unwrap();
        for text in [format!("{keys:?}"), format!("{:?}", keys.material()), format!("{:?}", keys.signer(Encoding::Hex))]
        {
            assert!(!text.contains(CANARY), "{text}");
        }
    }

    #[test]
    fn an_error_names_the_field_and_not_the_value() {
        let broken = format!("{CANARY}\r\nX-Evil: 1");
        let error = Keys::new(broken.clone().into(), KeyMaterial::Hmac("s".into())).unwrap_err();
        assert_eq!(error.to_string(), "api_key is not printable ASCII without quotes or backslashes");
        let keys = Keys::new("k".into(), KeyMaterial::Hmac("s".into())).unwrap();
        let error = keys.with_passphrase(broken.into()).unwrap_err();
        assert!(error.to_string().starts_with("passphrase is not") && !format!("{error:?}").contains(CANARY));
        let error = Keys::new("k".into(), KeyMaterial::Ed25519(CANARY.into())).unwrap_err();
        assert_eq!(error.to_string(), "secret is not a private Ed25519 key in PKCS#8 PEM");
        assert_eq!(Keys::new("".into(), KeyMaterial::Hmac("s".into())).unwrap_err(), KeyError::Missing("api_key"));
        assert_eq!(Keys::new("k".into(), KeyMaterial::Hmac("".into())).unwrap_err(), KeyError::Missing("secret"));
    }
}
