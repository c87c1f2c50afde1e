//! The bytes of an order as it is posted: compact JSON in the official clients' order of keys, so that
//! what is signed is what is sent.

use super::eip712::TypedOrder;
use super::wallet::{Exchange, Wallet};
use crate::text;
use highwire_links::Side;
use highwire_links::order::TimeInForce;
use secrecy::{ExposeSecret, SecretString};

/// How long an order lives, in the venue's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderType {
    /// Until cancelled.
    Gtc,
    /// Until a time, seconds since 1970, at least three minutes ahead: of no use in short windows.
    Gtd(u64),
    /// All at once or nothing.
    Fok,
    /// What fills at once; the rest is killed.
    Fak,
}

impl OrderType {
    /// The type of a time in force; post-only is a flag of its own.
    pub fn of(tif: TimeInForce) -> Self {
        match tif {
            TimeInForce::Ioc => Self::Fak,
            TimeInForce::Fok => Self::Fok,
            TimeInForce::Gtc | TimeInForce::PostOnly => Self::Gtc,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gtc => "GTC",
            Self::Gtd(_) => "GTD",
            Self::Fok => "FOK",
            Self::Fak => "FAK",
        }
    }
}

/// What an order is, besides what is signed.
#[derive(Clone, Copy, Debug)]
pub struct Post<'a> {
    /// The token id as digits: what `token` of the struct is.
    pub token: &'a str,
    /// How long it lives.
    pub order_type: OrderType,
    /// It must not take.
    pub post_only: bool,
    /// The API key.
    pub owner: &'a SecretString,
}

const ZERO: &[u8] = b"0x0000000000000000000000000000000000000000000000000000000000000000";

/// Signs an order and appends the body that posts it. Gives its hash; `None` when the key cannot sign.
pub fn body(
    wallet: &Wallet,
    exchange: Exchange,
    order: &TypedOrder,
    post: &Post<'_>,
    out: &mut Vec<u8>,
) -> Option<super::eip712::Word> {
    let deposit = order.signature_type == super::eip712::SignatureType::DepositWallet;
    let signer = if deposit { wallet.funder() } else { wallet.signer() };
    let expires = if let OrderType::Gtd(at) = post.order_type { at } else { 0 };
    let side: &[u8] = if order.side == Side::Buy { b"BUY" } else { b"SELL" };
    write(out, &[Part::Text(b"{\"order\":{\"salt\":"), Part::Number(order.salt)]);
    write(out, &[Part::Text(b",\"maker\":\""), Part::Text(wallet.funder().as_bytes())]);
    write(out, &[Part::Text(b"\",\"signer\":\""), Part::Text(signer.as_bytes())]);
    write(out, &[Part::Text(b"\",\"tokenId\":\""), Part::Text(post.token.as_bytes())]);
    write(out, &[Part::Text(b"\",\"makerAmount\":\""), Part::Number(order.maker_amount)]);
    write(out, &[Part::Text(b"\",\"takerAmount\":\""), Part::Number(order.taker_amount)]);
    write(out, &[Part::Text(b"\",\"side\":\""), Part::Text(side)]);
    write(out, &[Part::Text(b"\",\"expiration\":\""), Part::Number(expires)]);
    write(out, &[Part::Text(b"\",\"signatureType\":"), Part::Number(order.signature_type as u64)]);
    write(out, &[Part::Text(b",\"timestamp\":\""), Part::Number(order.timestamp_ms)]);
    write(out, &[Part::Text(b"\",\"metadata\":\""), Part::Text(ZERO)]);
    write(out, &[Part::Text(b"\",\"builder\":\""), Part::Text(ZERO), Part::Text(b"\",\"signature\":\"")]);
    let hash = wallet.sign(exchange, order, out)?;
    write(out, &[Part::Text(b"\"},\"owner\":\""), Part::Text(post.owner.expose_secret().as_bytes())]);
    write(out, &[Part::Text(b"\",\"orderType\":\""), Part::Text(post.order_type.name().as_bytes())]);
    let post_only: &[u8] = if post.post_only { b"true" } else { b"false" };
    write(out, &[Part::Text(b"\",\"deferExec\":false,\"postOnly\":"), Part::Text(post_only), Part::Text(b"}")]);
    Some(hash)
}

enum Part<'a> {
    Text(&'a [u8]),
    Number(u64),
}

fn write(out: &mut Vec<u8>, parts: &[Part<'_>]) {
    for part in parts {
        match part {
            Part::Text(text) => out.extend_from_slice(text),
            Part::Number(number) => text::number(*number, out),
        }
    }
}
