//! Two instances on one folder: exactly one runs.

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
