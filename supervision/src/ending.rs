//! What each way in which a connection can end, or fail to begin, asks for: when to try again, where,
//! and with how much. Codes: RFC 6455 §7.4.1, the IANA close code registry, and the venues' own.

use highwire_links::Nanos;

/// Phases of a connection's beginning, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Name and TCP.
    Connect,
    /// TLS.
    Tls,
    /// WebSocket upgrade.
    Upgrade,
    /// Login steps.
    Login,
    /// Subscriptions, until the first is acknowledged or brings data.
    Subscribe,
    /// Until every book has its first data.
    Snapshot,
}

/// How a name failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DnsFault {
    /// The resolver failed or did not answer.
    Failed,
    /// It has no address.
    Empty,
}

/// How TLS failed. Verification is never switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsFault {
    /// The certificate is expired, of another host, or of nobody that we trust.
    Certificate,
    /// The peer sent an alert.
    Alert,
    /// What came was no TLS.
    Garbage,
}

/// What was wrong with a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginFault {
    /// Key, signature, address or permission: trying again cannot help.
    Rejected,
    /// Our time was too far off: the offset must be measured first.
    Time,
    /// Anything else.
    Other,
}

/// Why a connection ended or did not come about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// A close frame with its code; `None` is a close frame without one (1005).
    Close(Option<u16>),
    /// The stream ended without a close frame (1006).
    Fin,
    /// Reset, or another error of the socket.
    Reset,
    /// No data, or no answer to our pings.
    Silent,
    /// The peer broke the WebSocket protocol.
    Protocol,
    /// A phase did not end within the budget.
    TimedOut(Phase),
    /// No TCP connection.
    Unreachable,
    /// The name could not be resolved.
    Dns(DnsFault),
    /// TLS failed.
    Tls(TlsFault),
    /// The upgrade was answered with this status, not 101.
    Http(u16),
    /// The upgrade's answer was no answer to our key.
    BadUpgrade,
    /// The login was refused.
    Login(LoginFault),
    /// We gave it up: its successor is there, or its subscription had to be renewed.
    Ours,
    /// The thread that held it died.
    ThreadDied,
}

/// Why nothing more is tried until an operator acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The venue does not serve our location (HTTP 451).
    Location,
    /// The venue does not accept our key.
    Key,
}

/// When to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// At once, if the life before was a stable one; else as [`Self::BackOff`].
    Immediate,
    /// After the back-off.
    BackOff,
    /// After the back-off, but not within this time.
    Slow(Nanos),
    /// Not until an operator acts.
    GiveUp(Reason),
}

/// What to do about an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// When.
    pub retry: Retry,
    /// Go to another endpoint, where there is one.
    pub elsewhere: bool,
    /// Subscribe in smaller pieces.
    pub smaller: bool,
}

/// Least wait after an end that says that we were too much (1008, 1013, 429).
pub const SLOW_NS: Nanos = 5_000_000_000;
/// Wait after a ban of our address, or what a firewall answers; a longer `Retry-After` goes before.
pub const BANNED_NS: Nanos = 120_000_000_000;

const fn here(retry: Retry) -> Policy {
    Policy { retry, elsewhere: false, smaller: false }
}

const fn elsewhere(retry: Retry) -> Policy {
    Policy { retry, elsewhere: true, smaller: false }
}

/// What this end asks for.
pub fn policy(end: End) -> Policy {
    match end {
        End::Close(code) => close_policy(code.unwrap_or(1005)),
        End::Fin | End::Reset | End::Silent => elsewhere(Retry::Immediate),
        End::Protocol | End::TimedOut(_) | End::Unreachable | End::Dns(_) | End::BadUpgrade => {
            elsewhere(Retry::BackOff)
        }
        End::Tls(TlsFault::Certificate) => elsewhere(Retry::Slow(SLOW_NS)),
        End::Tls(TlsFault::Alert | TlsFault::Garbage) => elsewhere(Retry::BackOff),
        End::Http(status) => http_policy(status),
        End::Login(LoginFault::Rejected) => here(Retry::GiveUp(Reason::Key)),
        End::Login(LoginFault::Time | LoginFault::Other) => here(Retry::BackOff),
        End::Ours | End::ThreadDied => here(Retry::Immediate),
    }
}

/// Every code has an answer, and every answer but a refusal of our key or place is to come back.
fn close_policy(code: u16) -> Policy {
    match code {
        // Normal, going away, no code; 1006 is never on the wire, but some send it.
        1000 | 1001 | 1005 => here(Retry::Immediate),
        1006 => elsewhere(Retry::Immediate),
        // Protocol error, unsupported data, not UTF-8, unexpected condition, restart, bad gateway, TLS.
        1002 | 1003 | 1007 | 1011 | 1012 | 1014 | 1015 => elsewhere(Retry::BackOff),
        // Policy, missing extension.
        1008 | 1010 => here(Retry::Slow(SLOW_NS)),
        // Too large a message: we asked for too much at once.
        1009 => Policy { smaller: true, ..here(Retry::BackOff) },
        // Try again later.
        1013 => elsewhere(Retry::Slow(SLOW_NS)),
        // OKX: more channels or connections than a key may have.
        4003 | 4008 | 4009 => Policy { smaller: true, ..here(Retry::Slow(SLOW_NS)) },
        // OKX: nothing was subscribed in time; we read too slowly.
        4004 | 4005 => here(Retry::BackOff),
        _ => here(Retry::Slow(SLOW_NS)),
    }
}

fn http_policy(status: u16) -> Policy {
    match status {
        451 => here(Retry::GiveUp(Reason::Location)),
        // A redirect is not followed: it could lead our key anywhere.
        300..=399 | 500..=599 => elsewhere(Retry::BackOff),
        418 | 403 => here(Retry::Slow(BANNED_NS)),
        _ => here(Retry::Slow(SLOW_NS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never_at_once(end: End) -> bool {
        matches!(policy(end).retry, Retry::Slow(ns) if ns >= SLOW_NS)
    }

    #[test]
    fn every_close_code_leads_back() {
        for code in 0..=u16::MAX {
            assert!(!matches!(policy(End::Close(Some(code))).retry, Retry::GiveUp(_)), "{code}");
        }
        assert_eq!(policy(End::Close(None)), policy(End::Close(Some(1000))));
    }

    #[test]
    fn who_was_too_much_waits_five_seconds_and_who_asked_for_too_much_asks_for_less() {
        for end in [End::Close(Some(1008)), End::Close(Some(1013)), End::Close(Some(4000)), End::Http(429)] {
            assert!(never_at_once(end), "{end:?}");
        }
        assert!(matches!(policy(End::Http(418)).retry, Retry::Slow(BANNED_NS)));
        let smaller: Vec<_> = (1000..=1013).filter(|&code| policy(End::Close(Some(code))).smaller).collect();
        assert_eq!(smaller, [1009]);
    }

    #[test]
    fn a_certificate_that_fails_is_never_retried_at_once_and_a_bad_key_not_at_all() {
        assert!(never_at_once(End::Tls(TlsFault::Certificate)));
        assert_eq!(policy(End::Login(LoginFault::Rejected)).retry, Retry::GiveUp(Reason::Key));
        assert_eq!(policy(End::Http(451)).retry, Retry::GiveUp(Reason::Location));
        assert!(policy(End::Http(302)).elsewhere);
    }
}
