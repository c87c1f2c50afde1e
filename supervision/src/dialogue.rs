//! What a person may ask for in a chat, and how sure the service must be: a status is told, a halt is done at once, a resume
//! wants the code that was told a moment ago. Whoever asks from another chat gets no answer, and people are told of it.
//!
//! ```text
//! resume ──code told──▶ awaiting ──resume CODE, in time──▶ done
//!                          └── wrong code, another word, too late ──▶ forgotten
//! ```

use highwire_links::Nanos;
use std::collections::BTreeMap;

/// A code is good for so long.
const CODE_NS: Nanos = 60_000_000_000;
/// A message that was on its way for longer is not obeyed: who knows what it was about.
const OLD_S: u64 = 120;
/// Strangers that people are told of one by one, until they are forgotten; the next one is told of as a siege.
const STRANGERS_TOLD: usize = 4;
/// A stranger is forgotten after so long without a word.
const STRANGER_NS: Nanos = 3_600_000_000_000;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// From which chat.
    pub chat: i64,
    /// By whom, as the chat names them.
    pub who: String,
    /// What.
    pub text: String,
    /// Seconds since it was said.
    pub age_s: u64,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Answer in the chat.
    Say(String),
    /// Tell how it is.
    Status,
    /// Come to rest, on behalf of this person.
    Halt(String),
    /// Take latches back, on behalf of this person.
    Resume(String),
    /// Tell people that a stranger asked: the chat, and who.
    Alarm(i64, String),
    /// Tell people that strangers ask from many chats.
    Siege,
}

/// A chat in which commands are heard.
#[derive(Clone, Debug)]
pub struct Dialogue {
    chat: i64,
    awaiting: Option<(u32, Nanos)>,
    strangers: BTreeMap<i64, Nanos>,
}

impl Dialogue {
    /// Commands of this chat alone.
    pub fn new(chat: i64) -> Self {
        Self { chat, awaiting: None, strangers: BTreeMap::new() }
    }

    /// A message came; `dice` decides the code, should one be told.
    pub fn on(&mut self, said: &Said, dice: u64, now: Nanos) -> Option<Act> {
        if said.chat != self.chat && !cfg!(mutant = "stranger-chat") {
            return self.on_stranger(said, now);
        }
        let mut words = said.text.split_whitespace();
        // In a group a command may name the bot: /status@highwire_bot.
        let command = words.next().unwrap_or_default().trim_start_matches('/').split('@').next().unwrap_or_default();
        let argument = words.next();
        let awaiting = self.awaiting.take();
        if said.age_s > OLD_S {
            return Some(Act::Say(format!("\"{command}\" was on its way for {} s and is not obeyed", said.age_s)));
        }
        Some(match (command.to_ascii_lowercase().as_str(), argument) {
            ("status", _) => Act::Status,
            ("halt", _) => Act::Halt(format!("asked for by {} in the chat", said.who)),
            ("resume", None) => {
                let code = 1_000 + u32::try_from(dice % 9_000).unwrap_or(0);
                self.awaiting = Some((code, now));
                Act::Say(format!("to resume, say within a minute: /resume {code}"))
            }
            ("resume", Some(code)) => self.confirm(awaiting, code, said, now),
            _ => Act::Say("I know: /status, /halt, /resume".to_owned()),
        })
    }

    fn confirm(&self, awaiting: Option<(u32, Nanos)>, code: &str, said: &Said, now: Nanos) -> Act {
        match awaiting {
            Some((known, told_ns))
                if (code == known.to_string() || cfg!(mutant = "resume-code"))
                    && now.saturating_sub(told_ns) <= CODE_NS =>
            {
                Act::Resume(format!("asked for by {} in the chat", said.who))
            }
            _ => Act::Say("that is not the code, or it is too late: begin again with /resume".to_owned()),
        }
    }

    /// Once for each chat while it is remembered; however many they are, people are told so often and no more.
    fn on_stranger(&mut self, said: &Said, now: Nanos) -> Option<Act> {
        self.strangers.retain(|_, seen_ns| now.saturating_sub(*seen_ns) < STRANGER_NS);
        let is_full = self.strangers.len() > STRANGERS_TOLD && !cfg!(mutant = "stranger-flood");
        if is_full && !self.strangers.contains_key(&said.chat) {
            return None;
        }
        let is_new = self.strangers.insert(said.chat, now).is_none();
        let is_siege = self.strangers.len() > STRANGERS_TOLD;
        is_new.then(|| if is_siege { Act::Siege } else { Act::Alarm(said.chat, said.who.clone()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Nanos = 1_000_000_000;

    fn said(chat: i64, text: &str) -> Said {
        Said { chat, who: "ann".to_owned(), text: text.to_owned(), age_s: 1 }
    }

    #[test]
    fn a_resume_needs_the_code_of_a_moment_ago_and_a_halt_nothing() {
        let mut chat = Dialogue::new(-42);
        let mut say = |text: &str, now| chat.on(&said(-42, text), 234, now).unwrap();
        assert_eq!(say("/status@highwire_bot", 0), Act::Status);
        assert_eq!(say("Halt now", 0), Act::Halt("asked for by ann in the chat".to_owned()));
        assert_eq!(say("/resume", 0), Act::Say("to resume, say within a minute: /resume 1234".to_owned()));
        assert!(matches!(say("/resume 1235", S), Act::Say(_)));
        assert!(matches!(say("/resume 1234", S), Act::Say(_)), "one try for each code");
        say("/resume", 10 * S);
        assert!(matches!(say("/resume 1234", 71 * S), Act::Say(_)), "too late");
        say("/resume", 80 * S);
        assert!(matches!(say("/resume 1234", 81 * S), Act::Resume(who) if who.contains("ann")));
    }

    #[test]
    fn a_stranger_is_told_of_once_and_nothing_old_is_obeyed() {
        let mut chat = Dialogue::new(-42);
        assert_eq!(chat.on(&said(7, "/halt"), 0, 0), Some(Act::Alarm(7, "ann".to_owned())));
        assert_eq!(chat.on(&said(7, "/halt"), 0, S), None);
        assert_eq!(chat.on(&said(8, "/status"), 0, S), Some(Act::Alarm(8, "ann".to_owned())));
        let old = Said { age_s: 121, ..said(-42, "/halt") };
        assert!(matches!(chat.on(&old, 0, S), Some(Act::Say(_))));
        let told: Vec<Act> = (100..10_100).filter_map(|id| chat.on(&said(id, "/resume 1234"), 0, S)).collect();
        assert_eq!((told.len(), told.last()), (3, Some(&Act::Siege)), "two more one by one, the rest as one: {told:?}");
        assert_eq!(chat.strangers.len(), STRANGERS_TOLD + 1);
        assert!(matches!(chat.on(&said(9, "/halt"), 0, S + STRANGER_NS), Some(Act::Alarm(9, _))), "an hour later");
    }
}
