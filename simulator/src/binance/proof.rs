//! Who asks, and the proof: API keys, signatures over the bytes as they were sent, the window of time.
//!
//! Rules: binance-spot-api-docs rest-api.md and web-socket-api.md (request security, timing security); signatures
//! are HMAC-SHA256 in hexadecimal, Ed25519 or RSA (PKCS #1 v1.5, SHA-256) in base64.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::call::{Params, Problem};
use crate::members::{Member, member, signed_hex};
use crate::text::decoded;

/// Length of an API key's name at least, as the venue looks at it before it looks the key up.
const KEY_CHARS_MIN: usize = 8;
/// Window without a `recvWindow`, in ms.
const WINDOW_MS: f64 = 5_000.0;
const WINDOW_MS_MAX: f64 = 60_000.0;
/// How far a timestamp may be ahead, in ms.
const AHEAD_MS: i64 = 1_000;

/// The member that an API key belongs to.
pub(super) fn asks<'a>(key: Option<&str>, members: &'a [Member]) -> Result<(usize, &'a Member), Problem> {
    let key =
        key.filter(|key| key.len() >= KEY_CHARS_MIN).ok_or_else(|| Problem::new(-2014, "API-key format invalid."))?;
    member(members, key).ok_or_else(|| Problem::new(-2015, "Invalid API-key, IP, or permissions for action."))
}

/// Whether a request proves that `member` sent it now: `payload` is what was signed.
pub(super) fn proves(member: &Member, payload: &str, params: &Params, now_ms: i64) -> Result<(), Problem> {
    let signature =
        params.get("signature").filter(|text| !text.is_empty()).ok_or_else(|| Problem::missing("signature"))?;
    timely(params, now_ms)?;
    let fits = match &member.public_key {
        None => signed_hex(member, payload, signature),
        Some(pem) => BASE64_STANDARD.decode(signature).is_ok_and(|bytes| verified(pem, payload.as_bytes(), &bytes)),
    };
    if fits { Ok(()) } else { Err(Problem::new(-1022, "Signature for this request is not valid.")) }
}

/// Whether a request's time lies within its window; times may be in microseconds.
pub(super) fn timely(params: &Params, now_ms: i64) -> Result<(), Problem> {
    let text = params.get("timestamp").filter(|text| !text.is_empty()).ok_or_else(|| Problem::missing("timestamp"))?;
    let sent: i64 = text.parse().map_err(|_| {
        Problem::new(-1100, "Illegal characters found in parameter 'timestamp'; legal range is '^[0-9]{1,20}$'.")
    })?;
    let sent_ms = if sent > 1_000_000_000_000_000 { sent / 1_000 } else { sent };
    let window = params.get("recvWindow").filter(|text| !text.is_empty());
    let window_ms = match window.map(|text| text.parse::<f64>()) {
        None => WINDOW_MS,
        Some(Ok(window)) if (0.0..=WINDOW_MS_MAX).contains(&window) => window,
        Some(Ok(_)) => return Err(Problem::new(-1131, "recvWindow must be less than 60000")),
        Some(Err(_)) => return Err(Problem::new(-1130, "Data sent for parameter 'recvWindow' is not valid.")),
    };
    if sent_ms >= now_ms + AHEAD_MS {
        return Err(Problem::new(-1021, "Timestamp for this request was 1000ms ahead of the server's time."));
    }
    if now_ms.saturating_sub(sent_ms) as f64 > window_ms {
        return Err(Problem::new(-1021, "Timestamp for this request is outside of the recvWindow."));
    }
    Ok(())
}

/// What was signed over HTTP: query and body as they were sent, one after the other, without the signature.
pub(super) fn http_payload(query: &str, body: &str) -> String {
    let unsigned =
        |part: &str| part.split('&').filter(|pair| !pair.starts_with("signature=")).collect::<Vec<_>>().join("&");
    unsigned(query) + &unsigned(body)
}

/// What was signed on a socket: every parameter but the signature, sorted by name.
pub(super) fn socket_payload(params: &Params) -> String {
    let signed = params.iter().filter(|(name, _)| *name != "signature");
    signed.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Parameters of a query or form body, decoded; later ones do not replace earlier ones.
pub(super) fn http_params(query: &str, body: &str) -> Params {
    let mut params = Params::new();
    for pair in query.split('&').chain(body.split('&')).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        params.entry(decoded(name)).or_insert_with(|| decoded(value));
    }
    params
}

/// Parameters of a socket request.
pub(super) fn socket_params(request: &Value) -> Params {
    let members = request["params"].as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    members.map(|(name, value)| (name.clone(), text(value))).collect()
}

fn verified(pem: &str, payload: &[u8], signature: &[u8]) -> bool {
    let Some(key) = subject_key(pem) else { return false };
    if let Ok(ed25519) = <[u8; 32]>::try_from(key.as_slice()) {
        return UnparsedPublicKey::new(&ED25519, ed25519).verify(payload, signature).is_ok();
    }
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(payload, signature).is_ok()
}

/// The key inside a `PUBLIC KEY` PEM (RFC 5280 `SubjectPublicKeyInfo`): the bytes of its bit string.
fn subject_key(pem: &str) -> Option<Vec<u8>> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = BASE64_STANDARD.decode(body).ok()?;
    let (info, _) = element(&der, 0x30)?;
    let (_, rest) = element(info, 0x30)?;
    let (bits, _) = element(rest, 0x03)?;
    bits.split_first().filter(|(unused, _)| **unused == 0).map(|(_, key)| key.to_vec())
}

/// The content of the DER element with that tag at the front, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let (digits, rest) = (rest.get(..count)?, rest.get(count..)?);
        (digits.iter().take(4).fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    (found == tag).then_some(())?;
    Some((rest.get(..length)?, rest.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(secret: &str, public_key: Option<&str>) -> Member {
        let public_key = public_key.map(str::to_owned);
        Member { secret: secret.to_owned(), public_key, ..Member::dummies()[0].clone() }
    }

    const NOW_MS: i64 = 1_790_000_000_123;

    fn judged(member: &Member, query: &str) -> Result<(), i32> {
        let params = http_params(query, "");
        proves(member, &http_payload(query, ""), &params, NOW_MS).map_err(|problem| problem.code)
    }

    #[test]
    fn the_documented_signatures_verify_and_others_do_not() {
        let member = member("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j", None);
        let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=65000.12&newClientOrderId=arb-0001&newOrderRespType=RESULT&recvWindow=5000&timestamp=1790000000123";
        let signature = "cc6d72712157f58e3283ef44954f2c6077685b6bf7f2388af2fd354005d85608";
        assert_eq!(judged(&member, &format!("{query}&signature={signature}")), Ok(()));
        assert_eq!(judged(&member, &format!("signature={signature}&{query}")), Ok(()), "wherever it stands");
        assert_eq!(judged(&member, &format!("{query}0&signature={signature}")), Err(-1021));
        assert_eq!(judged(&member, &format!("x=1&{query}&signature={signature}")), Err(-1022));
        assert_eq!(judged(&member, query), Err(-1102));
    }

    #[test]
    fn an_ed25519_key_verifies_what_its_owner_signed() {
        let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = ring::signature::KeyPair::public_key(&pair).as_ref().to_vec();
        let der = [&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..], &public].concat();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", BASE64_STANDARD.encode(der));
        let member = member("", Some(&pem));
        let signed = |text: &str| {
            BASE64_STANDARD
                .encode(pair.sign(text.as_bytes()))
                .replace('+', "%2B")
                .replace('/', "%2F")
                .replace('=', "%3D")
        };
        let query = "symbol=%EF%BC%91&timestamp=1790000000123";
        assert_eq!(judged(&member, &format!("{query}&signature={}", signed(query))), Ok(()), "over the encoded bytes");
        assert_eq!(judged(&member, &format!("{query}&signature={}", signed("symbol=1"))), Err(-1022));
    }

    /// Made once with `openssl genpkey -algorithm RSA`; its private half is kept nowhere.
    const RSA_PUBLIC: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA6EkzVaguRHYtsCdkBZoInabBaCD3c0mFfYiGiiJ2C4EI/HuBXwsCVU3DpJq6G0aY0FQE0PRwbRbdl5QyjE54/ukCPWCbrRI0e9ZbZc+MtlZ33ES1YMQ4M5YxM6x2WbMrs4J2F/3VmNRw5kA3TrrI6IC8xUr75xGBAwWODFiqfyX/GUp5L0dTlFIENw1b9ytugH7c4LRbbSWiNZMf96YkY/vPB1FT6aAVLectBMqruYVm+k0nbXqHFK1SLMal35c2DlbSOb7RHB8JU88Hy6ZOaF4yedbBRTvW7n98eyJUcf2laCEXUdqgOjYLgKho5+BH9LGly0ddzfottb1SogcGiwIDAQAB";
    const RSA_SIGNATURE: &str = "lW+n8HzKmqMyliTRtmzS44UJXYPFKg3WkaoztlKp6ThQLgd8BMuC+dUag9f+lztnov6+TLj4iJn2VBeFq+/jcQFZg58T1W8/lbGUYAwb6nJN7XEUv3vUc6DIOJV7XX/eCuXdVPTC1ur5oPjiP6skyQYCH20sZlwCLmweWjc9v2kqaQvN8GPSQtPunEBzmoem9QEyxeeh9WNu4I6qCovtXYfrEjVpurXqWXyEllKgLm5iHPToDFv/ZGswtuKF0UJUuXW7MHsGk6HnvbL/bDAPdyjwLodIaFpzOTpWpiXqFDdWDTI0DrYDWwCI4MWDN7K+zF8hHZ0xS0TMZcGTdW1qHw==";

    #[test]
    fn an_rsa_key_verifies_what_openssl_signed() {
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{RSA_PUBLIC}\n-----END PUBLIC KEY-----\n");
        let member = member("", Some(&pem));
        let sent = RSA_SIGNATURE.replace('+', "%2B").replace('/', "%2F");
        assert_eq!(judged(&member, &format!("timestamp=1790000000123&signature={sent}")), Ok(()));
        assert_eq!(judged(&member, &format!("timestamp=1790000000124&signature={sent}")), Err(-1022));
    }

    #[test]
    fn times_must_lie_in_their_window() {
        let code = |timestamp: &str, window: &str| {
            let params = http_params(&format!("timestamp={timestamp}&recvWindow={window}"), "");
            timely(&params, NOW_MS).map_err(|problem| problem.code)
        };
        assert_eq!(code("1790000000123", ""), Ok(()));
        assert_eq!(code("1790000001122", "1"), Ok(()));
        assert_eq!(code("1790000001123", ""), Err(-1021));
        assert_eq!(code("1789999995123", "5000"), Ok(()));
        assert_eq!(code("1789999995122", "5000"), Err(-1021));
        assert_eq!(code("1789999995122", "5001.5"), Ok(()), "three decimals are fine");
        assert_eq!(code("1790000000123000", ""), Ok(()), "microseconds");
        assert_eq!(code("1790000000123", "60001"), Err(-1131));
        assert_eq!(code("soon", ""), Err(-1100));
        assert_eq!(code("", ""), Err(-1102));
    }
}
