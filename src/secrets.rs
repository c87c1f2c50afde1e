//! Credentials, from environment variables or files that the configuration names. Their values stand in
//! no setting, no log and no error.

use crate::config::{KeyKind, Polymarket, VenueSettings, WalletKind};
use highwire_venues::keys::{KeyError, KeyMaterial, Keys};
use highwire_venues::polymarket::Wallet;
use highwire_venues::polymarket::eip712::SignatureType;
use secrecy::{ExposeSecret, SecretString};

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A source names nothing that can be read.
    #[error("venues.{venue}.{key} = {source_name}: {why}")]
    Source {
        /// The venue.
        venue: String,
        /// The setting.
        key: &'static str,
        /// What it names.
        source_name: String,
        /// What is wrong.
        why: String,
    },
    /// What stands there is no key.
    #[error("the credentials of {venue}: {why}")]
    Key {
        /// The venue.
        venue: String,
        /// What is wrong; never the value.
        why: KeyError,
    },
}

/// The venue's credentials; `None` when the configuration names none.
///
/// # Errors
/// See [`SecretError`].
pub fn keys(venue: &str, settings: &VenueSettings) -> Result<Option<Keys>, SecretError> {
    let read = |key: &'static str, source: &str| {
        let failed =
            |why: String| SecretError::Source { venue: venue.to_owned(), key, source_name: source.to_owned(), why };
        read(source).map_err(failed)
    };
    let Some(api_key) = read("api_key", &settings.api_key)? else { return Ok(None) };
    let wrong = |why: KeyError| SecretError::Key { venue: venue.to_owned(), why };
    let secret = read("api_secret", &settings.api_secret)?.ok_or(KeyError::Missing("api_secret")).map_err(wrong)?;
    let material = match settings.key_kind {
        KeyKind::Hmac => KeyMaterial::Hmac(secret),
        KeyKind::Ed25519 => KeyMaterial::Ed25519(secret),
        KeyKind::Rsa => KeyMaterial::Rsa(secret),
    };
    let keys = Keys::new(api_key, material).map_err(wrong)?;
    Ok(Some(match read("api_passphrase", &settings.api_passphrase)? {
        Some(passphrase) => keys.with_passphrase(passphrase).map_err(wrong)?,
        None => keys,
    }))
}

/// The wallet that signs at Polymarket; `None` when the configuration names none.
///
/// # Errors
/// See [`SecretError`].
pub fn wallet(settings: &Polymarket) -> Result<Option<Wallet>, SecretError> {
    let venue = || "polymarket".to_owned();
    let source_name = settings.private_key.clone();
    let failed = |why: String| SecretError::Source { venue: venue(), key: "private_key", source_name, why };
    let Some(key) = read(&settings.private_key).map_err(failed)? else { return Ok(None) };
    let funder = Some(settings.funder.as_str()).filter(|funder| !funder.is_empty());
    let kind = match settings.wallet {
        WalletKind::Eoa => SignatureType::Eoa,
        WalletKind::Proxy => SignatureType::Proxy,
        WalletKind::Safe => SignatureType::Safe,
        WalletKind::Deposit => SignatureType::DepositWallet,
    };
    let wallet = Wallet::new(&key, funder, kind);
    wallet.map(Some).map_err(|why| SecretError::Key { venue: venue(), why })
}

/// What a source names; `None` for an empty one. Spaces and newlines around the value do not count.
///
/// # Errors
/// What is wrong with it; never the value.
pub fn read(source: &str) -> Result<Option<SecretString>, String> {
    let value: SecretString = match source.split_once(':') {
        None => return Ok(None),
        Some(("env", name)) => std::env::var(name).map_err(|_| "no such variable, or not text".to_owned())?.into(),
        Some((_, path)) => std::fs::read_to_string(path).map_err(|error| error.to_string())?.into(),
    };
    let trimmed: SecretString = value.expose_secret().trim().into();
    if trimmed.expose_secret().is_empty() { Err("it is empty".to_owned()) } else { Ok(Some(trimmed)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(api_key: &str, api_secret: &str) -> VenueSettings {
        let variables = [("API_KEY", api_key), ("API_SECRET", api_secret)];
        let variables = variables.map(|(key, value)| (format!("HIGHWIRE__VENUES__OKX__{key}"), value.to_owned()));
        crate::config::load_from(None, variables.into_iter()).unwrap().config.venues["okx"].clone()
    }

    fn file(text: &str) -> (tempfile::NamedTempFile, String) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, text).unwrap();
        let source = format!("file:{}", file.path().display());
        (file, source)
    }

    #[test]
    fn credentials_come_from_files_and_never_print() {
        let ((_a, key), (_b, secret)) = (file("canary-key\n"), file("canary-secret\n"));
        let keys = keys("okx", &settings(&key, &secret)).unwrap().unwrap();
        assert!(!format!("{keys:?}").contains("canary"));
        assert!(super::keys("okx", &settings("", "")).unwrap().is_none());
    }

    #[test]
    fn a_source_that_cannot_be_read_is_named_and_an_empty_one_refused() {
        let missing = keys("okx", &settings("env:HIGHWIRE_TEST_NO_SUCH_VARIABLE", "")).unwrap_err().to_string();
        assert!(missing.contains("venues.okx.api_key") && missing.contains("no such variable"), "{missing}");
        let ((_a, key), (_b, blank)) = (file("canary-key"), file(" \n"));
        let empty = keys("okx", &settings(&key, &blank)).unwrap_err().to_string();
        assert!(empty.contains("it is empty") && !empty.contains("canary"), "{empty}");
    }
}
