//! An order as it arrives: signed members, envelope, and what it asks for in shares and price.

use serde_json::Value;

use super::PX_ONE;
use super::eip712::Contents;
use super::word::{fixed, from_decimal, unhex};

/// How long an order may rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Until cancelled.
    Gtc,
    /// Until its expiration.
    Gtd,
    /// All at once or not at all.
    Fok,
    /// What is there, the rest not at all.
    Fak,
}

impl Kind {
    /// The name in messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gtc => "GTC",
            Self::Gtd => "GTD",
            Self::Fok => "FOK",
            Self::Fak => "FAK",
        }
    }

    /// Whether the rest of it stands in the book.
    pub(super) const fn rests(self) -> bool {
        matches!(self, Self::Gtc | Self::Gtd)
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Gtc, Self::Gtd, Self::Fok, Self::Fak].into_iter().find(|kind| kind.name() == name)
    }
}

/// A parsed request for one order.
#[derive(Clone, Debug)]
pub(super) struct Submission {
    pub(super) contents: Contents,
    pub(super) signature: Vec<u8>,
    /// The token as written.
    pub(super) token: String,
    /// Unix seconds; 0 = none.
    pub(super) expiration_s: i64,
    /// The API key that it is entered for.
    pub(super) owner: String,
    pub(super) kind: Kind,
    pub(super) post_only: bool,
}

/// What an order asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) buy: bool,
    /// Limit of the outcome's own price in ten-thousandths.
    pub(super) px: i64,
    /// Shares in millionths.
    pub(super) size: i64,
    /// Micro-dollars to spend, where the order is by amount.
    pub(super) dollars: Option<i64>,
}

impl Submission {
    /// Reads one order of a request.
    ///
    /// # Errors
    /// The text of the venue's answer.
    pub(super) fn parse(request: &Value) -> Result<Self, &'static str> {
        let order = &request["order"];
        if !order.is_object() {
            return Err("Invalid order payload");
        }
        if order.get("timestamp").is_none() || order.get("nonce").is_some() {
            return Err("order_version_mismatch");
        }
        let contents = contents(order).ok_or("Invalid order payload")?;
        let kind = request["orderType"].as_str().and_then(Kind::parse).ok_or("Invalid order payload")?;
        let expiration_s = digits(&order["expiration"]).ok_or("invalid expiration")?;
        let post_only = request["postOnly"].as_bool().unwrap_or(false);
        if post_only && !kind.rests() {
            return Err("invalid post-only order: only GTC and GTD orders can be post-only");
        }
        Ok(Self {
            contents,
            signature: order["signature"].as_str().and_then(unhex).ok_or("Invalid order payload")?,
            token: order["tokenId"].as_str().unwrap_or("").to_owned(),
            expiration_s: i64::try_from(expiration_s).map_err(|_| "invalid expiration")?,
            owner: request["owner"].as_str().ok_or("Invalid order payload")?.to_owned(),
            kind,
            post_only,
        })
    }

    /// Price and size of the order at a market's tick (ten-thousandths). A limit order's price must be exact.
    /// A market buy (FOK or FAK whose shares have more than two decimals: they are the quotient that the client
    /// computed) spends its dollars, whatever shares that gives.
    ///
    /// # Errors
    /// The text of the venue's answer, without the order's name.
    pub(super) fn terms(&self, tick: i64) -> Result<Terms, String> {
        let buy = !self.contents.sell;
        let (dollars, shares) = match buy {
            true => (self.contents.maker_amount, self.contents.taker_amount),
            false => (self.contents.taker_amount, self.contents.maker_amount),
        };
        let bounded = |amount: u64| i64::try_from(amount).ok().filter(|&a| a > 0 && a < 1_000_000_000_000_000);
        let (Some(usd), Some(size)) = (bounded(dollars), bounded(shares)) else {
            return Err("invalid amounts".to_owned());
        };
        let scaled = i128::from(usd) * i128::from(PX_ONE);
        let px = i64::try_from(scaled / i128::from(size)).map_err(|_| "invalid amounts".to_owned())?;
        let exact = scaled % i128::from(size) == 0;
        let unit = size % 10_000 == 0;
        if px % tick != 0 || (!exact && self.kind.rests()) {
            let (px, tick) = (super::fee::price(px), super::fee::price(tick));
            return Err(format!("Price ({px}) breaks minimum tick size rule: {tick}"));
        }
        if px < tick || px > PX_ONE - tick {
            let (px, least, most) = (super::fee::price(px), super::fee::price(tick), super::fee::price(PX_ONE - tick));
            return Err(format!("invalid price ({px}), min: {least} - max: {most}"));
        }
        if !unit && (self.kind.rests() || !buy) {
            return Err("Size has more than 2 decimals".to_owned());
        }
        Ok(Terms { buy, px, size, dollars: (!unit).then_some(usd) })
    }
}

fn contents(order: &Value) -> Option<Contents> {
    let text = |name: &str| order[name].as_str();
    Some(Contents {
        salt: order["salt"].as_u64()?,
        maker: fixed(text("maker")?)?,
        signer: fixed(text("signer")?)?,
        token: from_decimal(text("tokenId")?)?,
        maker_amount: digits(&order["makerAmount"])?,
        taker_amount: digits(&order["takerAmount"])?,
        sell: match text("side")? {
            "BUY" => false,
            "SELL" => true,
            _ => return None,
        },
        signature_type: u8::try_from(order["signatureType"].as_u64()?).ok().filter(|&kind| kind <= 3)?,
        timestamp_ms: digits(&order["timestamp"])?,
        metadata: fixed(text("metadata")?)?,
        builder: fixed(text("builder")?)?,
    })
}

/// A whole number in a string of digits.
fn digits(value: &Value) -> Option<u64> {
    value.as_str().filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(kind: &str, side: &str, maker: u64, taker: u64) -> Value {
        let zero = format!("0x{:064}", 0);
        json!({"order": {"salt": 1, "maker": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
            "signer": "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "tokenId": "7", "makerAmount": maker.to_string(),
            "takerAmount": taker.to_string(), "side": side, "expiration": "0", "signatureType": 0,
            "timestamp": "1790000000123", "metadata": zero, "builder": zero, "signature": "0x00"},
            "owner": "k", "orderType": kind, "deferExec": false, "postOnly": false})
    }

    fn terms(kind: &str, side: &str, maker: u64, taker: u64) -> Result<Terms, String> {
        Submission::parse(&request(kind, side, maker, taker)).expect("an order").terms(100)
    }

    #[test]
    fn amounts_become_a_price_and_a_size() {
        let limit = Terms { buy: true, px: 5_200, size: 100_000_000, dollars: None };
        assert_eq!(terms("GTC", "BUY", 52_000_000, 100_000_000), Ok(limit));
        let sale = Terms { buy: false, px: 9_600, size: 25_000_000, dollars: None };
        assert_eq!(terms("FAK", "SELL", 25_000_000, 24_000_000), Ok(sale));
        let market = Terms { buy: true, px: 5_500, size: 90_909_000, dollars: Some(50_000_000) };
        assert_eq!(terms("FOK", "BUY", 50_000_000, 90_909_000), Ok(market));
    }

    #[test]
    fn prices_off_the_tick_or_outside_are_refused() {
        assert!(terms("GTC", "BUY", 52_500_000, 100_000_000).is_err_and(|why| why.contains("tick size")));
        assert!(terms("GTC", "BUY", 52_000_001, 100_000_000).is_err_and(|why| why.contains("tick size")));
        assert!(terms("GTC", "BUY", 100_000_000, 100_000_000).is_err_and(|why| why.contains("invalid price")));
        assert!(terms("GTC", "BUY", 0, 100_000_000).is_err());
        assert!(terms("GTC", "BUY", u64::MAX, 1).is_err());
    }

    #[test]
    fn an_order_of_the_first_version_is_told_so() {
        let mut old = request("GTC", "BUY", 1, 1);
        old["order"]["nonce"] = json!("0");
        assert_eq!(Submission::parse(&old).err(), Some("order_version_mismatch"));
        assert!(Submission::parse(&json!({})).is_err());
        let mut text_salt = request("GTC", "BUY", 1, 1);
        text_salt["order"]["salt"] = json!("1");
        assert!(Submission::parse(&text_salt).is_err());
    }
}
