//! Who trades: keys, wallets, what they hold, and the dead-man switch.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::book::Outcome;
use super::word::{Address, hex};

/// What goes with an API key. These are dummies: they open nothing outside the simulator.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The key, a UUID.
    pub key: String,
    /// The secret in URL-safe base64.
    pub secret: String,
    /// The passphrase.
    pub passphrase: String,
}

/// One account, to be opened when the simulator starts. All of it is a dummy.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The key of the signing address, 64 hexadecimal digits, for clients to sign with; the simulator itself
    /// only knows the address.
    pub private_key: &'static str,
    /// The signing address, 40 hexadecimal digits.
    pub owner: &'static str,
    /// The proxy, safe or deposit wallet that the owner signs for, 40 hexadecimal digits.
    pub wallet: &'static str,
    /// Its API key.
    pub credentials: Credentials,
    /// Collateral that the owner's and the wallet's address begin with, in micro-dollars.
    pub collateral: i64,
}

impl Holder {
    /// Two accounts with the first and third of the widely published Anvil development keys.
    pub fn dummies() -> Vec<Self> {
        let credentials = |digit: u8, passphrase: &str| Credentials {
            key: format!("00000000-0000-0000-0000-00000000000{digit}"),
            secret: URL_SAFE.encode(if digit == 1 {
                "polymarket-dummy-secret-32-bytes"
            } else {
                "polymarket-second-secret-32-byte"
            }),
            passphrase: passphrase.to_owned(),
        };
        vec![
            Self {
                private_key: "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
                owner: "f39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
                wallet: "70997970C51812dc3A010C7d01b50e0d17dc79C8",
                credentials: credentials(1, "dummy-passphrase-0123456789abcdef"),
                collateral: 10_000_000_000,
            },
            Self {
                private_key: "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
                owner: "3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
                wallet: "90F79bf6EB2c4f870365E785982E1f101E93b906",
                credentials: credentials(2, "second-passphrase-0123456789abcde"),
                collateral: 10_000_000_000,
            },
        ]
    }
}

/// An amount and how much of it is held for orders, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Funds {
    pub(super) total: i64,
    pub(super) held: i64,
}

impl Funds {
    /// What new orders may use.
    pub(super) const fn free(self) -> i64 {
        self.total - self.held
    }
}

/// What stands at one address.
#[derive(Debug, Default)]
pub(super) struct Purse {
    pub(super) collateral: Funds,
    /// By condition and outcome.
    pub(super) shares: BTreeMap<(String, Outcome), Funds>,
}

impl Purse {
    /// The funds that an order of this kind draws on.
    pub(super) fn drawn(&mut self, buy: bool, condition: &str, outcome: Outcome) -> &mut Funds {
        if buy { &mut self.collateral } else { self.shares.entry((condition.to_owned(), outcome)).or_default() }
    }
}

/// A started dead-man switch.
#[derive(Clone, Debug)]
pub(super) struct Heartbeat {
    pub(super) id: String,
    pub(super) heard_ns: u64,
}

/// An account as the house keeps it.
pub(super) struct Account {
    pub(super) owner: Address,
    pub(super) wallet: Address,
    pub(super) credentials: Credentials,
    pub(super) heartbeat: Option<Heartbeat>,
    /// Purses by address: the owner's and the wallet's.
    pub(super) purses: BTreeMap<Address, Purse>,
    /// Order tokens left of the burst, in thousandths, and when that was.
    pub(super) tokens: (i64, u64),
}

impl Account {
    /// Opens an account; `None` when an address is not 40 hexadecimal digits.
    pub(super) fn open(holder: &Holder) -> Option<Self> {
        let (owner, wallet) = (address(holder.owner)?, address(holder.wallet)?);
        let purse = || Purse { collateral: Funds { total: holder.collateral, held: 0 }, ..Purse::default() };
        Some(Self {
            owner,
            wallet,
            credentials: holder.credentials.clone(),
            heartbeat: None,
            purses: BTreeMap::from([(owner, purse()), (wallet, purse())]),
            tokens: (super::limits::BURST_MILLI, 0),
        })
    }

    /// The address whose purse orders of a signature type use.
    pub(super) const fn funder(&self, signature_type: u8) -> Address {
        if signature_type == 0 { self.owner } else { self.wallet }
    }

    /// Whether `signature` is this account's HMAC of a request.
    pub(super) fn signed(&self, signature: &str, timestamp: &str, method: &str, path: &str, body: &str) -> bool {
        let Ok(secret) = URL_SAFE.decode(&self.credentials.secret) else { return false };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&secret) else { return false };
        for part in [timestamp, method, path, body] {
            mac.update(part.as_bytes());
        }
        URL_SAFE.decode(signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok())
    }
}

fn address(digits: &str) -> Option<Address> {
    super::word::fixed(&format!("0x{digits}"))
}

/// An address in lower case.
pub(super) fn written(address: Address) -> String {
    hex(&address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_verified_as_the_official_client_signs_it() {
        let account = Account::open(&Holder::dummies()[0]).expect("addresses");
        assert_eq!(account.credentials.secret, "cG9seW1hcmtldC1kdW1teS1zZWNyZXQtMzItYnl0ZXM=");
        let signature = "Gli5d50uMb0hJH_93KI4RXzrxZBfRG4sT9pFWrGTiGM=";
        assert!(account.signed(signature, "1790000000", "GET", "/data/orders", ""));
        assert!(!account.signed(signature, "1790000001", "GET", "/data/orders", ""));
        assert!(!account.signed("", "1790000000", "GET", "/data/orders", ""));
    }
}
