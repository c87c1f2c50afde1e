//! Who may log in and ask, and what is said to those who may not: OKX and Bybit, sockets and REST.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use highwire_simulator::{Injection, Member, RuleOverrides, Simulator, Venue, Verb};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, lively};

fn wall_ms() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64
}

fn hmac(member: &Member, text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(member.secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Head and JSON body of a GET with headers.
async fn ask(base: &str, path: &str, headers: &[(&str, &str)]) -> (String, Value) {
    send(base, "GET", path, headers, "").await
}

/// Head and JSON body of the answer to a request.
pub(crate) async fn send(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (String, Value) {
    let host = base.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n{body}"
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), serde_json::from_str(body).unwrap())
}

fn okx_login(member: &Member, at_s: u64) -> Value {
    let sign = BASE64_STANDARD.encode(hmac(member, &format!("{at_s}GET/users/self/verify")));
    let (key, passphrase, timestamp) = (&member.key, &member.passphrase, at_s.to_string());
    serde_json::json!({ "apiKey": key, "passphrase": passphrase, "timestamp": timestamp, "sign": sign })
}

async fn okx_private(simulator: &Simulator) -> Client {
    Client::open(&format!("{}/ws/v5/private", simulator.address(Venue::Okx).unwrap().ws)).await.unwrap()
}

async fn log_in(client: &mut Client, login: &Value) -> Value {
    client.say(&format!(r#"{{"op":"login","args":[{login}]}}"#)).await;
    client.json().await
}

#[tokio::test]
async fn okx_hears_members_after_their_login_only() {
    let simulator = lively(RuleOverrides::default()).await;
    let (member, mut client) = (&Member::dummies()[0], okx_private(&simulator).await);
    client.say(r#"{"op":"subscribe","args":[{"channel":"orders","instType":"ANY"}]}"#).await;
    assert_eq!(client.json().await["code"], "60011");
    let answer = log_in(&mut client, &okx_login(member, wall_ms() / 1_000)).await;
    assert_eq!((&answer["event"], &answer["code"]), (&"login".into(), &"0".into()));
    assert_eq!(log_in(&mut client, &okx_login(member, wall_ms() / 1_000)).await["code"], "60031");
    client.say(r#"{"id":"7","op":"subscribe","args":[{"channel":"orders","instType":"ANY"}]}"#).await;
    let ack = client.json().await;
    assert_eq!(
        (&ack["event"], &ack["id"], &ack["arg"]["channel"]),
        (&"subscribe".into(), &"7".into(), &"orders".into())
    );
    assert_eq!(client.json().await["connCount"], "1");
    client.say(r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#).await;
    assert_eq!(client.json().await["code"], "60018");
    client.say("ping").await;
    assert_eq!(client.text().await, "pong");
    let mut second = okx_private(&simulator).await;
    log_in(&mut second, &okx_login(member, wall_ms() / 1_000)).await;
    second.say(r#"{"op":"subscribe","args":[{"channel":"orders","instType":"ANY"}]}"#).await;
    second.json().await;
    assert_eq!(second.json().await["connCount"], "2");
    simulator.stop().await;
}

#[tokio::test]
async fn okx_names_what_is_wrong_with_a_login_and_closes() {
    let rules = RuleOverrides { connections: Some(100), ..RuleOverrides::default() };
    let simulator = lively(rules).await;
    let (member, now_s) = (&Member::dummies()[0], wall_ms() / 1_000);
    let wrong = |edit: &dyn Fn(&mut Value)| {
        let mut login = okx_login(member, now_s);
        edit(&mut login);
        login
    };
    for (login, code) in [
        (wrong(&|l| l["apiKey"] = "nobody".into()), "60005"),
        (wrong(&|l| l["timestamp"] = "soon".into()), "60004"),
        (okx_login(member, now_s - 60), "60006"),
        (wrong(&|l| l["passphrase"] = "x".into()), "60024"),
        (wrong(&|l| l["sign"] = "AAAA".into()), "60007"),
    ] {
        let mut client = okx_private(&simulator).await;
        assert_eq!(log_in(&mut client, &login).await["code"], code);
        assert_eq!(client.end().await, Some(4001));
    }
    simulator.control().apply(Injection::new(Venue::Okx, Verb::VenueOffset { ms: 70_000 })).unwrap();
    let mut client = okx_private(&simulator).await;
    assert_eq!(log_in(&mut client, &okx_login(member, now_s)).await["code"], "60006", "by the venue's own clock");
    simulator.stop().await;
}

#[tokio::test]
async fn okx_takes_480_requests_an_hour() {
    let simulator = lively(RuleOverrides::default()).await;
    let mut client = okx_private(&simulator).await;
    log_in(&mut client, &okx_login(&Member::dummies()[0], wall_ms() / 1_000)).await;
    for op in ["subscribe", "unsubscribe"].into_iter().cycle().take(479) {
        client.say(&format!(r#"{{"op":"{op}","args":[{{"channel":"orders","instType":"ANY"}}]}}"#)).await;
        assert_eq!(client.find(|m| m["event"] != "channel-conn-count").await["event"], op);
    }
    client.say(r#"{"op":"subscribe","args":[{"channel":"orders","instType":"ANY"}]}"#).await;
    assert_eq!(client.find(|m| m["event"] == "error").await["code"], "60014");
    simulator.stop().await;
}

#[tokio::test]
async fn okx_rest_checks_every_header() {
    let simulator = lively(RuleOverrides::default()).await;
    let (base, members) = (simulator.address(Venue::Okx).unwrap().rest.clone(), Member::dummies());
    // the venue's own answer gives us a time to write down
    let (_, time) = ask(&base, "/api/v5/public/time", &[]).await;
    let at = iso(time["data"][0]["ts"].as_str().unwrap().parse().unwrap());
    let path = "/api/v5/account/config?x=1";
    let signed = |member: &Member, at: &str| BASE64_STANDARD.encode(hmac(member, &format!("{at}GET{path}")));
    let (sign, owner) = (signed(&members[0], &at), signed(&members[1], &at));
    let old = "2020-01-01T00:00:00.000Z";
    let mut headers = vec![
        ("OK-ACCESS-KEY", members[0].key.as_str()),
        ("OK-ACCESS-SIGN", sign.as_str()),
        ("OK-ACCESS-TIMESTAMP", at.as_str()),
        ("OK-ACCESS-PASSPHRASE", members[0].passphrase.as_str()),
    ];
    let (_, body) = ask(&base, path, &headers).await;
    assert_eq!((&body["code"], &body["data"][0]["perm"]), (&"0".into(), &"read_only,trade".into()));
    for (place, value, code) in [
        (0, "", "50103"),
        (0, "nobody", "50111"),
        (1, "", "50106"),
        (1, "AAAA", "50113"),
        (2, "", "50107"),
        (2, "now", "50112"),
        (2, old, "50102"),
        (3, "", "50104"),
        (3, "x", "50105"),
    ] {
        let right = std::mem::replace(&mut headers[place].1, value);
        let (head, body) = ask(&base, path, &headers).await;
        assert_eq!(body["code"], code, "{place} {value}");
        assert!(head.starts_with("http/1.1 401"));
        headers[place].1 = right;
    }
    let codes = async || ask(&base, path, &headers).await.1["code"].as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(codes().await);
    }
    assert!(seen.contains(&"50011".to_owned()), "{seen:?}");
    headers[0].1 = &members[1].key;
    headers[1].1 = &owner;
    headers[3].1 = &members[1].passphrase;
    let (_, body) = ask(&base, path, &headers).await;
    assert!(body["data"][0]["perm"].as_str().unwrap().contains("withdraw"), "its own limit, its own rights: {body}");
    simulator.stop().await;
}

/// `ms` since 1970 as the venue writes it.
pub(crate) fn iso(ms: u64) -> String {
    let (mut days, mut year) = (ms / 86_400_000, 1970);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 0;
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (s, rest) = (ms / 1_000 % 86_400, ms % 1_000);
    format!("{year}-{:02}-{:02}T{:02}:{:02}:{:02}.{rest:03}Z", month + 1, days + 1, s / 3_600, s / 60 % 60, s % 60)
}

async fn bybit(simulator: &Simulator, path: &str) -> Client {
    Client::open(&format!("{}{path}", simulator.address(Venue::Bybit).unwrap().ws)).await.unwrap()
}

fn bybit_auth(member: &Member, expires_ms: u64) -> String {
    let signature = hex(&hmac(member, &format!("GET/realtime{expires_ms}")));
    format!(r#"{{"op":"auth","req_id":"a1","args":["{}",{expires_ms},"{signature}"]}}"#, member.key)
}

#[tokio::test]
async fn bybit_private_streams_are_for_those_who_proved_themselves() {
    let simulator = lively(RuleOverrides::default()).await;
    let (member, mut client) = (&Member::dummies()[0], bybit(&simulator, "/v5/private?max_active_time=30s").await);
    client.say(r#"{"op":"subscribe","args":["order"]}"#).await;
    assert_eq!(client.json().await["success"], false);
    client.say(&bybit_auth(member, wall_ms() + 10_000)).await;
    let answer = client.json().await;
    assert_eq!((&answer["success"], &answer["op"], &answer["req_id"]), (&true.into(), &"auth".into(), &"a1".into()));
    client.say(r#"{"op":"subscribe","args":["order","execution","execution.fast","wallet"]}"#).await;
    assert_eq!(client.json().await["success"], true);
    client.say(r#"{"op":"subscribe","args":["order.spot"]}"#).await;
    assert!(client.json().await["ret_msg"].as_str().unwrap().contains("exclude"));
    client.say(r#"{"op":"subscribe","args":["orders"]}"#).await;
    assert!(client.json().await["ret_msg"].as_str().unwrap().contains("handler not found"));
    client.say(r#"{"op":"ping","req_id":"5"}"#).await;
    let pong = client.json().await;
    assert_eq!((&pong["op"], &pong["req_id"]), (&"pong".into(), &"5".into()));
    assert!(pong["args"][0].as_str().unwrap().parse::<u64>().unwrap().abs_diff(wall_ms()) < 2_000);
    let mut wrong = bybit(&simulator, "/v5/private").await;
    wrong.say(&bybit_auth(&Member { secret: "x".to_owned(), ..member.clone() }, wall_ms() + 10_000)).await;
    assert_eq!(wrong.json().await["ret_msg"], "Invalid sign");
    assert_eq!(wrong.end().await, Some(1008));
    simulator.stop().await;
}

#[tokio::test]
async fn bybit_order_entry_speaks_in_codes() {
    let simulator = lively(RuleOverrides::default()).await;
    let (member, mut client) = (&Member::dummies()[0], bybit(&simulator, "/v5/trade").await);
    let code = async |client: &mut Client, text: &str| {
        client.say(text).await;
        client.json().await["retCode"].as_u64().unwrap()
    };
    let thief = Member { secret: "x".to_owned(), ..member.clone() };
    let nobody = Member { key: "nobody".to_owned(), ..member.clone() };
    assert_eq!(code(&mut client, r#"{"op":"order.create","reqId":"1","args":[{}]}"#).await, 10_005);
    assert_eq!(code(&mut client, &bybit_auth(&nobody, wall_ms() + 10_000)).await, 10_003);
    assert_eq!(code(&mut client, &bybit_auth(&thief, wall_ms() + 10_000)).await, 10_004);
    assert_eq!(code(&mut client, &bybit_auth(member, wall_ms() - 10)).await, 10_002);
    assert_eq!(code(&mut client, &bybit_auth(member, wall_ms() + 10_000)).await, 0);
    assert_eq!(code(&mut client, &bybit_auth(member, wall_ms() + 10_000)).await, 20_001);
    assert_eq!(code(&mut client, r#"{"op":"ping"}"#).await, 0);
    assert_eq!(code(&mut client, r#"{"op":"order.nonsense","reqId":"2"}"#).await, 10_404);
    simulator.stop().await;
}

#[tokio::test]
async fn bybit_rest_checks_who_asks_and_tells_the_limits() {
    let simulator = lively(RuleOverrides::default()).await;
    let (base, member) = (simulator.address(Venue::Bybit).unwrap().rest.clone(), Member::dummies()[0].clone());
    let call = async |path: &str, query: &str, key: &str, at_ms: u64, secret: &str| {
        let signer = Member { secret: secret.to_owned(), ..member.clone() };
        let (at, sign) = (at_ms.to_string(), hex(&hmac(&signer, &format!("{at_ms}{key}5000{query}"))));
        let headers = [
            ("X-BAPI-API-KEY", key),
            ("X-BAPI-TIMESTAMP", at.as_str()),
            ("X-BAPI-RECV-WINDOW", "5000"),
            ("X-BAPI-SIGN", sign.as_str()),
        ];
        ask(&base, &format!("{path}?{query}"), &headers).await
    };
    let (key, secret) = (member.key.as_str(), member.secret.as_str());
    let (path, query) = ("/v5/account/fee-rate", "category=linear&symbol=BTCUSDT");
    let (head, body) = call(path, query, key, wall_ms(), secret).await;
    assert_eq!((&body["retCode"], &body["result"]["list"][0]["takerFeeRate"]), (&0.into(), &"0.00055".into()));
    assert!(head.contains("x-bapi-limit: 10") && head.contains("x-bapi-limit-status: 9"), "{head}");
    assert_eq!(call(path, query, "nobody", wall_ms(), secret).await.1["retCode"], 10_003);
    assert_eq!(call(path, query, key, wall_ms(), "x").await.1["retCode"], 10_004);
    assert_eq!(call(path, query, key, wall_ms() - 6_000, secret).await.1["retCode"], 10_002);
    assert_eq!(call(path, query, key, wall_ms() + 2_000, secret).await.1["retCode"], 10_002);
    let (_, scope) = call("/v5/user/query-api", "", key, wall_ms(), secret).await;
    assert!(!scope["result"]["permissions"]["Wallet"].to_string().contains("Withdraw"));
    let mut codes = Vec::new();
    for _ in 0..14 {
        codes.push(call(path, query, key, wall_ms(), secret).await.1["retCode"].as_u64().unwrap());
    }
    assert!(codes.contains(&10_006), "{codes:?}");
    simulator.stop().await;
}
