//! Signatures: HMAC-SHA256, Ed25519 (RFC 8032) and RSA PKCS #1 v1.5 with SHA-256, written as a venue
//! wants them. Which bytes are signed is each venue's own recipe (`<venue>/sign.rs`).

pub use crate::binance::sign as binance;
pub use crate::bybit::sign as bybit;
use crate::keys::{KeyError, KeyMaterial};
pub use crate::okx::sign as okx;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use secrecy::ExposeSecret;
use sha2::Sha256;

/// How an HMAC signature is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Lower-case hex (Binance, Bybit).
    Hex,
    /// Base64 with padding (OKX).
    Base64,
}

/// A signer with its key prepared. HMAC and Ed25519 do not allocate once warm; an RSA signature does,
/// and takes about a millisecond, so such keys do not belong on an order line.
pub struct Signer {
    kind: Kind,
    /// What is signed, for schemes that want it in one piece.
    message: Vec<u8>,
}

enum Kind {
    Hmac(Box<Hmac<Sha256>>, Encoding),
    Ed25519(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>, SystemRandom),
}

/// Longest signature before it is encoded: RSA with 4096 bits.
const SIGNATURE_MAX: usize = 512;

impl Signer {
    /// Prepares a key.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be read.
    pub fn new(material: &KeyMaterial, encoding: Encoding) -> Result<Self, KeyError> {
        let kind = match material {
            KeyMaterial::Hmac(secret) => Kind::Hmac(hmac(secret.expose_secret().as_bytes())?, encoding),
            KeyMaterial::Ed25519(pem) => Kind::Ed25519(ed25519(pem.expose_secret())?),
            KeyMaterial::Rsa(pem) => Kind::Rsa(rsa(pem.expose_secret())?, SystemRandom::new()),
        };
        Ok(Self { kind, message: Vec::with_capacity(1024) })
    }

    /// Whether signatures hold `+`, `/` and `=`, which a query must escape.
    pub fn writes_base64(&self) -> bool {
        !matches!(self.kind, Kind::Hmac(_, Encoding::Hex))
    }

    /// Whether the key is an Ed25519 key, the kind that can log a Binance session on.
    pub fn is_ed25519(&self) -> bool {
        matches!(self.kind, Kind::Ed25519(_))
    }

    /// Appends the signature over the parts, one after the other.
    ///
    /// # Errors
    /// [`KeyError::Kind`] when the key cannot sign (an RSA key out of bounds).
    pub fn sign(&mut self, parts: &[&[u8]], out: &mut Vec<u8>) -> Result<(), KeyError> {
        match &self.kind {
            Kind::Hmac(keyed, encoding) => {
                // The keyed state itself, not its box: no allocation.
                let mut mac = Hmac::<Sha256>::clone(keyed);
                parts.iter().for_each(|part| mac.update(part));
                let tag = mac.finalize().into_bytes();
                match encoding {
                    Encoding::Hex => hex(&tag, out),
                    Encoding::Base64 => base64(&tag, out),
                }
            }
            Kind::Ed25519(pair) => {
                join(parts, &mut self.message);
                base64(pair.sign(&self.message).as_ref(), out);
            }
            Kind::Rsa(pair, random) => {
                join(parts, &mut self.message);
                let mut room = [0; SIGNATURE_MAX];
                let signature = room.get_mut(..pair.public().modulus_len()).ok_or(KeyError::Kind)?;
                pair.sign(&RSA_PKCS1_SHA256, random, &self.message, signature).map_err(|_| KeyError::Kind)?;
                base64(signature, out);
            }
        }
        Ok(())
    }

    /// The signature over `message` as text.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn signature(&mut self, message: &str) -> Result<String, KeyError> {
        let mut out = Vec::new();
        self.sign(&[message.as_bytes()], &mut out)?;
        String::from_utf8(out).map_err(|_| KeyError::Kind)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.kind {
            Kind::Hmac(..) => "Signer(HMAC-SHA256)",
            Kind::Ed25519(_) => "Signer(Ed25519)",
            Kind::Rsa(..) => "Signer(RSA)",
        })
    }
}

fn hmac(secret: &[u8]) -> Result<Box<Hmac<Sha256>>, KeyError> {
    Hmac::new_from_slice(secret).map(Box::new).map_err(|_| KeyError::Kind)
}

fn ed25519(pem: &str) -> Result<Box<Ed25519KeyPair>, KeyError> {
    let error = KeyError::Unreadable { field: "secret", expected: "a private Ed25519 key in PKCS#8 PEM" };
    let der = der_of(pem).ok_or_else(|| error.clone())?;
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(Box::new).map_err(|_| error)
}

fn rsa(pem: &str) -> Result<Box<RsaKeyPair>, KeyError> {
    let error = KeyError::Unreadable { field: "secret", expected: "a private RSA key of 2048 bits or more in PEM" };
    let der = der_of(pem).ok_or_else(|| error.clone())?;
    let pair =
        if pem.contains("BEGIN RSA PRIVATE KEY") { RsaKeyPair::from_der(&der) } else { RsaKeyPair::from_pkcs8(&der) };
    pair.map(Box::new).map_err(|_| error)
}

/// What stands between the first pair of `-----` lines of a PEM.
fn der_of(pem: &str) -> Option<Vec<u8>> {
    let lines = pem.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN ")).skip(1);
    let body: String = lines.take_while(|line| !line.starts_with("-----END ")).collect();
    STANDARD.decode(body).ok().filter(|der| !der.is_empty())
}

fn join(parts: &[&[u8]], message: &mut Vec<u8>) {
    message.clear();
    parts.iter().for_each(|part| message.extend_from_slice(part));
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    let mut room = [0; SIGNATURE_MAX.div_ceil(3) * 4];
    let written = STANDARD.encode_slice(bytes, &mut room).unwrap_or(0);
    out.extend_from_slice(&room[..written]);
}
