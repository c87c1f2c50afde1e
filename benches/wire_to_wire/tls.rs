//! A certificate for this run, and both ends of a TLS session over a connected pair of sockets.

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use std::net::TcpStream;
use std::sync::Arc;

/// Settings of both ends that trust one another.
pub struct Tls {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Tls {
    /// Settings with a certificate of their own.
    pub fn new() -> Self {
        // Chosen once per process; a second choice is refused and means nothing.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let certificate = made.cert.der().clone();
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).expect("our own certificate");
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let server = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key.into());
        let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        Self { client: Arc::new(client), server: Arc::new(server.expect("a key that fits")) }
    }

    /// Both sessions past their handshake.
    pub fn shake(&self, near: &mut TcpStream, far: &mut TcpStream) -> (ClientConnection, ServerConnection) {
        let name = "localhost".try_into().expect("a name");
        let mut client = ClientConnection::new(Arc::clone(&self.client), name).expect("settings that fit");
        let mut server = ServerConnection::new(Arc::clone(&self.server)).expect("settings that fit");
        while client.is_handshaking() || server.is_handshaking() {
            while client.wants_write() {
                client.write_tls(near).expect("loopback");
            }
            server.read_tls(far).expect("loopback");
            server.process_new_packets().expect("a handshake");
            while server.wants_write() {
                server.write_tls(far).expect("loopback");
            }
            if client.wants_read() {
                client.read_tls(near).expect("loopback");
                client.process_new_packets().expect("a handshake");
            }
        }
        (client, server)
    }
}
