//! The wire is sealed: after warm-up a message allocates nothing and never makes its thread sleep,
//! opportunities, orders and fills included.

#[path = "../../benches/wire/dice.rs"]
mod dice;
mod halting;
#[path = "../../benches/wire/sealed.rs"]
mod sealed;
mod socket;
#[path = "../../benches/wire/stand.rs"]
mod stand;
#[path = "../../benches/wire/tables.rs"]
mod tables;
#[path = "../../benches/wire_to_wire/tls.rs"]
mod tls;
#[path = "../../benches/wire/traffic.rs"]
mod traffic;

use highwire_links::counter::Counter;

#[global_allocator]
static ALLOCATOR: sealed::Sealed = sealed::Sealed;

const FRAMES: usize = 100_000;
const WARM_UP: usize = 5_000;

#[test]
fn the_seal_sees_allocations_and_sleeps() {
    let before = (sealed::allocations(), sealed::voluntary_switches());
    std::hint::black_box(Box::new(1));
    std::thread::sleep(std::time::Duration::from_millis(1));
    assert!(sealed::allocations() > before.0 && sealed::voluntary_switches() > before.1);
}

#[test]
fn no_frame_allocates_or_sleeps() {
    let mut frames = traffic::traffic(WARM_UP + FRAMES);
    let mut stand = stand::Stand::new();
    frames.iter_mut().take(WARM_UP).for_each(|wired| stand.step(wired));
    let switches = sealed::voluntary_switches();
    let allocations = sealed::allocations();
    frames[WARM_UP..].iter_mut().for_each(|wired| stand.step(wired));
    assert_eq!(sealed::allocations() - allocations, 0, "allocations");
    assert_eq!(sealed::voluntary_switches() - switches, 0, "sleeps");
    for counter in [Counter::Opportunities, Counter::Orders, Counter::Fills] {
        let seen = stand.tally.get(counter);
        assert!(seen > 1_000, "{counter:?}: {seen}");
    }
    let lost = [Counter::Rejected, Counter::Gaps, Counter::Fallbacks, Counter::AuditLost];
    assert_eq!(lost.map(|counter| stand.tally.get(counter)), [0; 4]);
}
