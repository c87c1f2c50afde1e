//! Polymarket: the wallet's signature for API keys (L1), the HMAC of every private request (L2), and the
//! typed, signed orders inside their bodies, built from what the order was asked to be.

use crate::file::{Vector, VectorFile, same};
use highwire_links::Side;
use highwire_links::fixed::parse;
use highwire_venues::Venue;
use highwire_venues::keys::{KeyMaterial, Keys};
use highwire_venues::orders::private_line;
use highwire_venues::polymarket::eip712::{SignatureType, TypedOrder, bytes, digest, hex, uint256};
use highwire_venues::polymarket::market::Positions;
use highwire_venues::polymarket::private::{api_keys, sign};
use highwire_venues::polymarket::request::{OrderType, Post, body};
use highwire_venues::polymarket::typed::{amounts, purchase};
use highwire_venues::polymarket::{Exchange, PX_DP, QTY_DP, Wallet};
use secrecy::SecretString;
use serde_json::Value;

/// Checks every vector.
pub fn check(file: &VectorFile) -> Result<usize, String> {
    file.each(|vector| match (&vector.frame, vector.header("POLY_NONCE")) {
        (Some(frame), _) => greeting(file, vector, frame),
        (None, Some(_)) => wallet_request(file, vector),
        (None, None) => request(file, vector),
    })
}

fn text<'v>(value: &'v Value, path: &str) -> Result<&'v str, String> {
    value.pointer(path).and_then(Value::as_str).ok_or_else(|| format!("no text at {path}"))
}

fn why(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The wallet that a vector is signed with: its own key and input, or the file's key alone.
fn wallet(file: &VectorFile, vector: &Vector) -> Result<Wallet, String> {
    let key = vector.more.get("signer_private_key").and_then(Value::as_str);
    let key: SecretString = key.map_or_else(|| file.credential("private_key"), Ok)?.into();
    let input = vector.more.get("input").unwrap_or(&Value::Null);
    let kind = input.get("signature_type").and_then(Value::as_u64).unwrap_or(0);
    let kind = u8::try_from(kind).ok().and_then(SignatureType::from_u8).ok_or("a signature type that is not known")?;
    Wallet::new(&key, input.get("funder").and_then(Value::as_str), kind).map_err(why)
}

fn keys(file: &VectorFile, vector: &Vector) -> Result<Keys, String> {
    let secret = KeyMaterial::Hmac(file.credential("api_secret_b64url")?.into());
    let keys = Keys::new(file.credential("api_key")?.into(), secret).map_err(why)?;
    let keys = keys.with_passphrase(file.credential("api_passphrase")?.into()).map_err(why)?;
    Ok(keys.with_wallet(wallet(file, vector)?))
}

fn lines<'h>(headers: impl Iterator<Item = (&'h str, &'h str)>) -> Vec<u8> {
    headers.flat_map(|(name, value)| format!("{name}: {value}\r\n").into_bytes()).collect()
}

fn wallet_request(file: &VectorFile, vector: &Vector) -> Result<(), String> {
    let path = vector.path_and_query()?;
    let ours = api_keys(&wallet(file, vector)?, path == "/auth/api-key", file.time(vector)).map_err(why)?;
    same("the method", ours.method, vector.method.as_deref().unwrap_or_default())?;
    same("the path", &ours.path_and_query, path)?;
    vector.carries(&lines(ours.headers()), &["poly_"], &[])
}

fn request(file: &VectorFile, vector: &Vector) -> Result<(), String> {
    let keys = keys(file, vector)?;
    let given = vector.body.as_deref().unwrap_or_default();
    let sent = match vector.more.get("eip712") {
        Some(typed) => order(&keys, vector, typed, given)?,
        None => given.to_owned(),
    };
    same("the body", &sent, given)?;
    let (method, path) = (vector.method.as_deref().unwrap_or_default(), vector.path_and_query()?);
    let time_ms = file.time(vector);
    let plain = path.split('?').next().unwrap_or_default();
    vector.signs(&format!("{}{method}{plain}{sent}", time_ms / 1000))?;
    let mut headers = Vec::new();
    sign(&keys, method, path, &sent, time_ms, &mut headers).map_err(why)?;
    vector.carries(&headers, &["poly_"], &[])
}

/// A decimal of the input, which is a JSON number.
fn decimal(input: &Value, key: &str, dp: u8) -> Result<Option<i64>, String> {
    let text = match input.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.clone(),
        Some(number) => number.to_string(),
    };
    parse(text.trim_end_matches(".0").as_bytes(), dp)
        .map(|read| Some(read.mantissa))
        .map_err(|error| format!("{key}: {error}"))
}

/// The body of an order: its amounts from what was asked for; salt, token, time and end as given, since
/// they are dice and clock.
fn order(keys: &Keys, vector: &Vector, typed: &Value, given: &str) -> Result<String, String> {
    let input = vector.more.get("input").ok_or("an order without its input")?;
    let given: Value = serde_json::from_str(given).map_err(why)?;
    let number = |path: &str| match given.pointer(path) {
        Some(Value::String(text)) => text.parse::<u64>().map_err(why),
        value => value.and_then(Value::as_u64).ok_or_else(|| format!("no number at {path}")),
    };
    let side = if text(input, "/side")? == "BUY" { Side::Buy } else { Side::Sell };
    let tick = decimal(input, "tick_size", PX_DP)?.ok_or("no tick")?;
    let px = decimal(input, "price", PX_DP)?.ok_or("no price")?;
    let wanted = match (decimal(input, "size", QTY_DP)?, decimal(input, "amount", QTY_DP)?) {
        (Some(size), _) => amounts(side, px, size, tick, false),
        (None, Some(dollars)) if side == Side::Buy => purchase(dollars, px, tick),
        (None, Some(shares)) => amounts(side, px, shares, tick, true),
        (None, None) => None,
    };
    let (maker_amount, taker_amount) = wanted.ok_or("no amounts")?;
    let token = text(&given, "/order/tokenId")?;
    let wallet = keys.wallet().map_err(why)?;
    let (maker, signer) = wallet.parties();
    let signed = TypedOrder {
        salt: number("/order/salt")?,
        maker,
        signer,
        token: uint256(token).ok_or("a token that is no number")?,
        maker_amount,
        taker_amount,
        side,
        signature_type: wallet.kind(),
        timestamp_ms: number("/order/timestamp")?,
    };
    let exchange = exchange(input, typed)?;
    let order_type = match text(input, "/order_type")? {
        "GTC" => OrderType::Gtc,
        "GTD" => OrderType::Gtd(number("/order/expiration")?),
        "FOK" => OrderType::Fok,
        "FAK" => OrderType::Fak,
        other => return Err(format!("an order type {other}")),
    };
    let post_only = input.get("post_only").and_then(Value::as_bool).unwrap_or(false);
    let owner: SecretString = keys.api_key().into();
    let mut out = Vec::new();
    let hash = body(wallet, exchange, &signed, &Post { token, order_type, post_only, owner: &owner }, &mut out);
    let mut written = Vec::new();
    hex(&hash.ok_or("the order was not signed")?, &mut written);
    same("the hash", &String::from_utf8_lossy(&written), text(typed, "/order_hash")?)?;
    if digest(exchange.domain(), &signed.struct_hash()) != hash.unwrap_or_default() {
        return Err("the hash is not that of the struct".to_owned());
    }
    String::from_utf8(out).map_err(why)
}

/// The exchange that the market's kind and the version of its positions call for.
fn exchange(input: &Value, typed: &Value) -> Result<Exchange, String> {
    let neg_risk = input.get("neg_risk").and_then(Value::as_bool).ok_or("neither neg-risk nor not")?;
    let version = text(typed, "/domain/version")?;
    let positions = if version == "3" { Positions::Ledger } else { Positions::Tokens };
    let exchange = Exchange::of(neg_risk, positions);
    same("the version", exchange.version(), version)?;
    same("the contract", exchange.contract(), text(typed, "/domain/verifyingContract")?)?;
    let separator: Option<[u8; 32]> = match typed.pointer("/app_domain_separator").and_then(Value::as_str) {
        Some(told) => bytes(told.as_bytes()),
        None => Some(*exchange.domain()),
    };
    if separator == Some(*exchange.domain()) { Ok(exchange) } else { Err("another domain separator".to_owned()) }
}

fn greeting(file: &VectorFile, vector: &Vector, frame: &Value) -> Result<(), String> {
    let keys = keys(file, vector)?;
    let plan = private_line(Venue::Polymarket, &keys, &[], None, file.time(vector)).map_err(why)?;
    let mut ours: Value = serde_json::from_str(plan.login.first().ok_or("no login")?.frame()).map_err(why)?;
    // We ask for the news of all markets; a vector may name some.
    ours["markets"] = frame.get("markets").cloned().unwrap_or_default();
    if ours == *frame { Ok(()) } else { Err(format!("our message is {ours}")) }
}
