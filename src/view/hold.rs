//! Takes the terminal and gives it back, whatever happens.
//!
//! The service survives panics of its threads, so a panic elsewhere must neither leave the alternate
//! screen nor write over it: its message is held until the terminal is back. Only a panic of the
//! thread that took the terminal, or of `main`, gives it back at once.

use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use std::io;
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;

type Hook = dyn Fn(&PanicHookInfo<'_>) + Send + Sync;

/// Messages held at most; a thread that panics in a loop must not fill memory.
const HELD_MAX: usize = 32;

type Held = Arc<Mutex<Vec<String>>>;

/// The terminal in raw mode and on its alternate screen; dropping it gives it back.
pub(super) struct Hold {
    held: Held,
    previous: Arc<Hook>,
}

impl Hold {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When there is none, or it cannot be switched.
    pub(super) fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        if let Err(error) = execute!(io::stdout(), EnterAlternateScreen) {
            give_back();
            return Err(error);
        }
        let held = Held::default();
        let previous: Arc<Hook> = Arc::from(std::panic::take_hook());
        let (owner, messages, before) = (std::thread::current().id(), Arc::clone(&held), Arc::clone(&previous));
        std::panic::set_hook(Box::new(move |info| on_panic(owner, &messages, &*before, info)));
        Ok(Self { held, previous })
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        give_back();
        // A hook cannot be changed by a thread that is panicking; it stays then, and only holds back.
        if !std::thread::panicking() {
            let previous = Arc::clone(&self.previous);
            std::panic::set_hook(Box::new(move |info| previous(info)));
        }
        for message in self.held.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            eprintln!("{message}");
        }
    }
}

fn on_panic(owner: ThreadId, held: &Held, previous: &Hook, info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    if thread.id() == owner || thread.name() == Some("main") {
        give_back();
        return previous(info);
    }
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    if held.len() < HELD_MAX {
        held.push(format!("thread {:?} {info}", thread.name().unwrap_or("unnamed")));
    }
}

/// As it was before; harmless when repeated. Errors are left alone: there is nowhere to show them.
fn give_back() {
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hold")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_of_another_thread_is_held_and_one_of_the_owner_is_passed_on() {
        let (held, passed) = (Held::default(), Arc::new(Mutex::new(0)));
        let count = Arc::clone(&passed);
        let previous: Arc<Hook> = Arc::new(move |_| *count.lock().unwrap() += 1);
        let before: Arc<Hook> = Arc::from(std::panic::take_hook());
        let (messages, after, owner) = (Arc::clone(&held), Arc::clone(&before), std::thread::current().id());
        std::panic::set_hook(Box::new(move |info| match std::thread::current().name() {
            Some("elsewhere" | "owner") => {
                let owner = if info.to_string().contains("mine") { std::thread::current().id() } else { owner };
                on_panic(owner, &messages, &*previous, info);
            }
            _ => after(info),
        }));
        let spawn = |name: &str, word: &'static str| {
            std::thread::Builder::new().name(name.to_owned()).spawn(move || std::panic::panic_any(word)).unwrap()
        };
        assert!(spawn("elsewhere", "theirs").join().is_err());
        assert!(spawn("owner", "mine").join().is_err());
        std::panic::set_hook(Box::new(move |info| before(info)));
        assert_eq!(held.lock().unwrap().len(), 1);
        assert!(held.lock().unwrap()[0].contains("theirs"));
        assert_eq!(*passed.lock().unwrap(), 1);
    }
}
