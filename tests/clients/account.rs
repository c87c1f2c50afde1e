//! Keys: a client that signs is let in, one that signs with the wrong secret is not.

use crate::script;
use highwire_simulator::{Member, Simulator, SimulatorConfig};
use serde_json::{Value, json};

async fn started(tls: bool) -> Simulator {
    let config = SimulatorConfig { tls, ..SimulatorConfig::default() };
    Simulator::start(config).await.expect("loopback ports")
}

/// The first member: trades, does not withdraw.
fn member() -> Value {
    let Member { key, secret, passphrase, .. } = Member::dummies().remove(0);
    json!({ "member": { "key": key, "secret": secret, "passphrase": passphrase } })
}

#[tokio::test(flavor = "multi_thread")]
async fn pybit_logs_in_and_its_signed_requests_are_answered() {
    let simulator = started(false).await;
    let Some(found) = script::run("bybit_account", &simulator, member()).await else { return };
    let account = found.one("account");
    assert_eq!((&account["key"], &account["streams"]), (&member()["member"]["key"], &json!(true)), "{account}");
    assert!(account["taker"].as_str().is_some_and(|rate| rate.starts_with("0.0")), "{account}");
    assert_eq!(found.one("forged")["refused"], true);
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_okx_logs_in_and_its_signed_requests_are_answered() {
    let simulator = started(true).await;
    let Some(found) = script::run("okx_account", &simulator, member()).await else { return };
    let account = found.one("account");
    assert_eq!((&account["code"], &account["permissions"]), (&json!("0"), &json!("read_only,trade")));
    assert_eq!((&account["event"], &account["channel"]), (&json!("subscribe"), &json!("orders")));
    assert_eq!(found.one("forged")["code"], "50113");
    simulator.stop().await;
}
