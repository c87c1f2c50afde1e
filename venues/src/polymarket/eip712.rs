//! EIP-712 hashing of Polymarket's three typed messages: the order, the wallet's wrapping of one, and the
//! authorisation that yields API keys.
//!
//! Type hashes are computed once; a domain's separator once per exchange. An order is twelve words and
//! two hashes.

use highwire_links::Side;
use sha3::{Digest, Keccak256};
use std::sync::LazyLock;

/// Thirty-two bytes, big-endian: what every member of a typed message is encoded as.
pub type Word = [u8; 32];
/// An account or a contract.
pub type Address = [u8; 20];

/// Polygon.
pub const CHAIN_ID: u64 = 137;

/// The order, as V2 and V3 of the exchange have it.
pub const ORDER_TYPE: &str = "Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount,uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)";

const DOMAIN_TYPE: &str = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const AUTH_DOMAIN_TYPE: &str = "EIP712Domain(string name,string version,uint256 chainId)";
const AUTH_TYPE: &str = "ClobAuth(address address,string timestamp,uint256 nonce,string message)";
const AUTH_MESSAGE: &str = "This message attests that I control the given wallet";
const WRAPPED_TYPE: &str =
    "TypedDataSign(Order contents,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)";

static ORDER_HASH: LazyLock<Word> = LazyLock::new(|| keccak(ORDER_TYPE.as_bytes()));
static WRAPPED_HASH: LazyLock<Word> = LazyLock::new(|| keccak(format!("{WRAPPED_TYPE}{ORDER_TYPE}").as_bytes()));
static WALLET_NAME: LazyLock<Word> = LazyLock::new(|| keccak(b"DepositWallet"));
static WALLET_VERSION: LazyLock<Word> = LazyLock::new(|| keccak(b"1"));

/// Who signs, and whose money it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SignatureType {
    /// The key's own account.
    Eoa = 0,
    /// The key of a proxy wallet.
    Proxy = 1,
    /// The key of a Gnosis safe.
    Safe = 2,
    /// A deposit wallet: a contract that checks the key's signature itself (ERC-1271, nested as ERC-7739).
    DepositWallet = 3,
}

impl SignatureType {
    /// The type of its number.
    pub fn from_u8(number: u8) -> Option<Self> {
        [Self::Eoa, Self::Proxy, Self::Safe, Self::DepositWallet].into_iter().find(|kind| *kind as u8 == number)
    }
}

/// A signed order's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypedOrder {
    /// Below 2^53, since it travels as a JSON number.
    pub salt: u64,
    /// Whose funds.
    pub maker: Address,
    /// Who signs; for a deposit wallet the wallet itself.
    pub signer: Address,
    /// The outcome token or position.
    pub token: Word,
    /// What is given, at six decimals: dollars of a buy, shares of a sale.
    pub maker_amount: u64,
    /// What is asked for, at six decimals.
    pub taker_amount: u64,
    /// Buy or sell.
    pub side: Side,
    /// How it is signed.
    pub signature_type: SignatureType,
    /// Milliseconds; only tells orders apart.
    pub timestamp_ms: u64,
}

impl TypedOrder {
    /// The hash of the struct. Metadata and builder code are zero.
    pub fn struct_hash(&self) -> Word {
        let words = [
            *ORDER_HASH,
            number(self.salt),
            padded(&self.maker),
            padded(&self.signer),
            self.token,
            number(self.maker_amount),
            number(self.taker_amount),
            number(self.side as u64),
            number(self.signature_type as u64),
            number(self.timestamp_ms),
            [0; 32],
            [0; 32],
        ];
        keccak(words.as_flattened())
    }
}

/// The domain separator of an exchange contract.
pub fn exchange_domain(version: &str, contract: &Address) -> Word {
    let words = [
        keccak(DOMAIN_TYPE.as_bytes()),
        keccak(b"Polymarket CTF Exchange"),
        keccak(version.as_bytes()),
        number(CHAIN_ID),
        padded(contract),
    ];
    keccak(words.as_flattened())
}

/// What is signed: the struct under its domain.
pub fn digest(domain: &Word, hash: &Word) -> Word {
    let mut bytes = [0; 66];
    bytes[..2].copy_from_slice(&[0x19, 0x01]);
    bytes[2..34].copy_from_slice(domain);
    bytes[34..].copy_from_slice(hash);
    keccak(&bytes)
}

/// What a deposit wallet's key signs in place of an order: the order inside the wallet's own domain
/// (ERC-7739 `TypedDataSign`), under the exchange's domain.
pub fn wrapped_digest(domain: &Word, hash: &Word, wallet: &Address) -> Word {
    let words = [*WRAPPED_HASH, *hash, *WALLET_NAME, *WALLET_VERSION, number(CHAIN_ID), padded(wallet), [0; 32]];
    digest(domain, &keccak(words.as_flattened()))
}

/// What is signed to create or recover API keys.
pub fn auth_digest(address: &Address, timestamp_s: &str, nonce: u64) -> Word {
    let domain = [keccak(AUTH_DOMAIN_TYPE.as_bytes()), keccak(b"ClobAuthDomain"), keccak(b"1"), number(CHAIN_ID)];
    let message = [
        keccak(AUTH_TYPE.as_bytes()),
        padded(address),
        keccak(timestamp_s.as_bytes()),
        number(nonce),
        keccak(AUTH_MESSAGE.as_bytes()),
    ];
    digest(&keccak(domain.as_flattened()), &keccak(message.as_flattened()))
}

/// Keccak-256.
pub fn keccak(bytes: &[u8]) -> Word {
    Keccak256::digest(bytes).into()
}

/// A number as a word.
fn number(value: u64) -> Word {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&value.to_be_bytes());
    word
}

fn padded(address: &Address) -> Word {
    let mut word = [0; 32];
    word[12..].copy_from_slice(address);
    word
}

/// A decimal of up to 256 bits. `None` for anything but digits without a leading zero.
pub fn uint256(text: &str) -> Option<Word> {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > 78 || (bytes[0] == b'0' && bytes.len() > 1) {
        return None;
    }
    let mut word = [0u8; 32];
    for byte in bytes {
        let mut carry = u16::from(byte.is_ascii_digit().then(|| byte - b'0')?);
        for place in word.iter_mut().rev() {
            carry += u16::from(*place) * 10;
            *place = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(word)
}

/// `N` bytes from `0x` and hexadecimal digits of either case.
pub fn bytes<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digits = text.strip_prefix(b"0x").filter(|digits| digits.len() == 2 * N)?;
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(out)
}

/// Appends `0x` and lower-case hexadecimal digits.
pub fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"0x");
    digits(bytes, out);
}

/// Appends lower-case hexadecimal digits.
pub fn digits(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// An address as text, with the mixed-case checksum of EIP-55.
pub fn checksummed(address: &Address) -> String {
    let mut text = Vec::with_capacity(42);
    digits(address, &mut text);
    let hash = keccak(&text);
    for (at, digit) in text.iter_mut().enumerate() {
        let nibble = hash[at / 2] >> (4 * (1 - at % 2)) & 15;
        if nibble >= 8 {
            digit.make_ascii_uppercase();
        }
    }
    format!("0x{}", String::from_utf8_lossy(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_id_of_78_digits_is_a_word_and_one_beyond_256_bits_is_none() {
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        assert_eq!(uint256(most), Some([0xff; 32]));
        assert_eq!(uint256("256").unwrap()[30..], [1, 0]);
        for bad in ["", "01", "-1", "1e5", &most.replace("935", "936"), &most.repeat(2)] {
            assert_eq!(uint256(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_are_read_in_any_case_and_written_with_their_checksum() {
        let text = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
        let address: Address = bytes(text.to_lowercase().as_bytes()).unwrap();
        assert_eq!(checksummed(&address), text);
        assert_eq!(bytes::<20>(b"0xf39F"), None);
        assert_eq!(bytes::<2>(b"0xf3g0"), None);
    }

    #[test]
    fn the_separator_of_the_standard_exchange_is_the_documented_one() {
        let exchange = bytes(b"0xE111180000d2663C0091e4f400237545B87B996B").unwrap();
        let expected = bytes(b"0x3264e159346253e26a64e00b69032db0e7d32f94628de3e6eecb50304d7af3d2");
        assert_eq!(Some(exchange_domain("2", &exchange)), expected);
    }
}
