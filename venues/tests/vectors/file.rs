//! The layout of a vector file, and what the checks of all venues need of it.

use highwire_venues::keys::{KeyMaterial, Keys};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One file: a venue's signed requests.
#[derive(Debug, Deserialize)]
pub struct VectorFile {
    /// Whose requests.
    pub venue: String,
    /// When they were signed, unless a vector says otherwise.
    pub clock_ms: i64,
    /// The dummy credentials.
    pub credentials: Map<String, Value>,
    /// The requests.
    pub vectors: Vec<Vector>,
}

/// One signed request or message.
#[derive(Debug, Deserialize)]
pub struct Vector {
    /// For failures only.
    pub name: String,
    /// HTTP method.
    pub method: Option<String>,
    /// With its query.
    pub url: String,
    /// As sent.
    #[serde(default)]
    pub headers: Option<BTreeMap<String, String>>,
    /// As sent.
    #[serde(default)]
    pub body: Option<String>,
    /// The WebSocket message.
    pub frame: Option<Value>,
    /// When it was signed.
    pub timestamp_ms: Option<i64>,
    /// What was signed, where the file tells.
    pub string_to_sign: Option<String>,
    /// Keys of its own, for one.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl VectorFile {
    /// Runs `check` on every vector; how many there were.
    pub fn each(&self, check: impl Fn(&Vector) -> Result<(), String>) -> Result<usize, String> {
        for vector in &self.vectors {
            check(vector).map_err(|why| format!("{:?}: {why}", vector.name))?;
        }
        Ok(self.vectors.len())
    }

    /// A credential.
    pub fn credential(&self, name: &str) -> Result<&str, String> {
        self.credentials.get(name).and_then(Value::as_str).ok_or_else(|| format!("no credential {name}"))
    }

    /// The credentials, with the key that makes signatures of this form: 64 hex digits are HMAC-SHA256,
    /// 64 bytes in base64 Ed25519, more are RSA; `hmac_base64` where HMAC is written in base64.
    pub fn keys(&self, vector: &Vector, signature: &str, hmac_base64: bool) -> Result<Keys, String> {
        let pem = |kind: &str| {
            let fields = vector.more.iter().chain(&self.credentials);
            let mut found = fields.filter(|(name, value)| {
                value.as_str().is_some_and(|text| text.contains("PRIVATE KEY")) && name.to_lowercase().contains(kind)
            });
            found.next().and_then(|(_, value)| value.as_str()).ok_or_else(|| format!("no private {kind} key"))
        };
        let is_hex = signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit());
        let material = match signature.len() {
            _ if is_hex || (hmac_base64 && signature.len() == 44) => {
                KeyMaterial::Hmac(self.credential("secret")?.into())
            }
            88 => KeyMaterial::Ed25519(pem("ed25519")?.into()),
            _ => KeyMaterial::Rsa(pem("rsa")?.into()),
        };
        let keys = Keys::new(self.credential("api_key")?.into(), material).map_err(|error| error.to_string())?;
        match self.credential("passphrase") {
            Ok(passphrase) => keys.with_passphrase(passphrase.into()).map_err(|error| error.to_string()),
            Err(_) => Ok(keys),
        }
    }

    /// When a vector was signed.
    pub fn time(&self, vector: &Vector) -> i64 {
        vector.timestamp_ms.unwrap_or(self.clock_ms)
    }
}

impl Vector {
    /// A header, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.as_ref()?;
        headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Path and query of the URL.
    pub fn path_and_query(&self) -> Result<&str, String> {
        let rest = self.url.split_once("://").ok_or("no scheme")?.1;
        Ok(rest.find('/').map_or("/", |at| &rest[at..]))
    }

    /// The query of the URL.
    pub fn query(&self) -> Result<&str, String> {
        Ok(self.path_and_query()?.split_once('?').map_or("", |(_, query)| query))
    }

    /// That this is what was signed, where the file tells.
    pub fn signs(&self, message: &str) -> Result<(), String> {
        match &self.string_to_sign {
            Some(told) => same("what is signed", message, told),
            None => Ok(()),
        }
    }

    /// That the headers named by `prefixes` are exactly those of our lines that are named so. A header
    /// that only we send (`optional`) may be missing.
    pub fn carries(&self, lines: &[u8], prefixes: &[&str], optional: &[&str]) -> Result<(), String> {
        let text = String::from_utf8(lines.to_vec()).map_err(|_| "our headers are not text")?;
        let ours: BTreeMap<String, &str> = text
            .lines()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value))
            .collect();
        let auth = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        for (name, value) in &ours {
            match self.header(name) {
                Some(found) => same(name, value, found)?,
                None if optional.contains(&name.as_str()) => {}
                None => return Err(format!("the vector has no header {name}")),
            }
        }
        let theirs = self.headers.iter().flatten().map(|(name, _)| name.to_lowercase()).filter(|name| auth(name));
        match theirs.into_iter().find(|name| !ours.contains_key(name)) {
            Some(name) => Err(format!("we send no header {name}")),
            None => Ok(()),
        }
    }
}

/// That two texts are equal.
pub fn same(what: &str, ours: &str, theirs: &str) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}: ours is {ours:?}, the vector's {theirs:?}")) }
}

/// A JSON value as it stands between quotes or bare.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
