//! The settings as the program uses them: plain structs, one per section of `configs/default.toml`,
//! which explains every key with its unit and range. Names end in the unit they are held in; money
//! is exact, so a fee written in basis points is held in parts per billion.

use super::sizing::{Lag, Officer};
use super::value::{amount, clock, listen, member, ppb};
use highwire_links::fixed::Amount;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// All settings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The process itself.
    pub service: Service,
    /// The pinned threads.
    pub wire: Wire,
    /// Restart budgets and back-off.
    pub supervision: Supervision,
    /// Connections.
    pub lines: Lines,
    /// One entry per name in [`super::VENUES`].
    pub venues: BTreeMap<String, VenueSettings>,
    /// Markets and wallet at Polymarket.
    pub polymarket: Polymarket,
    /// How cross-venue arbitrage enters.
    pub cross: Cross,
    /// Both sides of a question bought together.
    pub complement: Complement,
    /// What is compared with what.
    pub pairs: Pairs,
    /// What may be risked.
    pub risk: Risk,
    /// What bounds a trade that is under way.
    pub saga: Saga,
    /// The last gate before the wire.
    pub guard: Guard,
    /// Lag arbitrage.
    pub lag: Lag,
    /// What sizes limits by history.
    pub officer: Officer,
    /// The paper gateway.
    pub paper: Paper,
    /// What lasts.
    pub store: Store,
    /// `highwire replay`.
    pub replay: Replay,
    /// `highwire demo`.
    pub demo: Demo,
    /// When a mode is left and come back to.
    pub modes: Modes,
    /// Who is told of incidents.
    pub alerts: Alerts,
    /// Metrics and health over HTTP.
    pub http: Http,
    /// OpenTelemetry.
    pub telemetry: Telemetry,
    /// What was traded, for reports.
    pub history: History,
}

/// `[service]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Name in logs and traces.
    pub name: String,
    /// `tracing` filter directives.
    pub log: String,
    /// Log lines as JSON.
    pub log_json: bool,
    /// Folder of JSON log files, one a day; empty for none.
    pub log_dir: String,
    /// Log files kept.
    pub log_keep: usize,
    /// Size of one, after which the next begins.
    pub log_file_mb: u64,
    /// Whether orders may go to real venues; `--live` must be given as well.
    pub live: bool,
    /// Folder of what outlives the process: latches, alerts, the control socket.
    pub data_dir: String,
}

/// `[wire]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    /// How feed, engine and gateway share threads.
    pub layout: Layout,
    /// What a thread does when there is nothing to do.
    pub idle: Idle,
    /// How long `hybrid` spins before it blocks.
    pub hybrid_spin_us: u32,
    /// Cores to pin to, in thread order; empty means: choose.
    pub cores: Vec<usize>,
    /// A warden silent for this long: its thread opens nothing.
    pub warden_silent_ms: u64,
    /// A thread silent for this long: its warden pulls the stop word.
    pub thread_stuck_ms: u64,
}

/// How feed, engine and gateway share threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `Split` from four cores up, else `One`.
    Auto,
    /// One thread runs everything to completion.
    One,
    /// A thread each.
    Split,
}

/// What a pinned thread does when there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Idle {
    /// `Spin` with a core of its own and four cores or more, else `Block`.
    Auto,
    /// Polls without pause.
    Spin,
    /// Polls for a while, then blocks.
    Hybrid,
    /// Sleeps in the kernel until a socket or a warden wakes it.
    Block,
}

/// `[supervision]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supervision {
    /// Restarts of what rules (the governor) within `core_period_s`; one more and everything is stopped.
    pub core_restarts: u32,
    /// The period of `core_restarts`.
    pub core_period_s: u64,
    /// Restarts of one venue's actors within `venue_period_s`; one more and the venue is halted.
    pub venue_restarts: u32,
    /// The period of `venue_restarts`.
    pub venue_period_s: u64,
    /// Restarts of what tells people (the alerter) within `side_period_s`; one more and it stays off.
    pub side_restarts: u32,
    /// The period of `side_restarts`.
    pub side_period_s: u64,
    /// Restarts of one pinned thread within `thread_period_s` before the service halts.
    pub thread_restarts: u32,
    /// Its period.
    pub thread_period_s: u64,
    /// First wait before a reconnect; doubles with every failure.
    pub backoff_base_ms: u64,
    /// Longest wait.
    pub backoff_cap_ms: u64,
    /// Failures in a row that trip a breaker (of a venue's orders, its questions, an alert channel).
    pub breaker_failures: u32,
    /// How long it stays tripped.
    pub breaker_rest_ms: u64,
    /// Successful probes in a row that close it.
    pub breaker_successes: u32,
}

/// What carries orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderTransport {
    /// The venue's order WebSocket.
    Socket,
    /// Requests over HTTP.
    Http,
}

/// What a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// A shared secret.
    Hmac,
    /// A private Ed25519 key, PEM.
    Ed25519,
    /// A private RSA key, PEM.
    Rsa,
}

/// `[lines]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    /// From name to first acknowledgement, all phases together.
    pub connect_ms: u64,
    /// From there until data flows.
    pub sync_ms: u64,
    /// So long must data flow for a connection to count as a success.
    pub stable_ms: u64,
    /// A line without data for this long has ended.
    pub silent_ms: u64,
    /// Connections begun per venue within `attempts_period_s`.
    pub attempts: u32,
    /// Its period.
    pub attempts_period_s: u64,
    /// Without any venue for this long, everything is stopped.
    pub cut_off_s: u64,
    /// Time between two questions for a venue's time.
    pub clock_every_ms: u64,
    /// Time between two questions for a venue's instrument list.
    pub listing_every_s: u64,
    /// Offset beyond which a venue is not traded on.
    pub skew_ms: u64,
    /// A venue withdraws our orders when it has not heard of us for so long; 0 leaves its switch alone.
    pub dead_man_ms: u64,
    /// Time between two questions for what a venue holds for us.
    pub funds_every_ms: u64,
    /// Time between two comparisons of our figures with a venue's.
    pub reconcile_every_ms: u64,
    /// Certificates of authorities that are trusted besides the public ones, PEM; empty for none.
    pub tls_ca_file: String,
}

/// `[venues.<name>]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VenueSettings {
    /// Whether to connect and trade there.
    pub enabled: bool,
    /// Taker fee in parts per billion of the notional; negative is a rebate.
    #[serde(rename = "taker_fee_bps", deserialize_with = "ppb")]
    pub taker_fee_ppb: i64,
    /// The same of an order that rested.
    #[serde(rename = "maker_fee_bps", deserialize_with = "ppb")]
    pub maker_fee_ppb: i64,
    /// Older data than this is not traded on.
    pub stale_ms: u64,
    /// `ws://` or `wss://` host for market data; empty means the venue's public one.
    pub ws_url: String,
    /// A second such address, so that lines do not share one; empty for none but the venue's own.
    pub ws_url_b: String,
    /// Lines that carry the same market data.
    pub lines: u16,
    /// `http://` or `https://` host for snapshots and metadata; empty means the venue's public one.
    pub rest_url: String,
    /// `ws://`, `wss://`, `http://` or `https://` host for orders; empty means the venue's own.
    pub order_url: String,
    /// `ws://` or `wss://` host for news of our account; empty means the venue's own.
    pub private_url: String,
    /// What carries orders.
    pub order_transport: OrderTransport,
    /// Where the API key stands: `env:NAME` or `file:PATH`; empty for none.
    pub api_key: String,
    /// Where its secret stands.
    pub api_secret: String,
    /// Where its passphrase stands.
    pub api_passphrase: String,
    /// What the secret is.
    pub key_kind: KeyKind,
    /// How venue time is brought to ours.
    pub clock: Clock,
}

/// How venue time is brought to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// From the frames themselves.
    Measured,
    /// Known beforehand: venue time minus ours.
    Fixed {
        /// The difference.
        offset_ms: i64,
    },
}

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        clock(&String::deserialize(from)?).ok_or_else(|| D::Error::custom("not a clock"))
    }
}

/// `[polymarket]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Polymarket {
    /// Markets by their slugs.
    pub markets: Vec<String>,
    /// Series of up-or-down markets.
    pub series: Vec<String>,
    /// Windows of each series that are followed from a start on.
    pub windows: i64,
    /// Nothing is opened within so long of a market's end.
    pub close_before_s: u64,
    /// A fee that was read so long ago is not known any more.
    pub fee_age_s: u64,
    /// Where the signing key stands.
    pub private_key: String,
    /// Whose funds it moves.
    pub wallet: WalletKind,
    /// The address that holds them, where it is not the key's own.
    pub funder: String,
    /// `http://` or `https://` host that lists markets; empty means the venue's own.
    pub gamma_url: String,
}

/// How orders are signed, by what holds the funds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WalletKind {
    /// The key's own account.
    Eoa,
    /// A proxy that the venue made.
    Proxy,
    /// A Gnosis safe.
    Safe,
    /// A deposit wallet.
    Deposit,
}

/// `[cross]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cross {
    /// How the first leg is sent.
    pub entry: Entry,
    /// How long a first leg rests at most.
    pub rest_ms: u64,
    /// Edge asked for on top when it is priced.
    #[serde(rename = "margin_bps", deserialize_with = "ppb")]
    pub margin_ppb: i64,
    /// How often in a row a pair is priced anew when its orders would have taken.
    pub reprices_max: u8,
}

/// How a first leg is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// Both legs take, at once.
    Taker,
    /// It rests, and what is taken of it is hedged.
    Maker,
}

/// `[complement]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Complement {
    /// Whether it trades.
    pub enabled: bool,
    /// Least edge of the last share bought, fees included.
    #[serde(rename = "edge_min_bps", deserialize_with = "ppb")]
    pub edge_min_ppb: i64,
    /// Farthest that a share's price may lie from its history, of the one that it may pay.
    #[serde(rename = "collar_bps", deserialize_with = "ppb")]
    pub collar_ppb: i64,
}

/// `[pairs]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairs {
    /// The pairs.
    pub list: Vec<Pair>,
    /// Groups of quote assets that are regarded as equal when pairs are formed from metadata.
    pub quote_groups: Vec<Vec<String>>,
}

/// The same economic thing across venues.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Its name, such as `BTC/USDT`.
    pub name: String,
    /// Its instruments, in the order in which they are compared.
    pub members: Vec<Member>,
}

/// One instrument of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// A name of [`super::VENUES`].
    pub venue: String,
    /// The venue's own symbol.
    pub symbol: String,
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        member(&String::deserialize(from)?).ok_or_else(|| D::Error::custom("not venue:SYMBOL"))
    }
}

/// `[risk]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// Largest value of one leg, in quote currency.
    #[serde(deserialize_with = "amount")]
    pub order_notional_max: Amount,
    /// Largest absolute position per instrument, in quote currency.
    #[serde(deserialize_with = "amount")]
    pub position_notional_max: Amount,
    /// Largest value of all positions together.
    #[serde(deserialize_with = "amount")]
    pub gross_notional_max: Amount,
    /// Largest value of the positions of one pair.
    #[serde(deserialize_with = "amount")]
    pub pair_notional_max: Amount,
    /// Orders open at a time.
    pub open_orders_max: u32,
    /// Least edge after fees, slippage and latency penalty.
    #[serde(rename = "edge_min_bps", deserialize_with = "ppb")]
    pub edge_min_ppb: i64,
    /// Taken off every edge for prices that move while we act.
    #[serde(rename = "slippage_bps", deserialize_with = "ppb")]
    pub slippage_ppb: i64,
    /// Taken off every edge for arriving late.
    #[serde(rename = "latency_penalty_bps", deserialize_with = "ppb")]
    pub latency_penalty_ppb: i64,
    /// Farthest an order's price may lie from the pair's reference.
    #[serde(rename = "collar_bps", deserialize_with = "ppb")]
    pub collar_ppb: i64,
    /// A larger edge is believed only when the market that shows it says it again.
    #[serde(rename = "confirm_edge_bps", deserialize_with = "ppb")]
    pub confirm_edge_ppb: i64,
    /// Rest of a pair after a trade.
    pub cooldown_ms: u64,
    /// Rest of a pair whose orders a venue refuses.
    pub refused_rest_ms: u64,
}

/// `[saga]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saga {
    /// From the first order until every leg should have ended.
    pub leg_delay_ms: u64,
    /// Between two questions about one order.
    pub ask_every_ms: u64,
    /// After the leg delay, until an order's end must be known.
    pub resolve_ms: u64,
    /// After the leg delay, until an exposure is hedged although a leg is in doubt.
    pub blind_ms: u64,
    /// How long a hedge dearer than `cost_hold_bps` is waited out.
    pub hold_ms: u64,
    /// Between two looks for a hedge.
    pub retry_ms: u64,
    /// How long markets that take no orders for now are waited for with an exposure.
    pub shut_ms: u64,
    /// How long an exposure may exceed `exposure_max` before a human is told.
    pub exposed_ms: u64,
    /// Failed hedges and looks after which a human takes over.
    pub failures_max: u8,
    /// Exposure, in quote currency, that is borne while an order's end is awaited.
    #[serde(deserialize_with = "amount")]
    pub exposure_max: Amount,
    /// A hedge that costs no more is taken at once.
    #[serde(rename = "cost_hold_bps", deserialize_with = "ppb")]
    pub cost_hold_ppb: i64,
    /// A hedge that costs more is never taken.
    #[serde(rename = "cost_max_bps", deserialize_with = "ppb")]
    pub cost_max_ppb: i64,
    /// The same two for a share of a binary market, of the one that it may pay.
    #[serde(rename = "share_hold_bps", deserialize_with = "ppb")]
    pub share_hold_ppb: i64,
    /// See above.
    #[serde(rename = "share_max_bps", deserialize_with = "ppb")]
    pub share_max_ppb: i64,
}

/// `[guard]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// Most orders within any second.
    pub orders_per_s_max: u32,
    /// Most value of orders within any minute, in quote currency.
    #[serde(deserialize_with = "amount")]
    pub notional_per_min_max: Amount,
    /// Most orders refused in a row.
    pub rejects_max: u32,
    /// Most trades of one pair within a minute.
    pub repeats_per_min_max: u32,
    /// Most loss within 24 hours, in quote currency.
    #[serde(deserialize_with = "amount")]
    pub loss_max: Amount,
    /// Most loss from the highest result so far, in quote currency.
    #[serde(deserialize_with = "amount")]
    pub drawdown_max: Amount,
}

/// `[paper]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// From decision to matching.
    pub latency_ms: u64,
    /// Starting balance of every base asset on every venue, in units of that asset.
    #[serde(deserialize_with = "amount")]
    pub start_base: Amount,
    /// Starting balance of every quote asset on every venue, in units of that asset.
    #[serde(deserialize_with = "amount")]
    pub start_quote: Amount,
}

/// `[store]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Folder of journal and checkpoints; empty: nothing lasts.
    pub folder: String,
    /// Rest of the journal's thread between two groups of records.
    pub flush_ms: u64,
    /// Time between two checkpoints.
    pub checkpoint_every_ms: u64,
    /// Size of a journal segment.
    pub segment_kib: u64,
    /// Segments kept although a checkpoint covers them.
    pub segments_kept: usize,
    /// Folder in memory for what is put down before it leaves; empty: nothing is.
    pub outbox: String,
}

/// `[replay]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Multiple of recorded time; 0 is as fast as possible.
    pub speed: f64,
}

/// `[demo]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demo {
    /// Seed of the simulated prices.
    pub seed: u64,
    /// How long it runs; 0 is until Ctrl-C.
    pub seconds: u64,
    /// Base assets that are simulated.
    pub assets: Vec<String>,
    /// How far the slowest venue's prices lag behind.
    pub lag_ms: u64,
}

/// `[modes]`: what the governor goes by.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modes {
    /// p99 from frame to order above which the service is `Reduced`.
    pub latency_us: u32,
    /// Share of a venue's traded books that are not live from which it is `HedgeOnly`.
    pub stale_percent: u32,
    /// Resident memory above which the service is `Reduced`.
    pub memory_mb: u64,
    /// How long a cause must last before it counts, where a moment of it is usual.
    pub confirm_ms: u64,
    /// How long its absence must last before it is forgiven.
    pub dwell_ms: u64,
    /// At a halt, time for trades under way to end their own way.
    pub settle_ms: u64,
    /// At a halt, time for every order to be withdrawn.
    pub cancel_ms: u64,
    /// When asked to flatten, time to close what is exposed.
    pub flatten_ms: u64,
    /// A matched trade that waits to be settled for so long makes its venue do less.
    pub settle_stuck_ms: u64,
    /// Share of the last trades that may fail to settle before their venue only hedges.
    pub settle_failed_percent: usize,
}

/// `[alerts]`: ways to a person. Sources of secrets are `env:NAME` or `file:PATH`, empty switches a way off.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Least severity that the channels are told of.
    pub severity_min: AlertSeverity,
    /// Messages of one channel within `period_s`; the log has no such limit.
    pub messages_max: u32,
    /// The period of `messages_max`.
    pub period_s: u64,
    /// Source of the address of a Slack webhook.
    pub slack_url: String,
    /// Unacknowledged for so long, an urgent incident climbs to Slack; 0: told of everything at once.
    pub slack_after_s: u64,
    /// Source of a Telegram bot's token.
    pub telegram_token: String,
    /// The chat; 0: none.
    pub telegram_chat: i64,
    /// The bot API; empty for the public one.
    pub telegram_api: String,
    /// Whether /status, /halt and /resume are obeyed in that chat.
    pub telegram_commands: bool,
    /// As `slack_after_s`.
    pub telegram_after_s: u64,
    /// A mail server; empty: no email.
    pub smtp_host: String,
    /// Its port.
    pub smtp_port: u16,
    /// TLS from the first byte (port 465) or by STARTTLS.
    pub smtp_tls: bool,
    /// User, where the server wants one.
    pub smtp_user: String,
    /// Source of the password.
    pub smtp_password: String,
    /// Sender.
    pub smtp_from: String,
    /// Reader.
    pub smtp_to: String,
    /// As `slack_after_s`.
    pub smtp_after_s: u64,
    /// Source of the address of a webhook that takes JSON.
    pub webhook_url: String,
    /// As `slack_after_s`.
    pub webhook_after_s: u64,
    /// Time between two trials of every channel; 0: none.
    pub self_test_every_s: u64,
    /// A kind of message that cannot be read is over after so long without another.
    pub drift_quiet_s: u64,
    /// Source of the address of an outside watcher that is asked for as long as all is well.
    pub deadman_url: String,
    /// Time between two such pings.
    pub deadman_every_s: u64,
}

/// How bad something must be to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertSeverity {
    /// Nice to know.
    Info,
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

/// `[http]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where metrics and health are served; `None`: nowhere.
    #[serde(deserialize_with = "listen")]
    pub listen: Option<SocketAddr>,
}

/// `[telemetry]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Collector's base address; empty switches the exporter off.
    pub otlp_endpoint: String,
    /// How spans travel there.
    pub otlp_protocol: OtlpProtocol,
    /// Spans that wait for the collector.
    pub queue_max: usize,
    /// Share of traces kept, 0 to 1.
    pub sample_ratio: f64,
}

/// How spans travel to the collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OtlpProtocol {
    /// Protobuf over HTTP.
    Http,
    /// gRPC.
    Grpc,
}

/// `[history]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// The file; empty for none.
    pub file: String,
    /// Days kept.
    pub keep_days: u32,
}
