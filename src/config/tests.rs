//! The settings' promises: everything documented, nothing unknown accepted, every message clear.

use super::keys::{KEYS, VENUES, all_paths};
use super::load::DEFAULTS;
use super::*;
use highwire_links::fixed::Amount;
use std::io::Write;

fn load_layers(file: &str, env: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let mut layer = tempfile::Builder::new().prefix("layer").suffix(".toml").tempfile().unwrap();
    layer.write_all(file.as_bytes()).unwrap();
    load_from(Some(layer.path()), env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

/// Loads, and expects the message (without the temporary file's name).
#[track_caller]
fn check_error(file: &str, env: &[(&str, &str)], expect: &str) {
    let message = load_layers(file, env).expect_err("must be refused").to_string();
    let (start, end) = (message.find("file:"), message.find(".toml"));
    let plain = match (start, end) {
        (Some(start), Some(end)) => format!("{}FILE{}", &message[..start], &message[end + ".toml".len()..]),
        _ => message,
    };
    assert_eq!(plain, expect);
}

#[track_caller]
fn check_value(file: &str, env: &[(&str, &str)], key: &str, expect: &str) {
    let shown = load_layers(file, env).unwrap_or_else(|why| panic!("{why}")).to_json();
    let origin = shown[key]["origin"].as_str().unwrap();
    let origin = if origin.starts_with("file:") { "file" } else { origin };
    assert_eq!(format!("{} {origin}", shown[key]["value"]), expect);
}

#[test]
fn the_defaults_alone_are_valid_and_cover_every_key() {
    let loaded = load_from(None, std::iter::empty()).unwrap();
    let mut keys = all_paths();
    keys.sort_unstable();
    assert_eq!(loaded.origins.keys().cloned().collect::<Vec<_>>(), keys);
    assert!(loaded.origins.values().all(|origin| *origin == Origin::Default));
    assert_eq!(loaded.config.venues.len(), VENUES.len());
    assert_eq!(loaded.to_text().lines().count(), keys.len());
}

/// Dotted keys of a TOML text that have no comment line directly above them.
fn undocumented(text: &str) -> Vec<String> {
    let (mut section, mut above, mut bare) = (String::new(), "", Vec::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| line.starts_with(char::is_alphabetic)) {
            let first_venue = section.strip_prefix("venues.").is_none_or(|venue| venue == VENUES[0]);
            if first_venue && !above.starts_with('#') {
                bare.push(format!("{section}.{key}"));
            }
        }
        above = line;
    }
    bare
}

#[test]
fn every_key_is_explained_above_it() {
    assert_eq!(undocumented(DEFAULTS), Vec::<String>::new());
    assert_eq!(undocumented("[a]\n# why\nx = 1\ny = 2\n"), ["a.y"], "the check itself can fail");
}

/// The comment lines directly above a key's first appearance.
fn comment_of(key: &str) -> String {
    let name = key.rsplit('.').next().unwrap();
    let at = DEFAULTS.find(&format!("\n{name} = ")).unwrap();
    DEFAULTS[..at].rsplit('\n').take_while(|line| line.starts_with('#')).collect::<Vec<_>>().join(" ")
}

#[test]
fn every_explanation_states_default_and_range() {
    for key in KEYS {
        let comment = comment_of(key.path);
        assert!(comment.contains("Default"), "{}: {comment}", key.path);
        let bounds = match key.kind {
            kind::Kind::Whole { min, max, .. } => vec![min.to_string(), max.to_string()],
            kind::Kind::Decimal { min, max, .. } => vec![format!("\"{min}\""), format!("\"{max}\"")],
            kind::Kind::Ratio { min, max } => vec![min.to_string(), max.to_string()],
            kind::Kind::Choice(words) => words.iter().map(|word| format!("\"{word}\"")).collect(),
            _ => vec![],
        };
        // A seed has no upper bound worth telling.
        for bound in bounds.iter().filter(|bound| **bound != i64::MAX.to_string()) {
            assert!(comment.contains(bound), "{}: {bound} is not in: {comment}", key.path);
        }
    }
}

#[test]
fn the_paper_overlay_is_short_and_valid() {
    let overlay = include_str!("../../configs/paper.toml");
    assert!(overlay.lines().count() < 20);
    check_value(overlay, &[], "paper.latency_ms", "120 file");
}

#[test]
fn a_later_layer_wins_and_says_so() {
    let file = "[wire]\nidle = \"block\"\n[venues.okx]\ntaker_fee_bps = \"7.5\"";
    check_value(file, &[], "wire.idle", "\"block\" file");
    check_value(file, &[], "wire.layout", "\"auto\" default");
    check_value(file, &[("HIGHWIRE__WIRE__IDLE", "spin")], "wire.idle", "\"spin\" env:HIGHWIRE__WIRE__IDLE");
    check_value(file, &[("HIGHWIRE__VENUES__OKX__ENABLED", "false")], "venues.okx.taker_fee_bps", "\"7.5\" file");
    check_value("", &[("HIGHWIRE__WIRE__CORES", "[1, 2]")], "wire.cores", "[1,2] env:HIGHWIRE__WIRE__CORES");
    check_value("", &[("HIGHWIRE__REPLAY__SPEED", "2.5")], "replay.speed", "2.5 env:HIGHWIRE__REPLAY__SPEED");
    check_value("", &[("HIGHWIRE_DATA", "/data")], "wire.idle", "\"auto\" default");
}

#[test]
fn a_list_replaces_the_list_below_it() {
    let file = "[pairs]\nlist = [{ name = \"SOL/USDT\", members = [\"okx:SOL-USDT\", \"bybit_spot:SOLUSDT\"] }]";
    let pairs = load_layers(file, &[]).unwrap().config.pairs.list;
    let member = |venue: &str, symbol: &str| Member { venue: venue.to_owned(), symbol: symbol.to_owned() };
    let members = vec![member("okx", "SOL-USDT"), member("bybit_spot", "SOLUSDT")];
    assert_eq!(pairs, [Pair { name: "SOL/USDT".to_owned(), members }]);
}

#[test]
fn money_and_fees_are_exact() {
    let file = "[venues.okx]\ntaker_fee_bps = \"-0.00001\"\n[venues.bybit_spot]\ntaker_fee_bps = 10\n[risk]\norder_notional_max = \"0.10000001\"";
    let config = load_layers(file, &[]).unwrap().config;
    assert_eq!(config.venues["okx"].taker_fee_ppb, -1);
    assert_eq!(config.venues["bybit_spot"].taker_fee_ppb, 1_000_000);
    assert_eq!(config.venues["bybit_linear"].taker_fee_ppb, 550_000);
    assert_eq!(Some(config.risk.order_notional_max), Amount::from_mantissa(10_000_001, 8));
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    check_error("[wire]\nidel = \"spin\"", &[], "unknown key `wire.idel` (FILE); did you mean `wire.idle`?");
    check_error("[wires]\nidle = \"spin\"", &[], "unknown key `wires` (FILE); did you mean `wire`?");
    check_error("[venues.okex]\nenabled = true", &[], "unknown key `venues.okex` (FILE); did you mean `venues.okx`?");
    check_error("xyzzy = 1", &[], "unknown key `xyzzy` (FILE)");
    check_error("[qqq]", &[], "unknown key `qqq` (FILE)");
    check_error(
        "",
        &[("HIGHWIRE__RISK__EDGE_MIN_BP", "1")],
        "unknown key `risk.edge_min_bp` (env:HIGHWIRE__RISK__EDGE_MIN_BP); did you mean `HIGHWIRE__RISK__EDGE_MIN_BPS`?",
    );
}

#[test]
fn a_wrong_type_says_what_it_is_and_what_it_should_be() {
    check_error(
        "[wire]\nthread_stuck_ms = \"soon\"",
        &[],
        "`wire.thread_stuck_ms` = \"soon\" (FILE): it is a text, not a whole number; allowed: a whole number from 50 to 60000 ms",
    );
    check_error(
        "",
        &[("HIGHWIRE__SERVICE__LOG_JSON", "yes")],
        "`service.log_json` = \"yes\" (env:HIGHWIRE__SERVICE__LOG_JSON): it is a text, not a boolean; allowed: true or false",
    );
    check_error(
        "[venues.okx]\ntaker_fee_bps = 7.5",
        &[],
        "`venues.okx.taker_fee_bps` = 7.5 (FILE): a bare fraction is not exact: put it in quotes; \
         allowed: a decimal in quotes from -100 to 1000 basis points, at most 5 decimals",
    );
    check_error(
        "wire = 3",
        &[],
        "`wire` = 3 (FILE): it is a value, not a section; allowed: a section `[wire]` with keys of its own",
    );
    check_error(
        "[risk]\ncollar_bps = { a = 1 }",
        &[],
        "`risk.collar_bps` = {\"a\":1} (FILE): it is a section, not a decimal in quotes; \
         allowed: a decimal in quotes from 1 to 5000 basis points, at most 5 decimals",
    );
}

#[test]
fn a_value_out_of_range_says_the_range() {
    check_error(
        "[risk]\nopen_orders_max = 129",
        &[],
        "`risk.open_orders_max` = 129 (FILE): out of range; allowed: a whole number from 2 to 128 orders",
    );
    check_error(
        "",
        &[("HIGHWIRE__TELEMETRY__SAMPLE_RATIO", "1.5")],
        "`telemetry.sample_ratio` = 1.5 (env:HIGHWIRE__TELEMETRY__SAMPLE_RATIO): out of range; allowed: a number from 0 to 1",
    );
    check_error(
        "[risk]\nslippage_bps = \"0.000001\"",
        &[],
        "`risk.slippage_bps` = \"0.000001\" (FILE): more than 5 decimals; \
         allowed: a decimal in quotes from 0 to 1000 basis points, at most 5 decimals",
    );
    check_error(
        "[wire]\nidle = \"spinn\"",
        &[],
        "`wire.idle` = \"spinn\" (FILE): no such choice; did you mean \"spin\"?; \
         allowed: one of \"auto\", \"spin\", \"hybrid\", \"block\"",
    );
    check_error(
        "[venues.okx]\nws_url = \"ftp://x\"",
        &[],
        "`venues.okx.ws_url` = \"ftp://x\" (FILE): it is not such an address; \
         allowed: empty, or an address that begins with ws:// or wss://",
    );
}

#[track_caller]
fn check_pairs(list: &str, expect_key: &str, expect_why: &str) {
    match load_layers(&format!("[pairs]\nlist = {list}"), &[]) {
        Err(ConfigError::Invalid(it)) => assert_eq!((it.key.as_str(), it.why.as_str()), (expect_key, expect_why)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_broken_pair_is_pointed_at() {
    let pair = |name: &str, members: &str| format!("[{{ name = \"{name}\", members = [{members}] }}]");
    check_pairs(&pair("BTC", "\"okx:A\", \"okx:B\""), "pairs.list[0].name", "not of the form BASE/QUOTE");
    check_pairs(&pair("A/B", "\"okx:A\""), "pairs.list[0].members", "too few or too many");
    check_pairs(&pair("A/B", "\"okx:A\", \"okx:A\""), "pairs.list[0].members[1]", "it stands there twice");
    check_pairs(&pair("A/B", "\"okx:A\", \"B\""), "pairs.list[0].members[1]", "not of the form venue:SYMBOL");
    let unknown = "unknown venue `bybit_spto`; did you mean `bybit_spot`?";
    check_pairs(&pair("A/B", "\"okx:A\", \"bybit_spto:B\""), "pairs.list[0].members[1]", unknown);
    check_pairs("[{ nam = \"A/B\" }]", "pairs.list[0].nam", "unknown key; did you mean `name`?");
    check_pairs("[{ name = \"A/B\" }]", "pairs.list[0]", "`members` is missing");
    check_pairs("[1]", "pairs.list[0]", "it is a whole number, not a table");
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    check_error(
        "[risk]\norder_notional_max = \"20000\"",
        &[],
        "`risk.order_notional_max` (FILE) contradicts `risk.position_notional_max`: one order would exceed the largest position",
    );
    check_error(
        "[supervision]\nbackoff_cap_ms = 10",
        &[],
        "`supervision.backoff_base_ms` (FILE) contradicts `supervision.backoff_cap_ms`: the first wait is longer than the longest",
    );
}

#[test]
fn a_file_that_is_absent_or_no_toml_is_named() {
    let absent = load_from(Some("/nowhere/x.toml".as_ref()), std::iter::empty()).unwrap_err().to_string();
    assert!(absent.starts_with("cannot read the configuration /nowhere/x.toml: No such file"), "{absent}");
    let broken = load_layers("[wire\nidle", &[]).unwrap_err().to_string();
    assert!(broken.contains("is not valid TOML") && broken.contains("line 1"), "{broken}");
}

#[test]
fn quote_groups_name_every_asset_once() {
    let check = |groups: &str, expect: Option<&str>| {
        let loaded = load_layers(&format!("[pairs]\nquote_groups = {groups}"), &[]);
        let why = loaded.err().map(|error| match error {
            ConfigError::Invalid(it) => it.why,
            other => panic!("{other}"),
        });
        assert_eq!(why.as_deref(), expect, "{groups}");
    };
    check("[[\"USDT\", \"USDC\"], [\"USD\", \"BUSD\"]]", None);
    check("[[\"USDT\"]]", Some("too few"));
    check("[[\"USDT\", \"usdc\"]]", Some("not an asset's name: capitals and digits"));
    check("[[\"USDT\", \"USDC\"], [\"USDT\", \"BUSD\"]]", Some("it stands there twice"));
}

/// What the table of keys lets through, the structs must hold: bounds, odd values and odd types, at every key.
#[test]
fn the_table_never_accepts_what_the_structs_refuse() {
    let odd = [
        "-1",
        "0",
        "1",
        "99",
        "9223372036854775807",
        "1.5",
        "nan",
        "-inf",
        "true",
        "\"\"",
        "\"-1\"",
        "\"1e9\"",
        "\"auto\"",
        "\"99999999999999999999\"",
        "[]",
        "[0]",
        "[[]]",
        "[\"BTC\"]",
        "{}",
        "{ name = 1 }",
        "1979-05-27",
        "\"ws://h\"",
        "\"\\u0000\"",
    ];
    let one_venue = |key: &String| key.strip_prefix("venues.").is_none_or(|rest| rest.starts_with(VENUES[0]));
    for key in all_paths().into_iter().filter(one_venue) {
        let general = KEYS.iter().find(|known| known.path.rsplit('.').next() == key.rsplit('.').next()).unwrap();
        let bounds = match general.kind {
            kind::Kind::Whole { min, max, .. } => vec![min.to_string(), max.to_string()],
            kind::Kind::Decimal { min, max, .. } => vec![format!("\"{min}\""), format!("\"{max}\"")],
            kind::Kind::Ratio { min, max } => vec![min.to_string(), max.to_string()],
            _ => vec![],
        };
        let (section, name) = key.rsplit_once('.').unwrap();
        for value in odd.iter().map(|value| (*value).to_owned()).chain(bounds) {
            let outcome = load_layers(&format!("[{section}]\n{name} = {value}"), &[]);
            assert!(
                !matches!(outcome, Err(ConfigError::Mismatch(_) | ConfigError::Unknown { .. })),
                "{key} = {value}: {outcome:?}"
            );
        }
    }
}
