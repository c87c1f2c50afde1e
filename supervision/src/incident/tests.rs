//! Incidents through storms, outages, restarts and silence.

use super::*;
use proptest::prelude::*;

const S: Nanos = 1_000_000_000;

fn channels() -> Vec<Channel> {
    let channel = |name: &str, severity_min, escalation_ns| Channel {
        name: name.into(),
        severity_min,
        escalation_ns,
        unpaced: false,
    };
    vec![channel("slack", Severity::Warning, 0), channel("phone", Severity::Critical, 300 * S)]
}

fn incidents() -> Incidents {
    Incidents::new(channels(), Pace::default(), Book::default())
}

fn notice(key: &str, severity: Severity) -> Notice {
    Notice { key: key.into(), severity, text: format!("{key} happened") }
}

/// Sends what is due; the keys told, with `+` for opened and `-` for resolved.
fn send(incidents: &mut Incidents, channel: usize, delivered: bool, now: Nanos) -> Vec<String> {
    let mut told = Vec::new();
    for message in incidents.due(now) {
        incidents.on_sent(message.channel, message.number, delivered, now);
        if message.channel == channel && delivered {
            told.extend(
                message.items.iter().map(|item| format!("{}{}", if item.opened { '+' } else { '-' }, item.key)),
            );
        }
    }
    told
}

#[test]
fn an_incident_is_told_once_however_often_it_is_noticed_and_resolved_once() {
    let mut incidents = incidents();
    (0..100).for_each(|at| incidents.on_notice(notice("lines/okx", Severity::Warning), at));
    assert_eq!(send(&mut incidents, 0, true, S), ["+lines/okx"]);
    assert_eq!(incidents.open().next().unwrap().count, 100);
    incidents.on_resolved("lines/okx", 2 * S);
    incidents.on_resolved("lines/okx", 2 * S);
    assert_eq!(send(&mut incidents, 0, true, 3 * S), ["-lines/okx"]);
    incidents.on_notice(notice("lines/okx", Severity::Warning), 4 * S);
    assert_eq!(send(&mut incidents, 0, true, 5 * S), ["+lines/okx"], "it is a new incident");
}

#[test]
fn what_is_urgent_is_told_first_and_all_of_it_is_spelled_out() {
    let mut incidents = incidents();
    (0..60).for_each(|n| incidents.on_notice(notice(&format!("w{n}"), Severity::Warning), 0));
    (0..25).for_each(|n| incidents.on_notice(notice(&format!("c{n}"), Severity::Critical), 0));
    let first = send(&mut incidents, 0, true, S);
    assert!(first.len() == URGENT_PER_MESSAGE && first.iter().all(|told| told.starts_with("+c")), "{first:?}");
    let second = send(&mut incidents, 0, true, 2 * S);
    assert!(second.len() == 65 && second[..5].iter().all(|told| told.starts_with("+c")), "{second:?}");
    incidents.on_resolved("c3", 3 * S);
    incidents.on_notice(notice("c3", Severity::Critical), 3 * S);
    assert_eq!(send(&mut incidents, 0, true, 4 * S), ["-c3", "+c3"], "it ended before it began anew");
}

#[test]
fn a_worse_notice_is_told_anew_and_a_milder_one_is_not() {
    let mut incidents = incidents();
    incidents.on_notice(notice("risk", Severity::Warning), 0);
    send(&mut incidents, 0, true, 0);
    incidents.on_notice(notice("risk", Severity::Critical), S);
    incidents.on_notice(notice("risk", Severity::Info), S);
    assert_eq!(send(&mut incidents, 0, true, S), ["+risk"]);
    incidents.on_notice(notice("quiet", Severity::Info), S);
    assert_eq!(send(&mut incidents, 0, true, S), [""; 0], "below the channel's severity");
}

#[test]
fn a_critical_incident_climbs_until_somebody_has_seen_it() {
    let mut incidents = incidents();
    incidents.on_notice(notice("lone-leg", Severity::Critical), 0);
    incidents.on_notice(notice("seen", Severity::Critical), 0);
    assert_eq!(send(&mut incidents, 1, true, 299 * S), [""; 0]);
    incidents.on_acknowledged("seen");
    assert_eq!(send(&mut incidents, 1, true, 300 * S), ["+lone-leg"]);
    incidents.on_resolved("lone-leg", 301 * S);
    assert_eq!(send(&mut incidents, 1, true, 302 * S), ["-lone-leg"]);
}

#[test]
fn a_storm_becomes_a_few_messages_and_nothing_of_it_is_lost() {
    let mut incidents = incidents();
    let (mut told, mut messages) = (Vec::new(), 0);
    for second in 0..660u64 {
        if second < 60 {
            (0..1_000).for_each(|n| {
                incidents.on_notice(notice(&format!("s{}", second * 1_000 + n), Severity::Critical), second * S);
            });
        }
        let due: Vec<_> = incidents.due(second * S);
        for message in due {
            incidents.on_sent(message.channel, message.number, true, second * S);
            if message.channel == 0 {
                messages += usize::from(second < 600);
                told.extend(message.items.into_iter().map(|item| item.key));
            }
        }
    }
    assert!(messages <= 6, "{messages} messages in ten minutes");
    assert_eq!(told.len(), 60_000);
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 60_000);
}

#[test]
fn an_outage_and_a_restart_lose_nothing_and_retries_grow_apart() {
    let mut incidents = incidents();
    incidents.on_notice(notice("disk", Severity::Critical), 0);
    let mut tries = Vec::new();
    for second in 0..130u64 {
        if !incidents.due(second * S).is_empty() {
            tries.push(second);
            incidents.on_sent(0, incidents.book().next_number, false, second * S);
        }
    }
    assert_eq!(tries, [0, 1, 3, 7, 15, 31, 63, 123]);
    // The process dies with the message under way; what it left goes on.
    assert_eq!(incidents.due(200 * S).len(), 1);
    let left = serde_json::to_string(incidents.book()).unwrap();
    let mut next = Incidents::new(channels(), Pace::default(), serde_json::from_str(&left).unwrap());
    assert_eq!(send(&mut next, 0, true, 201 * S), ["+disk"]);
    assert_eq!(send(&mut next, 0, true, 202 * S), [""; 0]);
}

proptest! {
    #[test]
    fn every_urgent_incident_is_delivered_exactly_once_and_resolved_at_most_once(
        steps in prop::collection::vec((0..6u8, 0..4u8, 0..200u64, any::<bool>()), 0..120),
    ) {
        let mut incidents = incidents();
        let (mut now, mut told) = (0, Vec::new());
        let mut opened = BTreeMap::<String, u32>::new();
        for (key, what, seconds, works) in steps {
            now += seconds * S;
            let key = format!("k{key}");
            match what {
                0 | 1 => {
                    let is_open = incidents.open().any(|incident| incident.key == key);
                    *opened.entry(key.clone()).or_default() += u32::from(!is_open);
                    incidents.on_notice(notice(&key, Severity::Critical), now);
                }
                2 => incidents.on_resolved(&key, now),
                _ => {
                    let book = incidents.book().clone();
                    incidents = Incidents::new(channels(), Pace::default(), book);
                }
            }
            told.extend(send(&mut incidents, 0, works, now));
        }
        for _ in 0..20 {
            now += 700 * S;
            told.extend(send(&mut incidents, 0, true, now));
        }
        for (key, times) in opened {
            let count = |sign: char| told.iter().filter(|t| **t == format!("{sign}{key}")).count() as u32;
            prop_assert_eq!(count('+'), times);
            prop_assert!(count('-') <= times);
        }
    }
}

#[test]
fn what_a_former_process_left_open_and_nobody_raises_again_is_over() {
    let mut first = incidents();
    ["gone", "still"].iter().for_each(|key| first.on_notice(notice(key, Severity::Warning), S));
    assert_eq!(send(&mut first, 0, true, S), ["+gone", "+still"]);
    let mut second = Incidents::new(channels(), Pace::default(), first.book().clone());
    second.on_notice(notice("still", Severity::Warning), 11 * S);
    second.on_unheard(10 * S, 70 * S);
    assert_eq!(send(&mut second, 0, true, 70 * S), ["-gone"]);
    assert_eq!(second.open().map(|incident| incident.key.as_str()).collect::<Vec<_>>(), ["still"]);
}

#[test]
fn a_channel_keeps_its_outbox_when_others_come_and_go() {
    let mut first = incidents();
    first.on_notice(notice("disk", Severity::Warning), 0);
    let log = Channel { name: "log".into(), severity_min: Severity::Info, escalation_ns: 0, unpaced: true };
    let both = vec![log, channels().swap_remove(0)];
    let mut second = Incidents::new(both, Pace::default(), first.book().clone());
    assert_eq!(send(&mut second, 1, true, 0), ["+disk"]);
}

#[test]
fn an_unpaced_channel_is_told_at_once_however_much_there_is() {
    let log = Channel { name: "log".into(), severity_min: Severity::Info, escalation_ns: 0, unpaced: true };
    let mut incidents = Incidents::new(vec![log], Pace::default(), Book::default());
    for n in 0..20 {
        incidents.on_notice(notice(&format!("n{n}"), Severity::Info), n);
        assert_eq!(send(&mut incidents, 0, true, n).len(), 1);
    }
}
