//! Binance: a signature in the query or in the form body over REST, or among a message's parameters.

use crate::file::{Vector, VectorFile, plain, same};
use highwire_venues::sign::{Encoding, binance};
use serde_json::Value;

/// Checks every vector.
pub fn check(file: &VectorFile) -> Result<usize, String> {
    file.each(|vector| match &vector.frame {
        Some(frame) => message(file, vector, frame),
        None => request(file, vector),
    })
}

/// Parameters and signature of `a=1&signature=..`, wherever in it the signature stands.
fn split(query: &str) -> (String, Option<String>) {
    let (mut rest, mut signature) = (Vec::new(), None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.strip_prefix("signature=") {
            Some(value) => signature = Some(value.to_owned()),
            None => rest.push(pair),
        }
    }
    (rest.join("&"), signature)
}

fn request(file: &VectorFile, vector: &Vector) -> Result<(), String> {
    vector.method.as_ref().ok_or("neither a method nor a frame")?;
    let named = vector.header(binance::KEY_HEADER);
    if let Some(key) = named {
        same("the key", file.credential("api_key")?, key)?;
    }
    let (query, in_query) = split(vector.query()?);
    let (body, in_body) = split(vector.body.as_deref().unwrap_or_default());
    let Some(signature) = in_query.clone().or(in_body.clone()) else {
        // Not signed: that must be what the file says, and a key must be named, else nothing is checked.
        let bare = vector.string_to_sign.is_none() && !query.contains("timestamp=");
        return if bare && named.is_some() { Ok(()) } else { Err("no signature".to_owned()) };
    };
    named.ok_or("no key header")?;
    vector.signs(&format!("{query}{body}"))?;
    let keys = file.keys(vector, &unescaped(&signature), false)?;
    let mut signer = keys.signer(Encoding::Hex).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    let (target, other) = if in_query.is_some() { (query, body) } else { (format!("{query}{body}"), String::new()) };
    binance::sign_query(&mut signer, target.as_bytes(), other.as_bytes(), &mut out)
        .map_err(|error| error.to_string())?;
    let out = String::from_utf8(out).map_err(|_| "not text")?;
    let written =
        if in_query.is_some() { vector.query()?.to_owned() } else { target_with(&vector.body, vector.query()?) };
    if written.ends_with(&format!("signature={signature}")) {
        return same("the request", &out, &written);
    }
    same("the signature", &split(&out).1.unwrap_or_default(), &signature)
}

/// Query and form body as they are signed, one after the other.
fn target_with(body: &Option<String>, query: &str) -> String {
    format!("{query}{}", body.as_deref().unwrap_or_default())
}

fn unescaped(text: &str) -> String {
    text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
}

fn message(file: &VectorFile, vector: &Vector, frame: &Value) -> Result<(), String> {
    let params = frame.get("params").and_then(Value::as_object).ok_or("a frame without parameters")?;
    let pairs: Vec<(String, String)> = params.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
    let signature = params.get("signature").and_then(Value::as_str).ok_or("a frame without signature")?;
    let payload = binance::payload(&pairs);
    vector.signs(&payload)?;
    same("the key", file.credential("api_key")?, params.get("apiKey").and_then(Value::as_str).unwrap_or_default())?;
    let keys = file.keys(vector, signature, false)?;
    let ours = keys.signer(Encoding::Hex).and_then(|mut signer| signer.signature(&payload));
    same("the signature", &ours.map_err(|error| error.to_string())?, signature)?;
    if params.len() != 3 {
        return Ok(());
    }
    // Nothing but key, time and signature: our own credentials message must be the same.
    let text = |key: &str| frame.get(key).map(plain).ok_or("a frame without id or method");
    let time = params.get("timestamp").and_then(Value::as_i64).ok_or("a frame without time")?;
    let ours = binance::credentials(&text("method")?, &text("id")?, &keys, time).map_err(|error| error.to_string())?;
    let ours: Value = serde_json::from_str(&ours).map_err(|error| error.to_string())?;
    if ours == *frame { Ok(()) } else { Err(format!("our message is {ours}")) }
}
