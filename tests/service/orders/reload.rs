//! Settings that are read again while it trades: what is wrong changes nothing, what is right is taken in once.

use super::reconcile::books;
use super::rig::Rig;
use highwire::control::{Answer, Question, ask};
use std::path::Path;

/// Files that are tried.
const BAD: usize = 1_000;

/// A small generator (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound.max(1)
    }
}

/// The settings with one thing wrong; every tenth is of one kind.
fn spoiled(whole: &str, number: usize, dice: &mut Dice) -> String {
    let risk = |line: &str| whole.replacen("[risk]\n", &format!("[risk]\n{line}\n"), 1);
    let any = 1 + dice.below(9_999);
    match number % 10 {
        0 => {
            let at = dice.below(whole.lines().count());
            let lines = whole.lines().enumerate();
            lines.map(|(n, line)| if n == at { format!("{line} = [{any}\n") } else { format!("{line}\n") }).collect()
        }
        1 => risk(&format!("order_notional_mx_{any} = \"5\"")),
        2 => risk(&format!("order_notional_max = \"-{any}\"")),
        3 => risk(&format!("order_notional_max = \"{any}000000\"\nposition_notional_max = \"{any}000000\"")),
        4 => whole.replacen("\"binance_usdm:BTCUSDT\"", if any.is_multiple_of(2) { "\"okx:BTC-USDT\"" } else { "" }, 1),
        5 => format!("{whole}[lag]\nenabled = true\nwindow_ms = {any}\n"),
        6 => whole.chars().take(dice.below(whole.len() - 8)).collect(),
        7 => format!("schema_version = {any}\n{whole}"),
        8 => risk(&format!("open_orders_max = \"{any} or so\"")),
        _ => risk(&format!("order_notional_max = \"{any}\"\nposition_notional_max = \"0.5\"")),
    }
}

fn reload(data: &Path, loosen: bool) -> Answer {
    ask(data, &Question::Reload { loosen, why: "the story".to_owned() }).unwrap()
}

fn hash(data: &Path) -> String {
    match ask(data, &Question::Status).unwrap() {
        Answer::Status(status) => status.config,
        other => panic!("{other:?}"),
    }
}

/// Fault: P14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_bad_configurations_change_nothing_and_a_good_one_is_taken_in_once() {
    let rig = Rig::trading("socket").await;
    let (data, whole, mut dice) = (rig.data(), rig.settings(), Dice(14));
    let (before, traded) = (hash(&data), rig.wire("sagas"));
    for number in 0..BAD {
        let bad = spoiled(&whole, number, &mut dice);
        rig.edit(|_| bad.clone());
        let answer = reload(&data, false);
        assert!(matches!(answer, Answer::Refused { .. }), "{answer:?}: {bad}");
    }
    rig.hang_up();
    rig.wait_said("a reload was refused, what was in force stays");
    assert_eq!(hash(&data), before);
    rig.wait_trades(2);
    assert!(rig.wire("sagas") > traded && rig.count("highwire_thread_restarts_total{thread=\"wire\"}") == 0);
    let limit = |value: &str| whole.replacen("[risk]\n", &format!("[risk]\norder_notional_max = \"{value}\"\n"), 1);
    let taken = |value: &str| {
        let is_it =
            |record: &&serde_json::Value| record["name"] == "risk.order_notional_max" && record["value"] == value;
        books::records(&rig, "limit").iter().filter(is_it).count()
    };
    rig.edit(|_| limit("90"));
    rig.hang_up();
    rig.wait_said("settings are reloaded");
    rig.running.wait(|| (taken("90") != 1).then(|| "the limit is not on record".to_owned()));
    rig.wait_order_limit(90.0);
    let tighter = hash(&data);
    assert_ne!(tighter, before);
    rig.hang_up();
    assert_eq!(reload(&data, false), Answer::Reloaded { hash: tighter.clone(), changes: vec![] });
    rig.edit(|_| limit("95"));
    assert!(matches!(reload(&data, false), Answer::Refused { why } if why.contains("may bind less")), "a raise");
    assert_eq!((hash(&data), taken("90"), taken("95")), (tighter, 1, 0));
    assert!(matches!(reload(&data, true), Answer::Reloaded { changes, .. } if changes.len() == 1));
    rig.wait_trades(2);
    rig.assert_sound();
    rig.stop().await;
}
