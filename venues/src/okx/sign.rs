//! OKX's recipe: base64 of HMAC-SHA256 over time, method, path with query, and body as sent. The time is
//! ISO 8601 to the millisecond for requests and whole seconds for the WebSocket login.

use crate::keys::{KeyError, KeyMaterial, Keys};
use crate::sign::{Encoding, Signer};
use crate::text;

/// Whether a request is of demo trading; the official client sends it always.
pub const DEMO_HEADER: &str = "x-simulated-trading";

/// A signer, from the one kind of key that OKX has.
///
/// # Errors
/// [`KeyError::Kind`] for any other.
pub fn signer(keys: &Keys) -> Result<Signer, KeyError> {
    match keys.material() {
        KeyMaterial::Hmac(_) => keys.signer(Encoding::Base64),
        KeyMaterial::Ed25519(_) | KeyMaterial::Rsa(_) => Err(KeyError::Kind),
    }
}

/// Appends the header lines that authenticate a request.
///
/// # Errors
/// [`KeyError`] when there is no passphrase or the key cannot sign.
pub fn write_headers(
    signer: &mut Signer,
    keys: &Keys,
    (method, path, body): (&str, &[u8], &[u8]),
    wall_ms: i64,
    out: &mut Vec<u8>,
) -> Result<(), KeyError> {
    out.extend_from_slice(b"OK-ACCESS-TIMESTAMP: ");
    text::iso(wall_ms, out);
    let mut time = [0; 24];
    time.copy_from_slice(out.last_chunk::<24>().ok_or(KeyError::Kind)?);
    out.extend_from_slice(b"\r\nOK-ACCESS-SIGN: ");
    signer.sign(&[&time, method.as_bytes(), path, body], out)?;
    let demo = if keys.demo() { "1" } else { "0" };
    let parts = ["\r\nOK-ACCESS-KEY: ", keys.api_key(), "\r\nOK-ACCESS-PASSPHRASE: ", keys.passphrase()?, "\r\n"];
    for part in parts.into_iter().chain([DEMO_HEADER, ": ", demo, "\r\nContent-Type: application/json\r\n"]) {
        out.extend_from_slice(part.as_bytes());
    }
    Ok(())
}

/// The WebSocket login.
///
/// # Errors
/// [`KeyError`] when there is no passphrase or the key cannot sign.
pub fn login(keys: &Keys, wall_ms: i64) -> Result<String, KeyError> {
    let seconds = wall_ms / 1_000;
    let sign = signer(keys)?.signature(&format!("{seconds}GET/users/self/verify"))?;
    let (key, passphrase) = (keys.api_key(), keys.passphrase()?);
    Ok(format!(
        r#"{{"op":"login","args":[{{"apiKey":"{key}","passphrase":"{passphrase}","timestamp":"{seconds}","sign":"{sign}"}}]}}"#
    ))
}
