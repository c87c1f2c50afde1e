//! Bybit's recipe: hex of HMAC-SHA256 (base64 of RSA-SHA256 for RSA keys) over time, key, window and the
//! query of a GET or the body of a POST, exactly as sent. Its sockets are logged in once.

use crate::keys::{KeyError, KeyMaterial, Keys};
use crate::sign::{Encoding, Signer};
use crate::text;

/// A login is good for so long, milliseconds.
const LOGIN_MS: i64 = 10_000;

/// A signer, from an HMAC or an RSA key: Bybit has no others.
///
/// # Errors
/// [`KeyError::Kind`] for any other.
pub fn signer(keys: &Keys) -> Result<Signer, KeyError> {
    match keys.material() {
        KeyMaterial::Hmac(_) | KeyMaterial::Rsa(_) => keys.signer(Encoding::Hex),
        KeyMaterial::Ed25519(_) => Err(KeyError::Kind),
    }
}

/// Appends the header lines that authenticate a request. `payload` is the query of a GET or the body of
/// a POST; `window` its `recvWindow` in milliseconds.
///
/// # Errors
/// [`KeyError`] when the key cannot sign.
pub fn write_headers(
    signer: &mut Signer,
    keys: &Keys,
    payload: &[u8],
    window: &str,
    wall_ms: i64,
    out: &mut Vec<u8>,
) -> Result<(), KeyError> {
    out.extend_from_slice(b"X-BAPI-TIMESTAMP: ");
    let start = out.len();
    text::millis(wall_ms, out);
    let mut room = [0; 20];
    let len = (out.len() - start).min(room.len());
    room[..len].copy_from_slice(&out[start..start + len]);
    for part in ["\r\nX-BAPI-API-KEY: ", keys.api_key(), "\r\nX-BAPI-RECV-WINDOW: ", window, "\r\nX-BAPI-SIGN: "] {
        out.extend_from_slice(part.as_bytes());
    }
    signer.sign(&[&room[..len], keys.api_key().as_bytes(), window.as_bytes(), payload], out)?;
    out.extend_from_slice(b"\r\nX-BAPI-SIGN-TYPE: 2\r\nContent-Type: application/json\r\n");
    Ok(())
}

/// The login of the private and of the trade socket.
///
/// # Errors
/// [`KeyError`] when the key cannot sign.
pub fn auth(keys: &Keys, wall_ms: i64) -> Result<String, KeyError> {
    let expires = wall_ms.saturating_add(LOGIN_MS);
    let sign = signer(keys)?.signature(&format!("GET/realtime{expires}"))?;
    Ok(format!(r#"{{"op":"auth","args":["{}",{expires},"{sign}"]}}"#, keys.api_key()))
}
