//! EIP-712 as the exchange reads it: what an order or a key request hashes to, and who signed that.
//!
//! Sources: EIP-712; EIP-1271 and ERC-7739 for wallets that sign through their owner; the order struct of
//! the CTF exchange, versions 2 and 3; contract addresses from docs.polymarket.com.

use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};

use super::word::{Address, Word, keccak, number, padded};

/// Polygon.
pub(super) const CHAIN: u64 = 137;
const DOMAIN_TYPE: &[u8] = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const ORDER_TYPE: &[u8] = b"Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)";
const WRAPPED_TYPE: &[u8] =
    b"TypedDataSign(Order contents,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)";
const ATTESTATION: &[u8] = b"This message attests that I control the given wallet";

/// Which exchange contract a market trades on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// Exchange V2 of ordinary markets.
    Standard,
    /// Exchange V2 of negative-risk markets.
    NegativeRisk,
    /// Exchange V3, of markets whose positions the position manager keeps.
    Ledger,
}

impl Exchange {
    const fn address(self) -> Address {
        match self {
            Self::Standard => literal("E111180000d2663C0091e4f400237545B87B996B"),
            Self::NegativeRisk => literal("e2222d279d744050d28e00520010520000310F59"),
            Self::Ledger => literal("e3333700cA9d93003F00f0F71f8515005F6c00Aa"),
        }
    }

    /// The domain separator of its orders.
    pub(super) fn domain(self) -> Word {
        let version = if self == Self::Ledger { "3" } else { "2" };
        domain("Polymarket CTF Exchange", version, self.address())
    }
}

/// The signed members of an order.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    pub(super) salt: u64,
    pub(super) maker: Address,
    pub(super) signer: Address,
    pub(super) token: Word,
    pub(super) maker_amount: u64,
    pub(super) taker_amount: u64,
    pub(super) sell: bool,
    pub(super) signature_type: u8,
    pub(super) timestamp_ms: u64,
    pub(super) metadata: Word,
    pub(super) builder: Word,
}

impl Contents {
    /// The struct's hash.
    pub(super) fn hash(&self) -> Word {
        keccak(&[
            &keccak(&[ORDER_TYPE]),
            &number(self.salt),
            &padded(self.maker),
            &padded(self.signer),
            &self.token,
            &number(self.maker_amount),
            &number(self.taker_amount),
            &number(u64::from(self.sell)),
            &number(u64::from(self.signature_type)),
            &number(self.timestamp_ms),
            &self.metadata,
            &self.builder,
        ])
    }

    /// The order's id: its digest under the exchange's domain.
    pub(super) fn id(&self, exchange: Exchange) -> Word {
        digest(exchange.domain(), self.hash())
    }

    /// Whose key signed the order, for a signature of the order's own type.
    pub(super) fn signed_by(&self, exchange: Exchange, signature: &[u8]) -> Option<Address> {
        if self.signature_type != 3 {
            return recover(self.id(exchange), signature);
        }
        let (inner, rest) = signature.split_at_checked(65)?;
        let (domain, rest) = rest.split_at_checked(32)?;
        let (contents, rest) = rest.split_at_checked(32)?;
        let (described, length) = rest.split_at_checked(ORDER_TYPE.len())?;
        let whole = domain == exchange.domain() && contents == self.hash() && described == ORDER_TYPE;
        if !whole || length != (ORDER_TYPE.len() as u16).to_be_bytes() {
            return None;
        }
        let wrapped = keccak(&[
            &keccak(&[WRAPPED_TYPE, ORDER_TYPE]),
            &self.hash(),
            &keccak(&[b"DepositWallet"]),
            &keccak(&[b"1"]),
            &number(CHAIN),
            &padded(self.signer),
            &[0; 32],
        ]);
        recover(digest(exchange.domain(), wrapped), inner)
    }
}

/// Whose key signed the request for an API key.
pub(super) fn attested_by(address: Address, timestamp: &str, nonce: u64, signature: &[u8]) -> Option<Address> {
    let kind = b"ClobAuth(address address,string timestamp,uint256 nonce,string message)";
    let contents = keccak(&[
        &keccak(&[kind]),
        &padded(address),
        &keccak(&[timestamp.as_bytes()]),
        &number(nonce),
        &keccak(&[ATTESTATION]),
    ]);
    let kind = b"EIP712Domain(string name,string version,uint256 chainId)";
    let domain = keccak(&[&keccak(&[kind]), &keccak(&[b"ClobAuthDomain"]), &keccak(&[b"1"]), &number(CHAIN)]);
    recover(digest(domain, contents), signature)
}

fn domain(name: &str, version: &str, contract: Address) -> Word {
    let (name, version) = (keccak(&[name.as_bytes()]), keccak(&[version.as_bytes()]));
    keccak(&[&keccak(&[DOMAIN_TYPE]), &name, &version, &number(CHAIN), &padded(contract)])
}

fn digest(domain: Word, contents: Word) -> Word {
    keccak(&[&[0x19, 0x01], &domain, &contents])
}

/// The signer of a digest: 64 bytes and a recovery byte (0, 1, 27 or 28).
fn recover(digest: Word, signature: &[u8]) -> Option<Address> {
    let (pair, [v]) = signature.split_at_checked(64)? else { return None };
    let parity = if *v >= 27 { v - 27 } else { *v };
    let id = RecoveryId::from_byte(parity).filter(|id| !id.is_x_reduced())?;
    let key = VerifyingKey::recover_from_prehash(&digest, &Signature::from_slice(pair).ok()?, id).ok()?;
    address_of(&key)
}

/// The address of a public key: the last 20 bytes of the hash of its two coordinates.
fn address_of(key: &VerifyingKey) -> Option<Address> {
    let point = key.to_sec1_point(false);
    keccak(&[point.as_bytes().get(1..)?])[12..].try_into().ok()
}

/// 40 hexadecimal digits known when the program is built.
pub(super) const fn literal(digits: &str) -> Address {
    const fn nibble(digit: u8) -> u8 {
        match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => panic!("not a hexadecimal digit"),
        }
    }
    let (digits, mut address, mut at) = (digits.as_bytes(), [0; 20], 0);
    while at < 20 {
        address[at] = nibble(digits[2 * at]) * 16 + nibble(digits[2 * at + 1]);
        at += 1;
    }
    address
}

#[cfg(test)]
mod tests {
    use super::super::word::{fixed, from_decimal, hex, unhex};
    use super::*;

    const OWNER: Address = literal("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");

    fn worked() -> Contents {
        let token = "72690798903588392269001731007662425920353908498880709179939493847828858696064";
        Contents {
            salt: 479_249_096_354,
            maker: OWNER,
            signer: OWNER,
            token: from_decimal(token).expect("a word"),
            maker_amount: 52_000_000,
            taker_amount: 100_000_000,
            sell: false,
            signature_type: 0,
            timestamp_ms: 1_790_000_000_123,
            metadata: [0; 32],
            builder: [0; 32],
        }
    }

    #[test]
    fn an_order_hashes_and_recovers_as_the_official_client_signs_it() {
        let exchange = Exchange::Standard;
        assert_eq!(hex(&exchange.domain()), "0x3264e159346253e26a64e00b69032db0e7d32f94628de3e6eecb50304d7af3d2");
        assert_eq!(hex(&worked().id(exchange)), "0xdd0dcd8305a6230918a683a0b77f6201d8172921f6b5332b4469e67abf623c05");
        let signature = unhex("0x3cb148564d9a854d5ece9b3966e76d4c712a30ca250e6be5906f334f9c096f9863bd128ca825d4cccdecce90deeca9f77aa0ca6805d7237e8c88d5150bcd767d1c").expect("bytes");
        assert_eq!(worked().signed_by(exchange, &signature), Some(OWNER));
        let bigger = Contents { maker_amount: 52_000_001, ..worked() };
        assert_ne!(bigger.signed_by(exchange, &signature), Some(OWNER));
        assert_ne!(worked().signed_by(Exchange::NegativeRisk, &signature), Some(OWNER));
        assert_ne!(worked().signed_by(Exchange::Ledger, &signature), Some(OWNER));
        assert!(worked().signed_by(exchange, &signature[..64]).is_none());
    }

    #[test]
    fn a_key_request_recovers_as_the_official_client_signs_it() {
        let signature: [u8; 65] = fixed("0x131287b4c69ecd9feae81d310e724dea7c5d98c1d38f1d5fe4d2b730a33022fa3bd648a56e1e3b8e51a49d8eb86b5201a8ee4b1de4ad356d47ef393c12d8a8c91c").expect("bytes");
        assert_eq!(attested_by(OWNER, "1790000000", 0, &signature), Some(OWNER));
        assert_ne!(attested_by(OWNER, "1790000001", 0, &signature), Some(OWNER));
    }
}
