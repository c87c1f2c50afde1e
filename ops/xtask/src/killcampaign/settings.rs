//! The settings of a service that trades on the simulated venues all the time.

use super::venues::Venues;
use std::fmt::Write as _;
use std::path::Path;

/// The simulator's published dummies; the service reads them from its environment.
pub const SECRETS: [(&str, &str); 3] = [
    ("HIGHWIRE_CAMPAIGN_KEY", "simulated-trader-key"),
    ("HIGHWIRE_CAMPAIGN_SECRET", "simulated-trader-secret"),
    ("HIGHWIRE_CAMPAIGN_PASSPHRASE", "Simulated-trader-1"),
];
/// Simulated exchange, our venue, symbol.
const PLACES: [(&str, &str, &str); 4] = [
    ("binance_spot", "binance_spot", "BTCUSDT"),
    ("binance_usdm", "binance_usdm", "BTCUSDT"),
    ("okx", "okx", "BTC-USDT"),
    ("bybit", "bybit_spot", "BTCUSDT"),
];

/// Settings in which everything that lasts is below `data`. Checkpoints and segments are many, so that kills meet them.
pub fn text(venues: &Venues, data: &Path) -> Result<String, String> {
    let mut text =
        format!("[service]\nlive = true\nlog = \"info\"\ndata_dir = {data:?}\n[http]\nlisten = \"127.0.0.1:0\"\n");
    // A machine that runs other things too starves a thread for longer than one that trades.
    text.push_str("[store]\ncheckpoint_every_ms = 100\nsegment_kib = 64\nsegments_kept = 10000\n[wire]\nthread_stuck_ms = 20000\n");
    text.push_str("[risk]\ncooldown_ms = 100\nrefused_rest_ms = 1500\norder_notional_max = \"200\"\nposition_notional_max = \"100000\"\n");
    for (room, venue, _) in PLACES {
        let [a, b, rest] = venues.addresses(room).ok_or_else(|| format!("the simulator did not open {room}"))?;
        let _ = writeln!(
            text,
            "[venues.{venue}]\nws_url = {a:?}\nws_url_b = {b:?}\nrest_url = {rest:?}\norder_url = {a:?}"
        );
        let _ = writeln!(text, "private_url = {a:?}\ntaker_fee_bps = \"1\"");
        let _ = writeln!(text, "api_key = \"env:{}\"\napi_secret = \"env:{}\"", SECRETS[0].0, SECRETS[1].0);
        if room == "okx" {
            let _ = writeln!(text, "api_passphrase = \"env:{}\"", SECRETS[2].0);
        }
    }
    let members: Vec<String> = PLACES.iter().map(|(_, venue, symbol)| format!("\"{venue}:{symbol}\"")).collect();
    let _ = writeln!(text, "[pairs]\nlist = [{{ name = \"BTC/USDT\", members = [{}] }}]", members.join(", "));
    Ok(text)
}
