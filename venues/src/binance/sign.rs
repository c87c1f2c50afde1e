//! Binance's recipe. REST: the signature covers the query as sent, percent-encoded (since 2026-01-15
//! values are encoded before signing), and stands last in it. WebSocket API: it covers the parameters
//! sorted by name, joined as `k=v` with `&`, as they are.

use crate::http::query_signature;
use crate::keys::{KeyError, Keys};
use crate::sign::{Encoding, Signer};

/// The header that names the key.
pub const KEY_HEADER: &str = "X-MBX-APIKEY";

/// Appends the query with `&signature=…` at its end; a form body that is sent as well is signed after it.
///
/// # Errors
/// [`KeyError`] when the key cannot sign.
pub fn sign_query(signer: &mut Signer, query: &[u8], body: &[u8], out: &mut Vec<u8>) -> Result<(), KeyError> {
    out.extend_from_slice(query);
    out.extend_from_slice(if query.is_empty() { b"signature=" } else { b"&signature=" });
    query_signature(signer, &[query, body], out)
}

/// What the WebSocket API signs of these parameters; a `signature` among them is left out.
pub fn payload(params: &[(String, String)]) -> String {
    let mut sorted: Vec<_> = params.iter().filter(|(name, _)| name != "signature").collect();
    sorted.sort();
    let joined: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
    joined.join("&")
}

/// A message that only proves who we are: `session.logon`, or the subscription to our own events.
///
/// # Errors
/// [`KeyError`] when the key cannot sign.
pub fn credentials(method: &str, id: &str, keys: &Keys, wall_ms: i64) -> Result<String, KeyError> {
    let params = [("apiKey".to_owned(), keys.api_key().to_owned()), ("timestamp".to_owned(), wall_ms.to_string())];
    let signature = keys.signer(Encoding::Hex)?.signature(&payload(&params))?;
    let key = keys.api_key();
    Ok(format!(
        r#"{{"id":"{id}","method":"{method}","params":{{"apiKey":"{key}","timestamp":{wall_ms},"signature":"{signature}"}}}}"#
    ))
}
