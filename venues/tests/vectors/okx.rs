//! OKX: headers over REST, the login over WebSocket.

use crate::file::{Vector, VectorFile, plain, same};
use highwire_venues::sign::okx;
use serde_json::Value;

/// Checks every vector.
pub fn check(file: &VectorFile) -> Result<usize, String> {
    file.each(|vector| match &vector.frame {
        Some(frame) => login(file, vector, frame),
        None => request(file, vector),
    })
}

fn request(file: &VectorFile, vector: &Vector) -> Result<(), String> {
    let method = vector.method.as_deref().ok_or("neither a method nor a frame")?;
    let signature = vector.header("ok-access-sign").ok_or("no signature header")?;
    let mut keys = file.keys(vector, signature, true)?;
    if vector.header(okx::DEMO_HEADER) == Some("1") {
        keys = keys.for_demo();
    }
    let (path, body) = (vector.path_and_query()?, vector.body.as_deref().unwrap_or_default());
    let mut signer = okx::signer(&keys).map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    let request = (method, path.as_bytes(), body.as_bytes());
    okx::write_headers(&mut signer, &keys, request, file.time(vector), &mut lines)
        .map_err(|error| error.to_string())?;
    vector.signs(&format!("{}{method}{path}{body}", vector.header("ok-access-timestamp").unwrap_or_default()))?;
    vector.carries(&lines, &["ok-access-", okx::DEMO_HEADER], &[okx::DEMO_HEADER, "content-type"])
}

fn login(file: &VectorFile, vector: &Vector, frame: &Value) -> Result<(), String> {
    if frame.get("op").and_then(Value::as_str) != Some("login") {
        return Err("a frame that is no login".to_owned());
    }
    let arg = frame.pointer("/args/0").ok_or("a login without arguments")?;
    let keys = file.keys(vector, &arg.get("sign").map(plain).unwrap_or_default(), true)?;
    vector.signs(&format!("{}GET/users/self/verify", arg.get("timestamp").map(plain).unwrap_or_default()))?;
    let ours = okx::login(&keys, file.time(vector)).map_err(|error| error.to_string())?;
    let ours: Value = serde_json::from_str(&ours).map_err(|error| error.to_string())?;
    for name in ["apiKey", "passphrase", "timestamp", "sign"] {
        same(
            name,
            &ours["args"][0].get(name).map(plain).unwrap_or_default(),
            &arg.get(name).map(plain).unwrap_or_default(),
        )?;
    }
    Ok(())
}
