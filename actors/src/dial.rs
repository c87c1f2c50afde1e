//! From a name to a stream: every address of the name is tried, the next one while the last is still
//! silent (as in RFC 8305), then TLS with verified certificates. Each failure says of what class it is.

use crate::connect::ConnectError;
use highwire_supervision::ending::{DnsFault, End, TlsFault};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

/// Time before the next address is tried beside the last (RFC 8305 §8 recommends 250 ms).
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// The TLS settings of every connection: the public roots, and the operator's own in PEM. Verification
/// cannot be switched off.
///
/// # Errors
/// What is wrong with the operator's certificates.
pub fn tls_config(extra_pem: Option<&[u8]>) -> Result<Arc<ClientConfig>, String> {
    use rustls::pki_types::pem::PemObject;
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in extra_pem.into_iter().flat_map(rustls::pki_types::CertificateDer::pem_slice_iter) {
        let certificate = certificate.map_err(|error| format!("not a PEM certificate: {error}"))?;
        roots.add(certificate).map_err(|error| format!("not a usable root: {error}"))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// A TCP connection to one of the name's addresses: the first that answers.
///
/// # Errors
/// The class of the failure: of the name, or of the last address.
pub async fn tcp(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let failed = |fault, error: io::Error| ConnectError::new(End::Dns(fault), format!("{host}: {error}"));
    let found = tokio::net::lookup_host((host, port)).await;
    let addresses: Vec<SocketAddr> = found.map_err(|error| failed(DnsFault::Failed, error))?.collect();
    if addresses.is_empty() {
        return Err(failed(DnsFault::Empty, io::ErrorKind::NotFound.into()));
    }
    first_of(addresses).await
}

async fn first_of(addresses: Vec<SocketAddr>) -> Result<TcpStream, ConnectError> {
    let mut tries = JoinSet::new();
    let mut waiting = addresses.into_iter();
    let mut last = ConnectError::new(End::Unreachable, "no address was left".to_owned());
    let mut next = waiting.next();
    loop {
        if let Some(address) = next.take() {
            tries.spawn(async move { (address, TcpStream::connect(address).await) });
        }
        let patience = tokio::time::timeout(NEXT_ADDRESS_AFTER, tries.join_next());
        match patience.await {
            Ok(Some(Ok((_, Ok(stream))))) => {
                stream.set_nodelay(true).map_err(ConnectError::of_socket)?;
                return Ok(stream);
            }
            Ok(Some(Ok((address, Err(error))))) => {
                last = ConnectError::new(End::Unreachable, format!("{address}: {error}"));
            }
            Ok(Some(Err(_))) | Err(_) => {}
            Ok(None) => return Err(last),
        }
        next = waiting.next();
    }
}

/// TLS over a stream, for this host.
///
/// # Errors
/// The class of the failure.
pub async fn tls(
    stream: TcpStream,
    host: &str,
    config: Arc<ClientConfig>,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, ConnectError> {
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|error| ConnectError::new(End::Tls(TlsFault::Certificate), format!("{host}: {error}")))?;
    let upgraded = TlsConnector::from(config).connect(name, stream).await;
    upgraded.map_err(|error| ConnectError::new(tls_end(&error), format!("tls with {host}: {error}")))
}

fn tls_end(error: &io::Error) -> End {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            End::Tls(TlsFault::Certificate)
        }
        Some(rustls::Error::AlertReceived(_)) => End::Tls(TlsFault::Alert),
        Some(_) => End::Tls(TlsFault::Garbage),
        None if error.kind() == io::ErrorKind::UnexpectedEof => End::Fin,
        None => End::Reset,
    }
}
