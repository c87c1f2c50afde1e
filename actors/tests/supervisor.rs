//! The supervisor with children that die, end and hang: who goes with whom, how often, and what follows.

#![allow(clippy::unwrap_used)] // a failed step fails the test

use highwire_actors::address::Address;
use highwire_actors::beat::Beat;
use highwire_actors::supervisor::{ChildSpec, Lives, Start, Strategy, Supervisor, SupervisorArgs, SupervisorMsg};
use highwire_engine::clock::{Clock, TscClock};
use highwire_supervision::backoff::Backoff;
use highwire_supervision::budget::Budget;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const MS: u64 = 1_000_000;

#[derive(Clone, Copy, Debug)]
enum Do {
    Panic,
    End,
    Hang,
}

struct Child;

impl Actor for Child {
    type Msg = Do;
    type State = ();
    type Arguments = Beat;

    async fn pre_start(&self, myself: ActorRef<Do>, beat: Beat) -> Result<(), ActorProcessingErr> {
        tokio::spawn(async move {
            let clock = TscClock::start();
            // The heart is beside the actor: it stops when the actor does not answer any more.
            while myself.get_status() != ractor::ActorStatus::Stopped {
                beat.mark(clock.now());
                tokio::time::sleep(Duration::from_millis(10)).await;
                if HANGING.lock().unwrap().contains(&myself.get_id().to_string()) {
                    return;
                }
            }
        });
        Ok(())
    }

    async fn handle(&self, myself: ActorRef<Do>, what: Do, (): &mut ()) -> Result<(), ActorProcessingErr> {
        match what {
            Do::Panic => panic!("told to"),
            Do::End => myself.stop(None),
            Do::Hang => {
                HANGING.lock().unwrap().push(myself.get_id().to_string());
                std::future::pending::<()>().await;
            }
        }
        Ok(())
    }
}

static HANGING: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Family {
    addresses: Vec<Address<Do>>,
    starts: Arc<Mutex<Vec<usize>>>,
    lives: Lives,
    given_up: Arc<Mutex<Vec<String>>>,
    supervisor: ActorRef<SupervisorMsg>,
}

impl Family {
    async fn start(strategy: Strategy, restarts: u32) -> Self {
        let (starts, given_up) = (Arc::<Mutex<Vec<usize>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let addresses: Vec<Address<Do>> = (0..3).map(|_| Address::default()).collect();
        let child = |number: usize| {
            let (address, starts, beat) = (addresses[number].clone(), Arc::clone(&starts), Beat::default());
            let heart = beat.clone();
            let start: Start = Box::new(move |above| {
                let (address, starts, beat) = (address.clone(), Arc::clone(&starts), heart.clone());
                Box::pin(async move {
                    starts.lock().unwrap().push(number);
                    let (child, _) = Actor::spawn_linked(None, Child, beat, above).await?;
                    address.lead_to(child.clone());
                    Ok(child.get_cell())
                })
            });
            ChildSpec { name: format!("child-{number}"), start, beat: Some((beat, 500 * MS)) }
        };
        let (lives, gone) = (Lives::default(), Arc::clone(&given_up));
        let args = SupervisorArgs {
            children: (0..3).map(child).collect(),
            strategy,
            budget: Budget { restarts, period_ns: 60_000 * MS, backoff: Backoff { first_ns: MS, max_ns: MS } },
            clock: Box::new(TscClock::start()),
            seed: 1,
            lives: lives.clone(),
            give_up: Box::new(move |name, _| gone.lock().unwrap().push(name.to_owned())),
        };
        let supervisor = Actor::spawn(None, Supervisor, args).await.unwrap().0;
        Self { addresses, starts, lives, given_up, supervisor }
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < Duration::from_secs(30), "never {what}: {:?}", self.lives.read());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn started(&self) -> Vec<usize> {
        self.starts.lock().unwrap().clone()
    }

    fn all_up(&self) -> bool {
        self.lives.read().iter().all(|life| life.is_up)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_strategy_starts_anew_whom_it_should_in_order() {
    let expected: [(Strategy, &[usize]); 3] = [
        (Strategy::OneForOne, &[0, 1, 2, 1]),
        (Strategy::RestForOne, &[0, 1, 2, 1, 2]),
        (Strategy::OneForAll, &[0, 1, 2, 0, 1, 2]),
    ];
    for (strategy, starts) in expected {
        let family = Family::start(strategy, 5).await;
        family.addresses[1].cast(Do::Panic).unwrap();
        family.until("started anew", |family| family.started().len() >= starts.len() && family.all_up()).await;
        assert_eq!(family.started(), starts, "{strategy:?}");
        assert!(family.lives.read()[1].last_reason.contains("told to"), "{:?}", family.lives.read());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_that_ends_or_hangs_is_gone_as_well_as_one_that_died() {
    let family = Family::start(Strategy::OneForOne, 5).await;
    family.addresses[0].cast(Do::End).unwrap();
    family.until("started anew", |family| family.started() == [0, 1, 2, 0] && family.all_up()).await;
    family.addresses[2].cast(Do::Hang).unwrap();
    family.until("found hanging", |family| family.started() == [0, 1, 2, 0, 2] && family.all_up()).await;
    assert!(family.lives.read()[2].last_reason.contains("no progress"), "{:?}", family.lives.read());
    assert!(family.addresses.iter().all(|address| address.cast(Do::End).is_ok()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spent_budget_gives_up_once_and_an_ordered_end_is_no_failure() {
    let family = Family::start(Strategy::OneForOne, 2).await;
    for round in 0..3 {
        family.addresses[0].cast(Do::Panic).unwrap();
        let wanted = 4 + round;
        let is_over = |family: &Family| !family.given_up.lock().unwrap().is_empty();
        family.until("the next", |f| (f.started().len() == wanted && f.all_up()) || is_over(f)).await;
    }
    assert_eq!(*family.given_up.lock().unwrap(), ["child-0"]);
    let lives = family.lives.read();
    assert!(lives[0].is_given_up && lives[0].restarts == 2 && lives[1].is_up && lives[2].is_up, "{lives:?}");
    family.supervisor.cast(SupervisorMsg::End).unwrap();
    family.until("ended", |family| family.lives.read().iter().all(|life| !life.is_up)).await;
    assert_eq!((family.started().len(), family.given_up.lock().unwrap().len()), (5, 1));
}
