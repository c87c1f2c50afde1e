//! Keys that open an account's private stream for a while, where the venue has such.

use crate::exchange::event::News;
use crate::exchange::{Exchange, Turn};

/// How long a key lives without being renewed, in ns (Binance USD-M: 60 minutes).
const LIFE_NS: u64 = 3_600_000_000_000;

impl Exchange {
    /// The account's key, made if there is none; it lives anew.
    pub(crate) fn open_stream(&mut self, account: usize, turn: &Turn<'_>) -> String {
        let known = self.stream_keys.iter().find(|(_, (of, _))| *of == account).map(|(key, _)| key.clone());
        let key = known.unwrap_or_else(|| {
            let seed = turn.venue_ns ^ (account as u64) << 56;
            let part = |round: u64| (seed ^ round).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31);
            format!("{:016x}{:016x}{:016x}{:016x}", part(1), part(2), part(3), part(4))
        });
        self.stream_keys.insert(key.clone(), (account, turn.now_ns + LIFE_NS));
        key
    }

    /// Lets the account's key live anew; `None` when it has none.
    pub(crate) fn renew_stream(&mut self, account: usize, turn: &Turn<'_>) -> Option<String> {
        let (key, (_, until_ns)) = self.stream_keys.iter_mut().find(|(_, (of, _))| *of == account)?;
        *until_ns = turn.now_ns + LIFE_NS;
        Some(key.clone())
    }

    /// The account's key goes.
    pub(crate) fn close_stream(&mut self, account: usize) {
        self.stream_keys.retain(|_, (of, _)| *of != account);
    }

    /// Whose stream a key opens.
    pub(crate) fn stream_of(&self, key: &str) -> Option<usize> {
        self.stream_keys.get(key).map(|(account, _)| *account)
    }

    /// Keys whose time is over go, and their streams are told.
    pub(super) fn expire_streams(&mut self, turn: &Turn<'_>) {
        let over = |(_, (_, until_ns)): &(&String, &mut (usize, u64))| *until_ns <= turn.now_ns;
        let gone: Vec<_> =
            self.stream_keys.iter_mut().filter(over).map(|(key, (account, _))| (key.clone(), *account)).collect();
        for (key, account) in gone {
            self.stream_keys.remove(&key);
            self.push(account, News::Ended(Some(key)), 0, turn.venue_ns);
        }
    }
}
