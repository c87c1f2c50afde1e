//! TLS: the run's authority is enough to trust every address, and bad certificates are really bad.

use std::sync::Arc;

use highwire_simulator::fault::verb::CertFault;
use highwire_simulator::{Endpoint, Injection, Simulator, Venue, Verb};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::client::lively_with;

async fn connect(simulator: &Simulator, base: &str, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let pem = simulator.ca_pem().expect("TLS is served");
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let (_, host) = base.split_once("s://").expect("a base with TLS");
    let socket = TcpStream::connect(host).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name.to_owned()).unwrap(), socket).await
}

#[tokio::test]
async fn every_address_can_be_trusted_through_the_runs_authority() {
    let simulator = lively_with(|config| config.tls = true).await;
    assert_eq!(simulator.addresses().len(), 2 * Venue::ALL.len());
    for address in simulator.addresses() {
        assert!(address.ws.starts_with("wss://") && address.rest.starts_with("https://"));
        connect(&simulator, &address.ws, "127.0.0.1").await.unwrap();
        connect(&simulator, &address.rest, "localhost").await.unwrap();
    }
    let okx = simulator.address(Venue::Okx).unwrap();
    let stream = connect(&simulator, &okx.ws, "ws.okx.com").await.unwrap();
    let (mut socket, answer) = tokio_tungstenite::client_async("wss://ws.okx.com/ws/v5/public", stream).await.unwrap();
    assert_eq!(answer.status(), 101);
    futures_util::SinkExt::send(&mut socket, "ping".into()).await.unwrap();
    let pong = futures_util::StreamExt::next(&mut socket).await.unwrap().unwrap();
    assert_eq!(pong.to_text().unwrap(), "pong");
    let mut rest = connect(&simulator, &okx.rest, "www.okx.com").await.unwrap();
    let request = "GET /api/v5/public/time HTTP/1.1\r\nHost: www.okx.com\r\nConnection: close\r\n\r\n";
    rest.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    let _ = rest.read_to_string(&mut text).await; // the end may come without a close_notify
    assert!(text.contains(r#""code":"0""#), "{text}");
    simulator.stop().await;
}

#[tokio::test]
async fn bad_certificates_are_refused_by_a_client_that_checks() {
    let simulator = lively_with(|config| config.tls = true).await;
    let (control, base) = (simulator.control(), simulator.address(Venue::Bybit).unwrap().ws.clone());
    let other = simulator.endpoint(Venue::Bybit, Endpoint::B).unwrap().ws.clone();
    for (kind, words) in [
        (CertFault::Expired, "Expired"),
        (CertFault::WrongHost, "NotValidForName"),
        (CertFault::SelfSigned, "UnknownIssuer"),
    ] {
        control.apply(Injection::new(Venue::Bybit, Verb::Cert { kind }).on(Endpoint::A)).unwrap();
        let error = connect(&simulator, &base, "127.0.0.1").await.unwrap_err();
        assert!(format!("{error:?}").contains(words), "{kind:?}: {error:?}");
        connect(&simulator, &other, "127.0.0.1").await.expect("the other endpoint is sound");
        assert_eq!(control.take_back(|_, _| true), 1);
    }
    connect(&simulator, &base, "127.0.0.1").await.expect("sound again");
    simulator.stop().await;
}

#[tokio::test]
async fn alerts_plain_text_and_silence_come_instead_of_a_hello() {
    let simulator = lively_with(|config| config.tls = true).await;
    let (control, base) = (simulator.control(), simulator.address(Venue::Okx).unwrap().rest.clone());
    let now = |verb| control.apply(Injection::new(Venue::Okx, verb)).unwrap();
    now(Verb::Alert { code: 40 });
    let error = connect(&simulator, &base, "127.0.0.1").await.unwrap_err();
    assert!(format!("{error:?}").contains("HandshakeFailure"), "{error:?}");
    control.take_back(|_, _| true);
    now(Verb::Plaintext {});
    let error = connect(&simulator, &base, "127.0.0.1").await.unwrap_err();
    assert!(format!("{error:?}").contains("InvalidMessage"), "{error:?}");
    control.take_back(|_, _| true);
    now(Verb::AcceptNoReply {});
    let silent = connect(&simulator, &base, "127.0.0.1");
    assert!(tokio::time::timeout(std::time::Duration::from_millis(200), silent).await.is_err());
    simulator.stop().await;
}

#[tokio::test]
async fn faults_of_tls_need_tls() {
    let simulator = lively_with(|_| {}).await;
    assert_eq!(simulator.ca_pem(), None);
    let refused = simulator.control().apply(Injection::new(Venue::Okx, Verb::Plaintext {}));
    assert!(refused.unwrap_err().contains("serves TLS"));
    simulator.stop().await;
}
