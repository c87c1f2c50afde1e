//! The wallet that signs: its key, whose funds it moves, and the hashes of the orders that it signed.

use super::eip712::{
    self, Address, ORDER_TYPE, SignatureType, TypedOrder, Word, checksummed, digest, exchange_domain, wrapped_digest,
};
use super::hashes::Hashes;
use super::market::Positions;
use super::typed;
use crate::keys::KeyError;
use crate::roster::Listed;
use highwire_links::order::Order;
use k256::ecdsa::SigningKey;
use secrecy::{ExposeSecret, SecretString};
use std::sync::{LazyLock, Mutex};
use zeroize::Zeroizing;

/// The contract that settles a market's orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exchange {
    /// Exchange V2 of conditional tokens.
    Standard = 0,
    /// Exchange V2 of neg-risk markets.
    NegRisk = 1,
    /// Exchange V3, of position ids.
    Ledger = 2,
}

/// Contracts on Polygon, and the versions of their domains (py-clob-client-v2 1.2.1 and
/// polymarket-client 0.14.0 agree).
const EXCHANGES: [(&str, &str); 3] = [
    ("2", "0xE111180000d2663C0091e4f400237545B87B996B"),
    ("2", "0xe2222d279d744050d28e00520010520000310F59"),
    ("3", "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"),
];

static DOMAINS: LazyLock<[Word; 3]> = LazyLock::new(|| {
    EXCHANGES.map(|(version, contract)| {
        let contract = eip712::bytes(contract.as_bytes()).expect("the addresses above are whole");
        exchange_domain(version, &contract)
    })
});

impl Exchange {
    /// The exchange of a market.
    pub fn of(neg_risk: bool, positions: Positions) -> Self {
        match (positions, neg_risk) {
            (Positions::Ledger, _) => Self::Ledger,
            (Positions::Tokens, true) => Self::NegRisk,
            (Positions::Tokens, false) => Self::Standard,
        }
    }

    /// The version of its domain.
    pub fn version(self) -> &'static str {
        EXCHANGES[self as usize].0
    }

    /// Its contract.
    pub fn contract(self) -> &'static str {
        EXCHANGES[self as usize].1
    }

    /// Its domain separator.
    pub fn domain(self) -> &'static Word {
        &DOMAINS[self as usize]
    }
}

/// A signing key, and the account whose funds it moves. Prints its public addresses only.
pub struct Wallet {
    key: SigningKey,
    signer: Address,
    funder: Address,
    kind: SignatureType,
    pub(super) signer_text: String,
    pub(super) funder_text: String,
    pub(super) hashes: Hashes,
    /// The venue's id of the last heartbeat, which the next one must name.
    pub(super) heartbeat: Mutex<String>,
}

impl Wallet {
    /// A wallet from a private key (`0x` and 64 hexadecimal digits, or the digits alone) and, where it is
    /// not the key's own account, the address that holds the funds.
    ///
    /// # Errors
    /// [`KeyError`] for a key or an address that cannot be read, or a funder missing where the kind needs one.
    pub fn new(key: &SecretString, funder: Option<&str>, kind: SignatureType) -> Result<Self, KeyError> {
        let unreadable = |field, expected| KeyError::Unreadable { field, expected };
        let text = key.expose_secret().trim_start_matches("0x");
        let mut padded = Zeroizing::new(Vec::with_capacity(2 + text.len()));
        padded.extend_from_slice(b"0x");
        padded.extend_from_slice(text.as_bytes());
        let bad_key = || unreadable("private_key", "a secp256k1 key of 64 hexadecimal digits");
        let bytes = Zeroizing::new(eip712::bytes::<32>(&padded).ok_or_else(bad_key)?);
        let key = SigningKey::from_slice(&bytes[..]).map_err(|_| bad_key())?;
        let signer = address_of(&key);
        let named = funder.map(|text| eip712::bytes(text.as_bytes()).ok_or_else(|| unreadable("funder", "an address")));
        let funder = match (named.transpose()?, kind) {
            (None, SignatureType::Eoa) => signer,
            (None, _) => return Err(KeyError::Missing("funder")),
            (Some(funder), SignatureType::Eoa) if funder != signer => {
                return Err(unreadable("funder", "the key's own address"));
            }
            (Some(funder), _) => funder,
        };
        let (signer_text, funder_text) = (checksummed(&signer), checksummed(&funder));
        Ok(Self {
            key,
            signer,
            funder,
            kind,
            signer_text,
            funder_text,
            hashes: Hashes::new(),
            heartbeat: Mutex::default(),
        })
    }

    /// The address of the key: what requests are authorised by.
    pub fn signer(&self) -> &str {
        &self.signer_text
    }

    /// The address that holds the funds: what orders and positions are of.
    pub fn funder(&self) -> &str {
        &self.funder_text
    }

    /// How its orders are signed.
    pub fn kind(&self) -> SignatureType {
        self.kind
    }

    /// Maker and signer of its orders: a deposit wallet signs for itself.
    pub fn parties(&self) -> (Address, Address) {
        let signer = if self.kind == SignatureType::DepositWallet { self.funder } else { self.signer };
        (self.funder, signer)
    }

    /// Our id of the order with this hash (`0x…`), if it was placed or recalled here.
    pub fn id_of(&self, hash: &str) -> Option<u64> {
        self.hashes.id_of(&eip712::bytes(hash.as_bytes())?)
    }

    /// The hash of our order, if it was placed or recalled here.
    pub fn hash_of(&self, id: u64) -> Option<Word> {
        self.hashes.hash_of(id)
    }

    /// Computes and notes the hash of an order that an earlier run placed. Everything in it follows from
    /// the order as it was kept; `None` when such an order could not have been placed.
    pub fn recall(&self, listed: &Listed, order: &Order) -> Option<Word> {
        let terms = listed.outcome?;
        let typed = typed::order(self, listed, &terms, order).ok()?;
        let hash = digest(terms.exchange.domain(), &typed.struct_hash());
        self.hashes.note(order.id, &hash);
        Some(hash)
    }

    /// Signs an order: appends the signature as the body has it (`0x…`), and gives the order's hash.
    pub fn sign(&self, exchange: Exchange, order: &TypedOrder, out: &mut Vec<u8>) -> Option<Word> {
        let (domain, hash) = (exchange.domain(), order.struct_hash());
        let id = digest(domain, &hash);
        if order.signature_type != SignatureType::DepositWallet {
            eip712::hex(&self.sign_digest(&id), out);
            return Some(id);
        }
        eip712::hex(&self.sign_digest(&wrapped_digest(domain, &hash, &order.maker)), out);
        eip712::digits(domain, out);
        eip712::digits(&hash, out);
        eip712::digits(ORDER_TYPE.as_bytes(), out);
        let len = u16::try_from(ORDER_TYPE.len()).ok()?;
        eip712::digits(&len.to_be_bytes(), out);
        Some(id)
    }

    /// Signs a digest: r, s and 27 or 28 (RFC 6979, low s).
    pub fn sign_digest(&self, digest: &Word) -> [u8; 65] {
        let (signature, recovery) = self.key.sign_prehash_recoverable(digest);
        let mut out = [0; 65];
        out[..64].copy_from_slice(&signature.to_bytes());
        out[64] = 27 + recovery.to_byte();
        out
    }
}

impl std::fmt::Debug for Wallet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wallet").field("signer", &self.signer_text).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The last twenty bytes of the hash of the public point.
fn address_of(key: &SigningKey) -> Address {
    let point = key.verifying_key().to_sec1_point(false);
    let hash = eip712::keccak(&point.as_bytes()[1..]);
    let mut address = [0; 20];
    address.copy_from_slice(&hash[12..]);
    address
}
