//! Who may trade at the simulated exchanges: keys as the venues hand them out, known to the client and the
//! simulator alone. The defaults are published and worthless outside of it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::amount::Amount;

/// What an account begins with.
const DEPOSITS: [(&str, i64); 6] =
    [("USDT", 1_000_000), ("USDC", 100_000), ("BTC", 10), ("ETH", 200), ("SOL", 5_000), ("BNB", 100)];

/// One account's key.
#[derive(Clone)]
pub struct Member {
    /// The key's name on the wire.
    pub key: String,
    /// The secret that signs.
    pub secret: String,
    /// The passphrase, where the venue has one (OKX).
    pub passphrase: String,
    /// Whether the key may withdraw: a key that a trader should refuse to use.
    pub withdraws: bool,
    /// Public key (PEM) of the signatures that prove who asks, Ed25519 or RSA, where the venue has such (Binance);
    /// requests are then not signed with the secret.
    pub public_key: Option<String>,
    /// What the account holds at each venue when the simulator starts, by asset.
    pub deposits: Vec<(String, Amount)>,
    /// The number of the member whose account this key opens too; `None`: one of its own.
    pub account: Option<usize>,
    /// Whether the key is no good any more. Copies share it.
    pub revoked: Arc<AtomicBool>,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("key", &self.key).field("withdraws", &self.withdraws).finish_non_exhaustive()
    }
}

impl Member {
    /// The members of a simulator that was not told otherwise: one that trades, and one whose key may also withdraw.
    pub fn dummies() -> Vec<Self> {
        let member = |name: &str, withdraws| Self {
            key: format!("simulated-{name}-key"),
            secret: format!("simulated-{name}-secret"),
            passphrase: format!("Simulated-{name}-1"),
            withdraws,
            public_key: None,
            deposits: DEPOSITS.map(|(asset, units)| (asset.to_owned(), Amount::whole(units))).to_vec(),
            account: None,
            revoked: Arc::default(),
        };
        vec![member("trader", false), member("owner", true)]
    }

    /// A second key for the account of the first of these members, as one has while keys are changed.
    #[must_use]
    pub fn successor(&self) -> Self {
        Self {
            key: format!("{}-2", self.key),
            secret: format!("{}-2", self.secret),
            passphrase: format!("{}-2", self.passphrase),
            account: Some(0),
            revoked: Arc::default(),
            ..self.clone()
        }
    }

    /// A copy whose key is revoked apart from this one's: each venue has its own.
    pub(crate) fn at_a_venue(&self) -> Self {
        Self { revoked: Arc::default(), ..self.clone() }
    }

    fn is_good(&self) -> bool {
        !self.revoked.load(Ordering::Acquire)
    }
}

/// The member with that key, and the number of its account; `None` also for a key that was revoked.
pub(crate) fn member<'a>(members: &'a [Member], key: &str) -> Option<(usize, &'a Member)> {
    let found = members.iter().enumerate().find(|(_, member)| member.key == key && member.is_good());
    found.map(|(number, member)| (member.account.unwrap_or(number), member))
}

/// Whether `signature` is the HMAC-SHA256 of `text` in base64.
pub(crate) fn signed_base64(member: &Member, text: &str, signature: &str) -> bool {
    BASE64_STANDARD.decode(signature).is_ok_and(|signature| verified(member, text, &signature))
}

/// Whether `signature` is the HMAC-SHA256 of `text` in hexadecimal.
pub(crate) fn signed_hex(member: &Member, text: &str, signature: &str) -> bool {
    let digit = |c: u8| (c as char).to_digit(16).map(|digit| digit as u8);
    let pair = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?);
    let bytes: Option<Vec<u8>> = signature.as_bytes().chunks(2).map(pair).collect();
    bytes.is_some_and(|bytes| verified(member, text, &bytes))
}

fn verified(member: &Member, text: &str, signature: &[u8]) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(member.secret.as_bytes()) else { return false };
    mac.update(text.as_bytes());
    mac.verify_slice(signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(secret: &str) -> Member {
        Member { secret: secret.to_owned(), ..Member::dummies()[0].clone() }
    }

    #[test]
    fn the_venues_worked_examples_verify() {
        let okx = with("DUMMYOKXSECRET0123456789ABCDEF00");
        let text = "2026-09-21T14:13:20.123ZGET/api/v5/trade/orders-pending?instType=SPOT&instId=BTC-USDT";
        assert!(signed_base64(&okx, text, "efmGYXSxiydjKdKDCMhJZsN/7mhprS6FBuufQ0LRSuU="));
        assert!(!signed_base64(&okx, "x", "efmGYXSxiydjKdKDCMhJZsN/7mhprS6FBuufQ0LRSuU="));
        let bybit = with("dummyBybitSecret0123456789abcdefghij");
        let expires = "GET/realtime1790000010123";
        assert!(signed_hex(&bybit, expires, "5211b12f61d048e2a5f81eeb6badc15f6b6b62c775ea8134ba3e4f45ce63b634"));
        assert!(
            !signed_hex(&bybit, expires, "5211")
                && !signed_hex(&bybit, expires, "zz")
                && !signed_hex(&bybit, expires, "521")
        );
    }
}
