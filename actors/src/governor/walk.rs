//! The governor's walk along the kill path, and the way back: what a resume takes back, and what it does not.

use super::{GovernorMsg, GovernorState, HaltEnd, ResumePlan};
use crate::warden::WardenMsg;
use highwire_links::cnc::StopWord;
use highwire_links::{Mode, Nanos, VenueId};
use highwire_supervision::degrade::{Cause, Scope};
use highwire_supervision::halting::{Halting, Plan, Stand, Step};
use ractor::RpcReplyPort;
use std::collections::BTreeMap;

/// Whoever asked for a halt waits for so long at most for its latch to be on disk.
const KEPT_WITHIN_NS: Nanos = 4_000_000_000;

/// A halt under way, and who waits for its end.
#[derive(Default)]
pub struct Walk {
    halting: Option<Halting>,
    why: String,
    by_operator: bool,
    waiting: Vec<RpcReplyPort<HaltEnd>>,
    /// How the last one ended, and when, until that is answered.
    ended: Option<(HaltEnd, Nanos)>,
    /// Our open orders at the venues, as counted since the last question.
    counts: BTreeMap<VenueId, u32>,
    stand: Stand,
    /// A halt for what is latched was begun; none is begun again before a resume.
    heeded: bool,
}

impl Walk {
    /// Whether a halt is under way.
    pub fn is_under_way(&self) -> bool {
        self.halting.is_some()
    }

    /// Whether a halt for what is latched was begun since the last resume.
    pub fn is_heeded(&self) -> bool {
        self.heeded
    }

    /// It was begun.
    pub fn heeded(&mut self) {
        self.heeded = true;
    }
}

impl GovernorState {
    /// Begins a halt; one that is under way goes on, unless this one is less patient.
    pub(super) fn begin_halt(
        &mut self,
        plan: Plan,
        why: String,
        by_operator: bool,
        reply: Option<RpcReplyPort<HaltEnd>>,
    ) {
        let now = self.now();
        if plan.flatten_ns > 0
            && let Some(other) = self.halted_by_other()
        {
            let refused = format!("{other} holds the service Halted, where nothing is hedged; resume first");
            let _gone = reply.map(|reply| reply.send(HaltEnd { refused, ..HaltEnd::default() }));
            return;
        }
        self.walk.waiting.extend(reply);
        if self.walk.is_under_way() && plan.settle_ns > 0 {
            return;
        }
        tracing::warn!(why, "halting");
        let (halting, steps) = Halting::begin(plan, now);
        (self.walk.halting, self.walk.why, self.walk.by_operator) = (Some(halting), why, by_operator);
        self.walk.ended = None;
        self.walk.stand = Stand::default();
        self.lower_stop(StopWord::NoOpening, plan);
        self.take_steps(&steps);
    }

    /// A halt that flattens must let hedges leave; what opens stays forbidden by the word and by the mode.
    fn lower_stop(&self, word: StopWord, plan: Plan) {
        if plan.flatten_ns > 0 {
            self.tell_wardens(|| WardenMsg::LowerStop(word));
        }
    }

    /// What was latched before these wardens were there has its stop word too.
    pub(super) fn stop_what_is_latched(&self) {
        let is_latched = |&(_, mode, latched): &(Cause, Mode, bool)| latched && mode == Mode::Halted;
        if self.ladder.causes(Scope::Global).iter().any(is_latched) {
            self.stop_threads(StopWord::CancelsOnly);
        }
    }

    fn halted_by_other(&self) -> Option<&'static str> {
        let causes = self.ladder.causes(Scope::Global);
        let other = causes.iter().find(|(cause, mode, _)| *mode == Mode::Halted && *cause != Cause::Operator);
        other.map(|(cause, ..)| cause.name())
    }

    fn take_steps(&mut self, steps: &[Step]) {
        steps.iter().for_each(|&step| self.take_step(step));
        let Some(halting) = self.walk.halting.take_if(|halting| halting.is_done()) else { return };
        let end = HaltEnd { is_clean: halting.is_clean(), stand: halting.stand(), refused: String::new() };
        tracing::warn!(why = self.walk.why, clean = end.is_clean, stand = ?end.stand, "halted");
        if end.is_clean {
            self.args.alerts.clear("service/left");
        } else {
            let text = format!("halted, but not all is at rest: {:?}", end.stand);
            self.args.alerts.raise("service/left", highwire_supervision::incident::Severity::Critical, text);
        }
        let now = self.now();
        self.walk.ended = Some((end, now));
        self.answer(now);
        self.publish();
    }

    /// Tells how the halt ended once its latch is on disk: who has heard of it may kill the process, and it still holds. A
    /// disk that hangs keeps nobody waiting for ever; that latches are not kept is told by `latch-file`.
    pub(super) fn answer(&mut self, now: Nanos) {
        let is_kept = self.kept_to >= self.keeps || cfg!(mutant = "unkept-halt");
        let is_due =
            |&mut (_, ended_ns): &mut (HaltEnd, Nanos)| is_kept || now.saturating_sub(ended_ns) >= KEPT_WITHIN_NS;
        let Some((end, _)) = self.walk.ended.take_if(is_due) else { return };
        for reply in self.walk.waiting.drain(..) {
            // Whoever asked may be gone.
            let _gone = reply.send(end.clone());
        }
    }

    fn take_step(&mut self, step: Step) {
        match step {
            Step::Stop(word) => self.stop_threads(word),
            Step::HedgeOnly => self.hold_by_operator(Mode::HedgeOnly),
            Step::Halt => self.hold_by_operator(Mode::Halted),
            Step::Ask => self.tell_wardens(|| WardenMsg::Report),
            Step::Flatten => self.tell_wardens(|| WardenMsg::Flatten),
            Step::CancelAll => {
                self.tell_wardens(|| WardenMsg::CancelAll);
                self.realm.iter().flat_map(|realm| &realm.hands).for_each(|hand| (hand.cancel_all)());
            }
            Step::CountAtVenues => {
                self.walk.counts.clear();
                let myself = &self.myself;
                self.realm.iter().flat_map(|realm| &realm.hands).for_each(|hand| (hand.count)(myself.clone()));
            }
        }
    }

    /// What an operator asked for is the operator's latch; what the ladder halted is latched by its own cause.
    fn hold_by_operator(&mut self, mode: Mode) {
        if !self.walk.by_operator {
            return;
        }
        let now = self.now();
        let released = self.ladder.on_released(Scope::Global, Cause::Operator);
        let known = self.read.get(&(Scope::Global, Cause::Operator));
        let since_ns = known.map_or(now, |latch| latch.since_ns);
        let note = self.walk.why.clone();
        let latch = super::Latch { scope: Scope::Global, cause: Cause::Operator, value: mode as i64, note, since_ns };
        self.read.insert((Scope::Global, Cause::Operator), latch);
        let held = self.ladder.on_reading(Scope::Global, Cause::Operator, mode as i64, now);
        // Between the two nobody was told anything: to whom it matters, it is one move.
        let moved = match (released, held) {
            (Some(first), Some(last)) if first.from == last.to => None,
            (Some(first), Some(last)) => Some(highwire_supervision::degrade::Moved { from: first.from, ..last }),
            (one, other) => other.or(one),
        };
        self.on_moved(moved.into_iter().collect());
    }

    pub(super) fn tell_wardens(&self, command: impl Fn() -> WardenMsg) {
        for warden in self.realm.iter().flat_map(|realm| &realm.wardens) {
            if warden.cast(command()).is_err() {
                tracing::error!("a warden is gone and cannot pass a command on");
            }
        }
    }

    /// The engine said how its orders stand.
    pub(super) fn on_stand(&mut self, stand: Stand) {
        self.walk.stand = stand;
        self.judge_stand();
    }

    /// A venue said how many orders of ours are open there.
    pub(super) fn on_counted(&mut self, venue: VenueId, count: Result<u32, String>) {
        match count {
            Ok(count) => {
                self.walk.counts.insert(venue, count);
                if self.walk.is_under_way() {
                    self.tell_wardens(|| WardenMsg::Report);
                }
            }
            Err(why) => tracing::warn!(venue = self.name(Scope::Venue(venue)), why, "open orders could not be counted"),
        }
    }

    fn judge_stand(&mut self) {
        let now = self.now();
        let hands = self.realm.iter().flat_map(|realm| &realm.hands);
        let counts: Option<Vec<u32>> = hands.map(|hand| self.walk.counts.get(&hand.venue).copied()).collect();
        let stand = Stand { at_venues: counts.map(|counts| counts.iter().sum()), ..self.walk.stand };
        let Some(halting) = &mut self.walk.halting else { return };
        let steps = halting.on_stand(stand, now);
        self.take_steps(&steps);
    }

    /// Time passed for a halt that is under way.
    pub(super) fn walk_on(&mut self, now: Nanos) {
        self.answer(now);
        let Some(halting) = &mut self.walk.halting else { return };
        let steps = halting.on_time(now);
        self.take_steps(&steps);
    }

    /// Takes every latch back, at the service and at the venues, and arms again what tripped.
    pub(super) fn resume(&mut self, dry: bool, why: &str) -> ResumePlan {
        let mut plan = ResumePlan::default();
        for scope in self.ladder.scopes() {
            for (cause, mode, latched) in self.ladder.causes(scope) {
                let note = self.read.get(&(scope, cause)).map_or("", |latch| latch.note.as_str());
                let line = format!("{}: {} holds {mode:?} ({note})", self.name(scope), cause.name());
                if latched { plan.clears.push(line) } else { plan.stays.push(line) }
            }
        }
        if self.walk.is_under_way() {
            plan.refused = "a halt is under way; wait for its end".to_owned();
        } else if self.args.halt_file.exists() {
            plan.refused = format!("the file {} is there; remove it first", self.args.halt_file.display());
        }
        if dry || !plan.refused.is_empty() {
            return plan;
        }
        tracing::warn!(why, clears = ?plan.clears, "resumed");
        let moves: Vec<_> = self.ladder.scopes().into_iter().filter_map(|scope| self.ladder.on_resume(scope)).collect();
        self.walk.heeded = false;
        self.on_moved(moves);
        self.tell_wardens(|| WardenMsg::Resume);
        self.tell_wardens(|| WardenMsg::LowerStop(StopWord::Go));
        plan
    }
}

/// So that the message type may be shown without what it carries.
impl std::fmt::Debug for GovernorMsg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Reign(_) => "Reign",
            Self::Read(_) => "Read",
            Self::Lines(..) => "Lines",
            Self::Standing(_) => "Standing",
            Self::Counted(..) => "Counted",
            Self::Halt { .. } => "Halt",
            Self::Resume { .. } => "Resume",
            Self::Kept(..) => "Kept",
            Self::Tick => "Tick",
        };
        f.write_str(name)
    }
}
