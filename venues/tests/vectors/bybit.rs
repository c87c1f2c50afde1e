//! Bybit: headers over REST, the login over WebSocket.

use crate::file::{Vector, VectorFile, plain, same};
use highwire_venues::sign::bybit;
use serde_json::Value;

/// Checks every vector.
pub fn check(file: &VectorFile) -> Result<usize, String> {
    file.each(|vector| match &vector.frame {
        Some(frame) => auth(file, vector, frame),
        None => request(file, vector),
    })
}

fn request(file: &VectorFile, vector: &Vector) -> Result<(), String> {
    let method = vector.method.as_deref().ok_or("neither a method nor a frame")?;
    let signature = vector.header("x-bapi-sign").ok_or("no signature header")?;
    let window = vector.header("x-bapi-recv-window").ok_or("no window header")?;
    let keys = file.keys(vector, signature, false)?;
    let payload = if method == "GET" { vector.query()? } else { vector.body.as_deref().unwrap_or_default() };
    let time = file.time(vector);
    let mut signer = bybit::signer(&keys).map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    bybit::write_headers(&mut signer, &keys, payload.as_bytes(), window, time, &mut lines)
        .map_err(|error| error.to_string())?;
    vector.signs(&format!("{time}{}{window}{payload}", keys.api_key()))?;
    vector.carries(&lines, &["x-bapi-"], &["x-bapi-sign-type", "content-type"])
}

fn auth(file: &VectorFile, vector: &Vector, frame: &Value) -> Result<(), String> {
    if frame.get("op").and_then(Value::as_str) != Some("auth") {
        return Err("a frame that is no login".to_owned());
    }
    let arg = |at: usize| frame.pointer(&format!("/args/{at}")).map(plain).unwrap_or_default();
    let expires: i64 = arg(1).parse().map_err(|_| "a login without its end")?;
    vector.signs(&format!("GET/realtime{expires}"))?;
    let keys = file.keys(vector, &arg(2), false)?;
    // Ours ends ten seconds after its time; the vector's own end is what was signed.
    let ours = bybit::auth(&keys, expires - 10_000).map_err(|error| error.to_string())?;
    let ours: Value = serde_json::from_str(&ours).map_err(|error| error.to_string())?;
    for at in 0..3 {
        same("an argument", &ours["args"].get(at).map(plain).unwrap_or_default(), &arg(at))?;
    }
    Ok(())
}
