//! What happens to the simulated venues during a demo, and when: each act is announced in one line.

use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault};
use highwire_simulator::{Control, Endpoint, Fault, Injection, Venue as Room, Verb};

/// For how long a venue refuses the orders that leave their other leg alone.
const REFUSES_MS: u64 = 2_500;

/// One act: the share of the session after which it begins, and what it is.
struct Act {
    at: f64,
    play: fn(&Control) -> Option<String>,
}

const ACTS: [Act; 3] = [
    Act { at: 0.3, play: lose_a_line },
    Act { at: 0.45, play: leave_a_leg_alone },
    Act { at: 0.65, play: lose_both_lines },
];

/// The acts of a session, in order.
#[derive(Default)]
pub struct Script {
    played: usize,
}

impl Script {
    /// Plays what is due when this share of the session is over; what is to be said of it.
    pub fn go_on(&mut self, share: f64, control: &Control) -> Option<String> {
        let act = ACTS.get(self.played).filter(|act| share >= act.at)?;
        self.played += 1;
        (act.play)(control)
    }
}

fn lose_a_line(control: &Control) -> Option<String> {
    let reset = Injection::new(Room::Bybit, Verb::Reset {}).on(Endpoint::A);
    control.apply(reset).ok()?;
    Some("bybit loses line A: line B brings the same, no book dies".to_owned())
}

fn leave_a_leg_alone(control: &Control) -> Option<String> {
    let refusal = Verb::Outcome { outcome: OutcomeFault::Reject, answer: AnswerFault::Ok, ms: 0 };
    control.apply(Injection::new(Room::BinanceUsdm, refusal).lasting_ms(REFUSES_MS)).ok()?;
    Some("binance_usdm refuses orders for a while: whoever trades there has a leg left alone".to_owned())
}

fn lose_both_lines(control: &Control) -> Option<String> {
    let dropped = control.inject(Room::Bybit, &Fault::Drop);
    Some(format!("bybit drops its {dropped} connections: its books die, sessions reconnect"))
}
