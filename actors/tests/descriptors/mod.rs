//! Connections that fail one after the other leave no descriptor behind. A process's descriptors are counted, so the story
//! runs in a process of its own: this test binary again, with [`child`] only.

use crate::rig::{Goodbye, Layout, Rig, Sizes};
use highwire_supervision::backoff::Backoff;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How many connections are to fail.
const FAILS: &str = "HIGHWIRE_REFUSED";
/// Says to [`child`] that it is one.
const CHILD: &str = "HIGHWIRE_TEST_DESCRIPTORS";
/// Descriptors that come and go: connections under way, at both of their ends.
const UNDER_WAY: usize = 8;

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}

/// `HIGHWIRE_REFUSED` makes it more than 500 of them.
///
/// Fault: P09
#[test]
fn connections_that_fail_by_the_thousand_leave_no_descriptor_behind() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", "descriptors::child", "--nocapture"]).env(CHILD, "1").output().unwrap();
    print!("{}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let fails: u64 = std::env::var(FAILS).map_or(500, |fails| fails.parse().unwrap());
    let sizes = Sizes { backoff: Backoff { first_ns: 1_000_000, max_ns: 2_000_000 }, ..Sizes::default() };
    let rig = Rig::start_with(Layout::Together, super::rules(), super::PATIENT_NS, sizes).await;
    rig.until_it_trades(4).await;
    let (before, began, mut most) = (descriptors(), Instant::now(), 0);
    rig.knobs.refusing.store(true, Ordering::SeqCst);
    let refused = || rig.knobs.refused.load(Ordering::SeqCst);
    let (mut last, mut moved) = (0, Instant::now());
    while refused() < fails {
        // Whichever connection is still up ends.
        *rig.knobs.goodbye.lock().unwrap() = Some(Goodbye::Reset);
        tokio::time::sleep(Duration::from_millis(20)).await;
        most = most.max(descriptors());
        assert!(most <= before + UNDER_WAY, "{most} descriptors, {before} before, after {} failures", refused());
        if refused() > last {
            (last, moved) = (refused(), Instant::now());
        }
        assert!(moved.elapsed() < Duration::from_secs(60), "it no longer tries: {last} failures");
    }
    rig.knobs.refusing.store(false, Ordering::SeqCst);
    *rig.knobs.goodbye.lock().unwrap() = None;
    rig.until_it_trades(4).await;
    println!("{} failed connects in {:?}: {before} descriptors before, {most} at most", refused(), began.elapsed());
    assert!(descriptors() <= before + UNDER_WAY, "{} descriptors, {before} before", descriptors());
    rig.stop().await;
}
