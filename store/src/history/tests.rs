//! What is written is read; what does not fit is counted; another form is refused; the old goes.

use super::*;
use highwire_links::fixed::Amount;
use rusqlite::Connection;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const HOUR_NS: u64 = 3_600_000_000_000;

fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

fn session(file: &Path) -> Session {
    Session { file: file.to_owned(), service: "test".to_owned(), keep_days: 1 }
}

fn opportunity(opened_ns: u64) -> Row {
    Row::Opportunity(OpportunityRow {
        id: 1,
        pair: "BTC/USDT".to_owned(),
        buy: "okx:BTC-USDT".to_owned(),
        sell: "bybit_spot:BTCUSDT".to_owned(),
        opened_ns,
        lasted_ns: Some(5),
        verdict: "taken".to_owned(),
        edge_best_ppb: 1,
    })
}

fn trade(ended_ns: u64, profit: &str) -> Row {
    let fill = FillRow { at_ns: ended_ns, px: "1".into(), qty: "1".into(), fee: "0".into(), fee_in: "quote".into() };
    let order = |is_hedge, is_filled| OrderRow {
        id: "1".into(),
        instrument: "okx:BTC-USDT".into(),
        contract: "base".into(),
        is_buy: true,
        is_hedge,
        px: "1".into(),
        qty: "1".into(),
        filled: "1".into(),
        is_filled,
        decided_ns: ended_ns,
        fills: vec![fill.clone()],
    };
    Row::Trade(Box::new(TradeRow {
        saga: "7".into(),
        strategy: "cross_venue".into(),
        pair: "BTC/USDT".into(),
        quote: "USDT".into(),
        began_ns: ended_ns,
        ended_ns,
        outcome: "hedged".into(),
        why: "Verified".into(),
        has_failed: true,
        expected_ppb: 300_000,
        captured_ppb: -5,
        profit: Some(amount::parse(profit).unwrap()),
        orders: vec![order(false, true), order(false, false), order(true, true)],
    }))
}

fn trades(file: &Path) -> Vec<TradeLine> {
    let mut lines = Vec::new();
    Reader::open(file).unwrap().trades(&(0..u64::MAX), |line| lines.push(line)).unwrap();
    lines
}

#[test]
fn what_is_offered_is_read_back_and_a_second_session_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let now = now_ns();
    for (ended_ns, profit) in [(now, "-1.5"), (now + 1, "0.00000001")] {
        let history = History::start(&session(&file)).unwrap();
        history.offer(opportunity(now));
        history.offer(trade(ended_ns, profit));
        assert_eq!(history.lost(), 0);
        history.finish().unwrap();
    }
    let lines = trades(&file);
    let profits: Vec<String> = lines.iter().map(|line| line.profit.unwrap().to_string()).collect();
    assert_eq!(profits, ["-1.5", "0.00000001"]);
    assert_eq!((lines[0].legs, lines[0].legs_filled, lines[0].fills, lines[0].captured_ppb), (2, 1, 3, -5));
    let mut seen = 0;
    Reader::open(&file)
        .unwrap()
        .opportunities(&(now..now + 1), |pair, _| seen += u32::from(pair == "BTC/USDT"))
        .unwrap();
    assert_eq!(seen, 2);
}

#[test]
fn what_is_too_old_goes_with_everything_under_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let history = History::start(&session(&file)).unwrap();
    let old = now_ns() - 25 * HOUR_NS;
    [trade(old, "1"), opportunity(old), trade(now_ns(), "2")].into_iter().for_each(|row| history.offer(row));
    history.finish().unwrap();
    assert_eq!(trades(&file).len(), 2);
    History::start(&session(&file)).unwrap().finish().unwrap();
    assert_eq!(trades(&file).iter().map(|line| line.profit).collect::<Vec<_>>(), [Some(Amount(2 * 10i128.pow(20)))]);
    let connection = Connection::open(&file).unwrap();
    let count = |table| -> i64 {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!((count("opportunity"), count("placed"), count("fill")), (0, 3, 3));
}

#[test]
fn another_form_is_refused_and_a_missing_file_is_said_to_be_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    assert!(matches!(Reader::open(&file), Err(HistoryError::Missing(_))));
    Connection::open(&file).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
    assert!(matches!(Reader::open(&file), Err(HistoryError::Form { found, .. }) if found == VERSION + 1));
    assert!(matches!(History::start(&session(&file)), Err(HistoryError::Form { .. })));
    std::fs::write(&file, "no database at all, but long enough to be told from one").unwrap();
    assert!(matches!(Reader::open(&file), Err(HistoryError::Sql(_))));
}

/// How many of these opportunities are in the file, and how many it says were lost.
fn kept_and_lost(file: &Path) -> (u64, u64) {
    let mut kept = 0;
    Reader::open(file).unwrap().opportunities(&(0..u64::MAX), |_, _| kept += 1).unwrap();
    (kept, Reader::open(file).unwrap().lost(&(0..u64::MAX)).unwrap())
}

#[test]
fn while_somebody_holds_the_file_rows_wait_up_to_a_bound_and_nobody_is_held_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let history = History::start(&session(&file)).unwrap();
    let holder = Connection::open(&file).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..1_000 {
        history.offer(opportunity(now_ns()));
    }
    // Longer than a commit waits for the file.
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(history.lost(), 0, "what fits waits");
    for _ in 0..20_000 {
        history.offer(opportunity(now_ns()));
    }
    assert!(history.lost() > 0, "more was offered than waits");
    holder.execute_batch("ROLLBACK").unwrap();
    let lost = history.lost();
    history.finish().unwrap();
    let (kept, told) = kept_and_lost(&file);
    assert!(told == lost && told + kept == 21_000, "{told} {kept} {lost}");
}

#[test]
fn a_file_that_is_damaged_is_set_aside_and_what_comes_then_is_kept_in_another() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let history = History::start(&session(&file)).unwrap();
    history.offer(opportunity(now_ns()));
    let until = Instant::now() + Duration::from_secs(60);
    while kept_and_lost(&file).0 == 0 {
        assert!(Instant::now() < until, "it is never written");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Its pages and its log are rubbish now.
    for end in ["", "-wal"] {
        let part = folder.path().join(format!("history.db{end}"));
        if let Ok(bytes) = std::fs::read(&part) {
            std::fs::write(&part, vec![0x5a; bytes.len().max(8_192)]).unwrap();
        }
    }
    history.offer(opportunity(now_ns()));
    history.finish().unwrap();
    assert_eq!(kept_and_lost(&file), (1, 0));
    let names = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name());
    assert!(names.filter(|name| name.to_string_lossy().contains("damaged")).count() > 0, "the old one is kept");
}
