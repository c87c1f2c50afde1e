//! Model checks of the lock-free cells: every interleaving, and every value that the memory model
//! lets a load see. `RUSTFLAGS="--cfg loom" cargo test -p highwire-links --test loom --release`
//! runs them; without `--cfg loom` this file is empty.
#![cfg(loom)]

use highwire_links::cnc::{Cnc, State, StopWord};
use highwire_links::seqlock;
use loom::thread;

/// Runs the model with at most `preemptions` forced switches; loom's authors find 2–3 enough.
fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

#[test]
fn a_read_is_never_torn_and_never_goes_back() {
    check(3, || {
        let (mut writer, reader) = seqlock::cell::<2>();
        let writing = thread::spawn(move || {
            writer.publish(&[1, 10]);
            writer.publish(&[2, 20]);
        });
        let mut newest = 0;
        for _ in 0..2 {
            if let Some([a, b]) = reader.try_read() {
                assert_eq!(b, a * 10, "torn");
                assert!(a >= newest, "went back from {newest} to {a}");
                newest = a;
            }
        }
        writing.join().unwrap();
    });
}

#[test]
fn two_readers_at_once_both_read_whole_values() {
    check(2, || {
        let (mut writer, reader) = seqlock::cell::<2>();
        let other = reader.clone();
        let reading = thread::spawn(move || other.try_read());
        let writing = thread::spawn(move || writer.publish(&[3, 30]));
        let mine = reader.try_read();
        for [a, b] in [mine, reading.join().unwrap()].into_iter().flatten() {
            assert!((a, b) == (0, 0) || (a, b) == (3, 30), "torn: {a} {b}");
        }
        writing.join().unwrap();
    });
}

#[test]
fn the_latest_value_is_visible_after_the_writer_is_joined() {
    check(3, || {
        let (mut writer, reader) = seqlock::cell::<2>();
        let writing = thread::spawn(move || {
            writer.publish(&[1, 10]);
            writer.publish(&[2, 20]);
        });
        writing.join().unwrap();
        assert_eq!(reader.try_read(), Some([2, 20]));
    });
}

#[test]
fn a_writer_handed_to_the_next_thread_goes_on_where_the_first_one_ended() {
    check(2, || {
        let (mut writer, reader) = seqlock::cell::<2>();
        let first = thread::spawn(move || {
            writer.publish(&[1, 10]);
            writer
        });
        let watching = {
            let reader = reader.clone();
            thread::spawn(move || reader.try_read())
        };
        let mut writer = first.join().unwrap();
        let second = thread::spawn(move || writer.publish(&[2, 20]));
        if let Some([a, b]) = watching.join().unwrap() {
            assert_eq!(b, a * 10, "torn");
        }
        second.join().unwrap();
        assert_eq!(reader.try_read(), Some([2, 20]));
    });
}

#[test]
fn a_lower_stop_never_lowers_the_word() {
    check(3, || {
        let cnc = Cnc::default();
        let (strict, mild) = (cnc.clone(), cnc.clone());
        let threads = [
            thread::spawn(move || strict.stop(StopWord::CancelsOnly)),
            thread::spawn(move || mild.stop(StopWord::NoOpening)),
        ];
        let before = cnc.stop_word();
        let after = cnc.stop_word();
        assert!(after >= before, "the word fell from {before:?} to {after:?}");
        threads.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(cnc.stop_word(), StopWord::CancelsOnly);
    });
}

#[test]
fn of_two_rivals_exactly_one_makes_the_move() {
    check(3, || {
        let cnc = Cnc::default();
        cnc.advance(State::Run).unwrap();
        let rival = cnc.clone();
        let failing = thread::spawn(move || rival.advance(State::Fail).is_ok());
        let halted = cnc.advance(State::Halt).is_ok();
        let failed = failing.join().unwrap();
        assert!(halted != failed, "Halt {halted} and Fail {failed}");
        assert_eq!(cnc.state(), if halted { State::Halt } else { State::Fail });
    });
}

#[test]
fn a_watcher_sees_only_drawn_states_in_drawn_order() {
    check(3, || {
        let cnc = Cnc::default();
        let thread_side = cnc.clone();
        let living = thread::spawn(move || {
            thread_side.advance(State::Run).unwrap();
            thread_side.advance(State::Fail).unwrap();
        });
        let (first, second) = (cnc.state(), cnc.state());
        let rank = |state: State| [State::Boot, State::Run, State::Fail].iter().position(|&s| s == state).unwrap();
        assert!(rank(second) >= rank(first), "{first:?} then {second:?}");
        living.join().unwrap();
        assert!(cnc.advance(State::Halt).is_err(), "Fail leads to Boot only");
        cnc.advance(State::Boot).unwrap();
    });
}

/// The gateway's last act is to read the stop word. A stop that was raised before the order was
/// handed over (here: before the seqlock published it) is therefore seen, whatever the timing.
#[test]
fn an_order_handed_over_after_the_stop_does_not_leave() {
    check(3, || {
        let cnc = Cnc::default();
        let (mut orders, gateway) = seqlock::cell::<1>();
        let stopper = cnc.clone();
        let stopping = thread::spawn(move || {
            stopper.stop(StopWord::CancelsOnly);
            orders.publish(&[1]);
        });
        if gateway.try_read() == Some([1]) {
            assert_eq!(cnc.stop_word(), StopWord::CancelsOnly, "the order left after the stop");
        }
        stopping.join().unwrap();
    });
}
