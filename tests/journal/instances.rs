//! Two instances on one folder: exactly one runs, whoever comes first.

use super::judge::judge;
use super::program::Stand;

/// Fault: P13
#[test]
fn of_two_instances_the_second_is_refused_and_told_who_is_there() {
    let stand = Stand::new();
    let first = stand.start();
    let (status, said) = stand.refused();
    assert!(!status.success() && said.contains(&format!("in use by process {}", first.id())), "{said}");
    first.wait_fills(2.0);
    first.kill();
    let second = stand.start();
    second.wait_fills(2.0);
    second.stop();
    stand.end();
}

/// Pairs that start at the same moment.
const PAIRS: usize = 5;

/// Fault: P13
#[test]
fn of_two_instances_that_start_together_exactly_one_trades() {
    let stand = Stand::new();
    for _ in 0..PAIRS {
        let together = std::thread::scope(|scope| {
            let starts = [(); 2].map(|()| scope.spawn(|| stand.start_once()));
            starts.map(|start| start.join().unwrap())
        });
        let [one, other] = together;
        let (running, said) = match (one, other) {
            (Ok(running), Err(said)) | (Err(said), Ok(running)) => (running, said),
            (Ok(_), Ok(_)) => panic!("both run"),
            (Err(one), Err(other)) => panic!("none runs: {one} {other}"),
        };
        assert!(said.contains("in use by process"), "{said}");
        running.wait_fills(2.0);
        running.kill();
    }
    assert_eq!(judge(&stand.export()).starts, PAIRS, "the other one put nothing on record");
    stand.end();
}
