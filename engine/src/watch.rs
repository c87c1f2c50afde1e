//! The thread's judgement of its warden: a warden that fell silent cannot stop anything, so nothing
//! is opened until it is back.

use highwire_links::Nanos;

/// ```text
/// Heard ──heartbeat older than the limit──▶ Silent ──heartbeat fresh──▶ Heard
/// ```
#[derive(Debug)]
pub struct Watch {
    limit_ns: Option<Nanos>,
    silent: bool,
}

impl Watch {
    /// Silent means older than `limit_ns`; without a limit the warden is never silent.
    pub fn new(limit_ns: Option<Nanos>) -> Self {
        Self { limit_ns, silent: false }
    }

    /// Whether the warden just fell silent (`Some(true)`) or came back (`Some(false)`).
    pub fn judge(&mut self, age_ns: Nanos) -> Option<bool> {
        let silent = self.limit_ns.is_some_and(|limit_ns| age_ns > limit_ns);
        let changed = silent != self.silent;
        self.silent = silent;
        changed.then_some(silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_each_change_once() {
        let mut watch = Watch::new(Some(10));
        let told: Vec<_> = [0, 10, 11, 50, 3, 3].into_iter().map(|age| watch.judge(age)).collect();
        assert_eq!(told, [None, None, Some(true), None, Some(false), None]);
        assert_eq!(Watch::new(None).judge(u64::MAX), None);
    }
}
