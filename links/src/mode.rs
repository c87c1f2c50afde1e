//! The mode ladder's words: what a venue, or the whole service, is permitted to do.

/// A rung of the ladder; a later one is stricter. The effective mode is the strictest that applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Mode {
    /// All strategies.
    Full = 0,
    /// Only the safest strategy (what two venues price, which can be hedged at either), limits halved.
    Reduced = 1,
    /// Only orders that reduce exposure, and cancels.
    HedgeOnly = 2,
    /// Cancels only. Where every start begins.
    #[default]
    Halted = 3,
}

/// What an order is for; the mode decides which classes may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum OrderClass {
    /// Takes on exposure.
    Open = 0,
    /// Reduces exposure.
    Hedge = 1,
    /// Withdraws an order.
    Cancel = 2,
}

impl Mode {
    /// Whether an order of `class` may leave in this mode.
    pub const fn permits(self, class: OrderClass) -> bool {
        match class {
            OrderClass::Open => matches!(self, Self::Full | Self::Reduced),
            OrderClass::Hedge => !matches!(self, Self::Halted),
            OrderClass::Cancel => true,
        }
    }

    /// The mode of a stored byte; anything unknown is the strictest.
    pub const fn from_u8(byte: u8) -> Self {
        match byte {
            0 => Self::Full,
            1 => Self::Reduced,
            2 => Self::HedgeOnly,
            _ => Self::Halted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rung_permits_less() {
        let ladder = [Mode::Full, Mode::Reduced, Mode::HedgeOnly, Mode::Halted];
        let permitted = |m: Mode| [OrderClass::Open, OrderClass::Hedge, OrderClass::Cancel].map(|c| m.permits(c));
        assert_eq!(ladder.map(permitted), [[true; 3], [true; 3], [false, true, true], [false, false, true]]);
        assert!(ladder.iter().all(|&m| Mode::from_u8(m as u8) == m) && Mode::from_u8(99) == Mode::Halted);
    }
}
