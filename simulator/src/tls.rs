//! Certificates made anew for every run: an authority whose certificate clients may trust, a good
//! certificate signed by it, and the bad ones of the fault catalogue. Nothing is written to a disk.

use std::io;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use crate::fault::verb::CertFault;

/// Names that the good certificate is valid for, beside 127.0.0.1: the venues' own, so that a client that
/// asks for the real name on a loopback address can check it.
const HOSTS: [&str; 22] = [
    "localhost",
    "127.0.0.1",
    "stream.binance.com",
    "ws-api.binance.com",
    "api.binance.com",
    "fstream.binance.com",
    "ws-fapi.binance.com",
    "fapi.binance.com",
    "ws.okx.com",
    "wsaws.okx.com",
    "www.okx.com",
    "openapi.okx.com",
    "stream.bybit.com",
    "stream.bytick.com",
    "api.bybit.com",
    "api.bytick.com",
    "ws-subscriptions-clob.polymarket.com",
    "clob.polymarket.com",
    "gamma-api.polymarket.com",
    "data-api.polymarket.com",
    "a.venue.test",
    "b.venue.test",
];

/// The acceptors of one run.
pub(crate) struct Certificates {
    /// The authority, to be trusted by clients.
    pub(crate) ca_pem: String,
    good: TlsAcceptor,
    expired: TlsAcceptor,
    wrong_host: TlsAcceptor,
    self_signed: TlsAcceptor,
}

impl Certificates {
    /// Makes keys and certificates.
    ///
    /// # Errors
    /// No random numbers could be had.
    pub(crate) fn make() -> io::Result<Self> {
        let mut authority = params(&[])?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "simulator test authority");
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let ca = authority.self_signed(&key).map_err(io::Error::other)?;
        let issuer = Issuer::new(authority, key);
        let mut expired = params(&HOSTS)?;
        (expired.not_before, expired.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        Ok(Self {
            ca_pem: ca.pem(),
            good: acceptor(params(&HOSTS)?, Some(&issuer))?,
            expired: acceptor(expired, Some(&issuer))?,
            wrong_host: acceptor(params(&["elsewhere.test"])?, Some(&issuer))?,
            self_signed: acceptor(params(&HOSTS)?, None)?,
        })
    }

    /// The acceptor that shows the good certificate, or one with that fault.
    pub(crate) fn acceptor(&self, fault: Option<CertFault>) -> &TlsAcceptor {
        match fault {
            None => &self.good,
            Some(CertFault::Expired) => &self.expired,
            Some(CertFault::WrongHost) => &self.wrong_host,
            Some(CertFault::SelfSigned) => &self.self_signed,
        }
    }
}

fn params(hosts: &[&str]) -> io::Result<CertificateParams> {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    CertificateParams::new(hosts).map_err(io::Error::other)
}

fn acceptor(params: CertificateParams, issuer: Option<&Issuer<'_, KeyPair>>) -> io::Result<TlsAcceptor> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let signed = match issuer {
        Some(issuer) => params.signed_by(&key, issuer),
        None => params.self_signed(&key),
    };
    let chain: Vec<CertificateDer<'static>> = vec![signed.map_err(io::Error::other)?.der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
