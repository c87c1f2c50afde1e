//! What authorises requests: the wallet's address, the API key and its HMAC (L2), or the wallet itself (L1).

use super::eip712::{self, auth_digest};
use super::wallet::Wallet;
use crate::keys::{KeyError, KeyMaterial, Keys};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use std::sync::Arc;
use zeroize::Zeroizing;

/// Bytes of an HMAC-SHA256 in base64 with padding.
const TAG_TEXT: usize = 44;

/// Digits of a time in seconds, for the next three centuries.
const SECONDS_TEXT: usize = 10;

/// An account with its keys prepared: a header costs a copy of the keyed state and two hashes.
#[derive(Clone)]
pub(super) struct Account {
    pub wallet: Arc<Wallet>,
    pub api_key: SecretString,
    passphrase: SecretString,
    mac: Hmac<Sha256>,
}

impl Account {
    /// The account of these keys.
    pub(super) fn of(keys: &Keys) -> Result<Self, KeyError> {
        let KeyMaterial::Hmac(secret) = keys.material() else { return Err(KeyError::Kind) };
        let unreadable = KeyError::Unreadable { field: "secret", expected: "URL-safe base64" };
        let secret = Zeroizing::new(URL_SAFE.decode(secret.expose_secret()).map_err(|_| unreadable)?);
        Ok(Self {
            wallet: Arc::clone(keys.wallet()?),
            api_key: keys.api_key().into(),
            passphrase: keys.passphrase()?.into(),
            mac: Hmac::new_from_slice(&secret).map_err(|_| KeyError::Kind)?,
        })
    }

    /// Appends the header lines of a request at L2. The path goes without its query; the body is as sent.
    pub(super) fn headers(&self, method: &str, path: &str, body: &[u8], wall_ms: i64, out: &mut Vec<u8>) {
        let mut room = [0; SECONDS_TEXT];
        let seconds = seconds(wall_ms, &mut room);
        let mut mac = self.mac.clone();
        let path = path.split('?').next().unwrap_or_default();
        [seconds, method.as_bytes(), path.as_bytes(), body].iter().for_each(|part| mac.update(part));
        let mut tag = [0; TAG_TEXT];
        let written = URL_SAFE.encode_slice(mac.finalize().into_bytes(), &mut tag).unwrap_or(0);
        for (name, value) in [
            ("POLY_ADDRESS", self.wallet.signer().as_bytes()),
            ("POLY_SIGNATURE", &tag[..written]),
            ("POLY_TIMESTAMP", seconds),
            ("POLY_API_KEY", self.api_key.expose_secret().as_bytes()),
            ("POLY_PASSPHRASE", self.passphrase.expose_secret().as_bytes()),
        ] {
            line(name, value, out);
        }
    }

    /// The first frame of the user channel: it holds the secrets themselves.
    pub(super) fn greeting(&self, keys: &Keys, markets: &[String]) -> String {
        let KeyMaterial::Hmac(secret) = keys.material() else { return String::new() };
        let markets: Vec<String> = markets.iter().map(|market| format!("\"{market}\"")).collect();
        format!(
            r#"{{"auth":{{"apiKey":"{}","secret":"{}","passphrase":"{}"}},"markets":[{}],"type":"user"}}"#,
            self.api_key.expose_secret(),
            secret.expose_secret(),
            self.passphrase.expose_secret(),
            markets.join(","),
        )
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account").field("wallet", &self.wallet).finish_non_exhaustive()
    }
}

/// Appends the header lines of a request at L1, which asks for API keys; `None` when the key cannot sign.
pub(super) fn wallet_headers(wallet: &Wallet, nonce: u64, wall_ms: i64, out: &mut Vec<u8>) -> Option<()> {
    let seconds = (wall_ms.max(0) / 1000).to_string();
    let address = eip712::bytes(wallet.signer().as_bytes())?;
    let mut signature = Vec::new();
    eip712::hex(&wallet.sign_digest(&auth_digest(&address, &seconds, nonce)), &mut signature);
    line("POLY_ADDRESS", wallet.signer().as_bytes(), out);
    line("POLY_SIGNATURE", &signature, out);
    line("POLY_TIMESTAMP", seconds.as_bytes(), out);
    line("POLY_NONCE", nonce.to_string().as_bytes(), out);
    Some(())
}

/// A wall-clock time in whole seconds, without allocation.
fn seconds(wall_ms: i64, room: &mut [u8; SECONDS_TEXT]) -> &[u8] {
    let mut rest = wall_ms.max(0) / 1000;
    let mut at = room.len();
    while at > 0 && (rest > 0 || at == room.len()) {
        at -= 1;
        room[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    &room[at..]
}

fn line(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
