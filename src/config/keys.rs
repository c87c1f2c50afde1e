//! The table of keys: every setting, with the kind and range of its value. `configs/default.toml`
//! explains them; a test holds table, file and structs equal.

use super::kind::{Kind, Text};
use super::suggest::nearest;
use super::value::{BPS_DP, MONEY_DP};
use highwire_links::limits;

/// The venues that have a section `[venues.<name>]`.
pub const VENUES: [&str; 10] = [
    "binance_spot",
    "binance_us",
    "binance_tr",
    "binance_usdm",
    "binance_coinm",
    "okx",
    "bybit_spot",
    "bybit_linear",
    "bybit_inverse",
    "polymarket",
];

/// Open orders are counted against fixed arrays of the wire.
const OPEN_ORDERS_MAX: i64 = limits::OPEN_ORDERS_MAX as i64;

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Dotted path; `*` stands for a venue's name.
    pub path: &'static str,
    /// What its value may be.
    pub kind: Kind,
}

/// Every setting, in the order of `configs/default.toml`.
pub const KEYS: &[Key] = &[
    key("service.name", Kind::Text(Text::Name)),
    key("service.log", Kind::Text(Text::Name)),
    key("service.log_json", Kind::Flag),
    key("service.log_dir", Kind::Text(Text::Any)),
    key("service.log_keep", whole(1, 3_650, "files")),
    key("service.log_file_mb", whole(1, 4_096, "megabytes")),
    key("service.live", Kind::Flag),
    key("service.data_dir", Kind::Text(Text::Name)),
    key("wire.layout", Kind::Choice(&["auto", "one", "split"])),
    key("wire.idle", Kind::Choice(&["auto", "spin", "hybrid", "block"])),
    key("wire.hybrid_spin_us", whole(1, 100_000, "µs")),
    key("wire.cores", Kind::Cores),
    key("wire.warden_silent_ms", whole(50, 60_000, "ms")),
    key("wire.thread_stuck_ms", whole(50, 60_000, "ms")),
    key("supervision.core_restarts", whole(0, 100, "restarts")),
    key("supervision.core_period_s", whole(1, 86_400, "s")),
    key("supervision.venue_restarts", whole(0, 100, "restarts")),
    key("supervision.venue_period_s", whole(1, 86_400, "s")),
    key("supervision.side_restarts", whole(0, 100, "restarts")),
    key("supervision.side_period_s", whole(1, 86_400, "s")),
    key("supervision.thread_restarts", whole(0, 100, "restarts")),
    key("supervision.thread_period_s", whole(1, 86_400, "s")),
    key("supervision.backoff_base_ms", whole(1, 60_000, "ms")),
    key("supervision.backoff_cap_ms", whole(1, 600_000, "ms")),
    key("supervision.breaker_failures", whole(1, 1_000, "failures")),
    key("supervision.breaker_rest_ms", whole(100, 3_600_000, "ms")),
    key("supervision.breaker_successes", whole(1, 100, "successes")),
    key("lines.connect_ms", whole(100, 60_000, "ms")),
    key("lines.sync_ms", whole(1_000, 600_000, "ms")),
    key("lines.stable_ms", whole(0, 600_000, "ms")),
    key("lines.silent_ms", whole(100, 600_000, "ms")),
    key("lines.attempts", whole(1, 300, "connections")),
    key("lines.attempts_period_s", whole(1, 86_400, "s")),
    key("lines.cut_off_s", whole(1, 3_600, "s")),
    key("lines.clock_every_ms", whole(100, 600_000, "ms")),
    key("lines.listing_every_s", whole(1, 86_400, "s")),
    key("lines.skew_ms", whole(1, 60_000, "ms")),
    key("lines.dead_man_ms", whole(0, 600_000, "ms")),
    key("lines.funds_every_ms", whole(500, 3_600_000, "ms")),
    key("lines.reconcile_every_ms", whole(200, 3_600_000, "ms")),
    key("lines.tls_ca_file", Kind::Text(Text::Any)),
    key("venues.*.enabled", Kind::Flag),
    key("venues.*.taker_fee_bps", bps("-100", "1000")),
    key("venues.*.maker_fee_bps", bps("-100", "1000")),
    key("venues.*.stale_ms", whole(1, 600_000, "ms")),
    key("venues.*.ws_url", Kind::Text(Text::Url(&["ws://", "wss://"]))),
    key("venues.*.ws_url_b", Kind::Text(Text::Url(&["ws://", "wss://"]))),
    key("venues.*.lines", whole(1, 8, "lines")),
    key("venues.*.rest_url", Kind::Text(Text::Url(&["http://", "https://"]))),
    key("venues.*.order_url", Kind::Text(Text::Url(&["ws://", "wss://", "http://", "https://"]))),
    key("venues.*.private_url", Kind::Text(Text::Url(&["ws://", "wss://"]))),
    key("venues.*.order_transport", Kind::Choice(&["socket", "http"])),
    key("venues.*.api_key", Kind::Text(Text::Source)),
    key("venues.*.api_secret", Kind::Text(Text::Source)),
    key("venues.*.api_passphrase", Kind::Text(Text::Source)),
    key("venues.*.key_kind", Kind::Choice(&["hmac", "ed25519", "rsa"])),
    key("venues.*.clock", Kind::Text(Text::Clock)),
    key("polymarket.markets", Kind::Slugs),
    key("polymarket.series", Kind::Series),
    key("polymarket.windows", whole(1, 96, "windows")),
    key("polymarket.close_before_s", whole(0, 3_600, "s")),
    key("polymarket.fee_age_s", whole(1, 3_600, "s")),
    key("polymarket.private_key", Kind::Text(Text::Source)),
    key("polymarket.wallet", Kind::Choice(&["eoa", "proxy", "safe", "deposit"])),
    key("polymarket.funder", Kind::Text(Text::Any)),
    key("polymarket.gamma_url", Kind::Text(Text::Url(&["http://", "https://"]))),
    key("pairs.list", Kind::Pairs),
    key("pairs.quote_groups", Kind::Groups),
    key("risk.order_notional_max", money("0.01")),
    key("risk.position_notional_max", money("0.01")),
    key("risk.gross_notional_max", money("0.01")),
    key("risk.pair_notional_max", money("0.01")),
    key("risk.open_orders_max", whole(2, OPEN_ORDERS_MAX, "orders")),
    key("risk.edge_min_bps", bps("0", "10000")),
    key("risk.slippage_bps", bps("0", "1000")),
    key("risk.latency_penalty_bps", bps("0", "1000")),
    key("risk.collar_bps", bps("1", "5000")),
    key("risk.confirm_edge_bps", bps("1", "10000")),
    key("risk.cooldown_ms", whole(0, 3_600_000, "ms")),
    key("risk.refused_rest_ms", whole(0, 3_600_000, "ms")),
    key("cross.entry", Kind::Choice(&["taker", "maker"])),
    key("cross.rest_ms", whole(1, 10_000, "ms")),
    key("cross.margin_bps", bps("0", "1000")),
    key("cross.reprices_max", whole(0, 255, "orders")),
    key("complement.enabled", Kind::Flag),
    key("complement.edge_min_bps", bps("0", "10000")),
    key("complement.collar_bps", bps("1", "5000")),
    key("saga.leg_delay_ms", whole(1, 60_000, "ms")),
    key("saga.ask_every_ms", whole(1, 60_000, "ms")),
    key("saga.resolve_ms", whole(1, 600_000, "ms")),
    key("saga.blind_ms", whole(0, 60_000, "ms")),
    key("saga.hold_ms", whole(0, 60_000, "ms")),
    key("saga.retry_ms", whole(1, 60_000, "ms")),
    key("saga.shut_ms", whole(0, 3_600_000, "ms")),
    key("saga.exposed_ms", whole(1, 600_000, "ms")),
    key("saga.failures_max", whole(1, 255, "failures")),
    key("saga.exposure_max", money("0")),
    key("saga.cost_hold_bps", bps("0", "10000")),
    key("saga.cost_max_bps", bps("0", "10000")),
    key("saga.share_hold_bps", bps("0", "10000")),
    key("saga.share_max_bps", bps("0", "10000")),
    key("guard.orders_per_s_max", whole(1, 1_024, "orders")),
    key("guard.notional_per_min_max", money("0.01")),
    key("guard.rejects_max", whole(1, 1_000_000, "refusals")),
    key("guard.repeats_per_min_max", whole(1, 1_000_000, "trades")),
    key("guard.loss_max", money("0.01")),
    key("guard.drawdown_max", money("0.01")),
    key("lag.enabled", Kind::Flag),
    key("lag.follow", Kind::Follows),
    key("lag.order_notional_max", money("0.01")),
    key("lag.move_min_bps", bps("0.1", "1000")),
    key("lag.window_ms", whole(1, 60_000, "ms")),
    key("lag.delta_ppm_per_bp", whole(1, 1_000_000, "ppm")),
    key("lag.edge_min_bps", bps("0", "10000")),
    key("lag.follow_ms", whole(1, 600_000, "ms")),
    key("lag.gain_bps", bps("0", "10000")),
    key("lag.loss_max_bps", bps("0", "10000")),
    key("officer.sample_ms", whole(10, 3_600_000, "ms")),
    key("officer.samples", whole(16, 10_000, "prices")),
    key("officer.leverage_max_percent", whole(1, 10_000, "%")),
    key("officer.concentration_max_percent", whole(1, 10_000, "%")),
    key("officer.var_max_bps", bps("1", "10000")),
    key("officer.volatility_target_percent", whole(1, 10_000, "%")),
    key("paper.latency_ms", whole(0, 60_000, "ms")),
    key("paper.start_base", money("0")),
    key("paper.start_quote", money("0")),
    key("store.folder", Kind::Text(Text::Any)),
    key("store.flush_ms", whole(1, 1_000, "ms")),
    key("store.checkpoint_every_ms", whole(100, 60_000, "ms")),
    key("store.segment_kib", whole(64, 1_048_576, "KiB")),
    key("store.segments_kept", whole(2, 100_000, "segments")),
    key("store.outbox", Kind::Text(Text::Any)),
    key("replay.speed", Kind::Ratio { min: 0.0, max: 10_000.0 }),
    key("demo.seed", whole(0, i64::MAX, "")),
    key("demo.seconds", whole(0, 86_400, "s")),
    key("demo.assets", Kind::Assets),
    key("demo.lag_ms", whole(0, 10_000, "ms")),
    key("modes.latency_us", whole(100, 10_000_000, "µs")),
    key("modes.stale_percent", whole(1, 99, "%")),
    key("modes.memory_mb", whole(16, 1_048_576, "MB")),
    key("modes.confirm_ms", whole(0, 60_000, "ms")),
    key("modes.dwell_ms", whole(0, 3_600_000, "ms")),
    key("modes.settle_ms", whole(0, 60_000, "ms")),
    key("modes.cancel_ms", whole(100, 600_000, "ms")),
    key("modes.flatten_ms", whole(100, 600_000, "ms")),
    key("modes.settle_stuck_ms", whole(1_000, 86_400_000, "ms")),
    key("modes.settle_failed_percent", whole(1, 100, "%")),
    key("alerts.severity_min", Kind::Choice(&["info", "warning", "critical"])),
    key("alerts.messages_max", whole(1, 1_000, "messages")),
    key("alerts.period_s", whole(1, 86_400, "s")),
    key("alerts.slack_url", Kind::Text(Text::Source)),
    key("alerts.slack_after_s", whole(0, 86_400, "s")),
    key("alerts.telegram_token", Kind::Text(Text::Source)),
    key("alerts.telegram_chat", whole(-9_007_199_254_740_991, 9_007_199_254_740_991, "")),
    key("alerts.telegram_api", Kind::Text(Text::Url(&["http://", "https://"]))),
    key("alerts.telegram_commands", Kind::Flag),
    key("alerts.telegram_after_s", whole(0, 86_400, "s")),
    key("alerts.smtp_host", Kind::Text(Text::Any)),
    key("alerts.smtp_port", whole(1, 65_535, "")),
    key("alerts.smtp_tls", Kind::Flag),
    key("alerts.smtp_user", Kind::Text(Text::Any)),
    key("alerts.smtp_password", Kind::Text(Text::Source)),
    key("alerts.smtp_from", Kind::Text(Text::Any)),
    key("alerts.smtp_to", Kind::Text(Text::Any)),
    key("alerts.smtp_after_s", whole(0, 86_400, "s")),
    key("alerts.webhook_url", Kind::Text(Text::Source)),
    key("alerts.webhook_after_s", whole(0, 86_400, "s")),
    key("alerts.self_test_every_s", whole(0, 2_592_000, "s")),
    key("alerts.drift_quiet_s", whole(1, 86_400, "s")),
    key("alerts.deadman_url", Kind::Text(Text::Source)),
    key("alerts.deadman_every_s", whole(1, 86_400, "s")),
    key("http.listen", Kind::Text(Text::Address)),
    key("telemetry.otlp_endpoint", Kind::Text(Text::Url(&["http://", "https://"]))),
    key("telemetry.otlp_protocol", Kind::Choice(&["http", "grpc"])),
    key("telemetry.queue_max", whole(512, 65_536, "spans")),
    key("telemetry.sample_ratio", Kind::Ratio { min: 0.0, max: 1.0 }),
    key("history.file", Kind::Text(Text::Any)),
    key("history.keep_days", whole(1, 3_650, "days")),
];

const fn key(path: &'static str, kind: Kind) -> Key {
    Key { path, kind }
}

const fn whole(min: i64, max: i64, unit: &'static str) -> Kind {
    Kind::Whole { min, max, unit }
}

const fn bps(min: &'static str, max: &'static str) -> Kind {
    Kind::Decimal { min, max, dp: BPS_DP, unit: "basis points" }
}

const fn money(min: &'static str) -> Kind {
    Kind::Decimal { min, max: "1000000000", dp: MONEY_DP, unit: "units of the currency" }
}

/// What a dotted path is in the table.
#[derive(Debug)]
pub enum Found {
    /// A setting.
    Key(&'static Key),
    /// A section that holds settings.
    Section,
    /// Neither; with the nearest path that is one.
    Unknown(Option<String>),
}

/// Looks a dotted path up.
pub fn find(path: &str) -> Found {
    let general = generalise(path);
    if let Some(key) = KEYS.iter().find(|key| general.as_deref() == Some(key.path)) {
        return Found::Key(key);
    }
    let within = |known: &String| known.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    let known = all_paths();
    if known.iter().any(within) {
        return Found::Section;
    }
    let depth = path.split('.').count();
    let mut candidates: Vec<String> = known;
    candidates.extend(candidates.clone().iter().filter_map(|path| section_of(path, depth)));
    Found::Unknown(nearest(path, candidates.iter().map(String::as_str)).map(str::to_owned))
}

/// Every dotted path, each venue spelled out.
pub fn all_paths() -> Vec<String> {
    let spelled = |key: &Key| match key.path.contains('*') {
        true => VENUES.iter().map(|venue| key.path.replace('*', venue)).collect(),
        false => vec![key.path.to_owned()],
    };
    KEYS.iter().flat_map(spelled).collect()
}

/// `venues.okx.clock` → `venues.*.clock`; `None` for a venue that does not exist.
fn generalise(path: &str) -> Option<String> {
    let Some(rest) = path.strip_prefix("venues.") else {
        return Some(path.to_owned());
    };
    let (venue, key) = rest.split_once('.')?;
    VENUES.contains(&venue).then(|| format!("venues.*.{key}"))
}

fn section_of(path: &str, depth: usize) -> Option<String> {
    let parts: Vec<&str> = path.split('.').collect();
    (parts.len() > depth).then(|| parts[..depth].join("."))
}
