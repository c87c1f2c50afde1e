//! Damaged frames through every venue's decoders: a kind or a reason, sane levels, never a panic.

use crate::hunt::{Rng, damage, is_caught, survives};
use highwire_links::InstrumentId;
use highwire_links::decode::{Decode, Frame, FrameKind, Rejected, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::fixed::Scale;
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};
use highwire_links::update::{Control, DepthHead, Level, Sink, Trade};
use highwire_venues::venue::Venue;

const BINANCE: [&str; 4] = [
    r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":7,"u":9,"b":[["61700.01","0.5"],["61700.00","0"]],"a":[["61700.02","1.25"]]}}"#,
    r#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255208,"T":1723161255207,"s":"BTCUSDT","U":7,"u":9,"pu":6,"b":[["61700.1","0.5"]],"a":[["61700.2","1.2"]]}}"#,
    r#"{"u":400900217,"s":"BTCUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}"#,
    r#"{"e":"trade","E":1672515782136,"s":"BTCUSDT","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}"#,
];
const OKX: [&str; 4] = [
    r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"]],"ts":"1597026383085","checksum":-855196043,"prevSeqId":-1,"seqId":123456}]}"#,
    r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["8476.98","0","0","0"]],"bids":[],"ts":"1597026383085","checksum":0,"prevSeqId":123456,"seqId":123457}]}"#,
    r#"{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"]],"ts":"1597026383085","seqId":363996337}]}"#,
    r#"{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}"#,
];
const BYBIT: [&str; 4] = [
    r#"{"topic":"orderbook.50.BTCUSDT","type":"snapshot","ts":1672304484978,"data":{"s":"BTCUSDT","b":[["16493.50","0.006"]],"a":[["16611.00","0.029"]],"u":18521288,"seq":7961638724},"cts":1672304484976}"#,
    r#"{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,"data":{"s":"BTCUSDT","b":[["30247.20","30.028"]],"a":[["30248.70","0"]],"u":177400507,"seq":66544703342},"cts":1687940967464}"#,
    r#"{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950","BT":false}]}"#,
    r#"{"success":true,"ret_msg":"pong","conn_id":"465772b1","op":"ping"}"#,
];

const POLYMARKET: [&str; 3] = [
    r#"{"event_type":"book","asset_id":"BTCUSDT","bids":[{"price":"0.50","size":"200.0"}],"asks":[{"price":"0.51","size":"150.0"}],"timestamp":"1703875200000","hash":"0x"}"#,
    r#"{"price_changes":[{"asset_id":"BTCUSDT", "price":"0.5", "size":"1", "side":"BUY", "best_bid":"0.5", "best_ask":"0.51"}], "timestamp":"1703875201000", "event_type":"price_change"}"#,
    r#"[{"event_type":"last_trade_price","asset_id":"BTCUSDT","price":"0.51","side":"BUY","size":"25.0","timestamp":"1"}]"#,
];

fn samples(venue: Venue) -> &'static [&'static str] {
    match venue {
        Venue::Okx => &OKX,
        Venue::Polymarket => &POLYMARKET,
        Venue::BybitSpot | Venue::BybitLinear | Venue::BybitInverse => &BYBIT,
        _ => &BINANCE,
    }
}

/// Looks at what a decoder gives.
#[derive(Default)]
struct Judge(Option<String>);

impl Sink for Judge {
    fn on_depth(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) {
        if head.instrument != InstrumentId(0) {
            self.0 = Some(format!("a book that nobody has: {head:?}"));
        }
        if let Some(level) = bids.iter().chain(asks).find(|level| level.qty < 0 || level.px < 0) {
            self.0 = Some(format!("a negative level: {level:?}"));
        }
    }

    fn on_trade(&mut self, _: &Trade) {}

    fn on_control(&mut self, _: Control) {}
}

fn frame_of(payload: &[u8]) -> Vec<u8> {
    let mut buffer = vec![0xa5; FRAME_HEAD + payload.len() + FRAME_TAIL];
    buffer[FRAME_HEAD..][..payload.len()].copy_from_slice(payload);
    buffer
}

fn case(rng: &mut Rng, venue: Venue, decode: Decode) -> Result<(), String> {
    let symbol = if venue == Venue::Okx { "BTC-USDT" } else { "BTCUSDT" };
    let directory = Directory::new([(symbol, Entry { id: InstrumentId(0), scale: Scale { px_dp: 8, qty_dp: 8 } })]);
    let mut scratch = (venue.profile().scratch)();
    for _ in 0..20 {
        let mut payload = rng.pick(samples(venue)).as_bytes().to_vec();
        if rng.below(10) > 0 {
            damage(rng, &mut payload);
        }
        let (mut buffer, mut judge) = (frame_of(&payload), Judge::default());
        let frame = Frame::new(&mut buffer, payload.len()).ok_or("no room")?;
        let outcome = decode(&directory, &mut scratch, frame, &mut judge);
        if let Some(why) = judge.0 {
            return Err(format!("{}: {why} from {:?}: {outcome:?}", venue.name(), String::from_utf8_lossy(&payload)));
        }
    }
    Ok(())
}

/// Twenty messages a case: `HIGHWIRE_FUZZ_CASES=500000` are ten millions.
///
/// Fault: M09
#[test]
fn no_damaged_frame_breaks_a_decoder() {
    survives(&|rng| {
        let venue = *rng.pick(&Venue::ALL);
        let profile = venue.profile();
        let decode = *rng.pick(&[profile.decode, profile.reference]);
        case(rng, venue, decode)
    });
}

/// Believes that every frame is as long as the shortest sample.
fn trusting(
    directory: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    assert!(frame.payload()[60] > 0);
    (Venue::Okx.profile().decode)(directory, scratch, frame, sink)
}

#[test]
fn a_decoder_that_trusts_lengths_is_caught() {
    is_caught(&|rng| case(rng, Venue::Okx, trusting));
}
