//! Settings that change while it runs. A reload reads the configuration as a start would, says what differs, and takes
//! either all of it in, at one stroke between two polls, or nothing: whatever is wrong with it leaves what was in force.
//! What may bind less than before is taken in only when somebody says that it is meant.

use super::recording::Prepared;
use super::rotating::Rotating;
use super::tuning::Tuning;
use crate::boot;
use crate::config::{Change, Effect, Loaded, load};
use highwire_actors::alerter::Bell;
use highwire_store::journal::Entry;
use highwire_supervision::incident::Severity;
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

/// The incident of a reload that was refused.
const KEY: &str = "service/reload";

/// What was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The name of the settings that are in force now.
    pub hash: String,
    /// What differs from before.
    pub changes: Vec<Change>,
    /// Venues that have another key now.
    pub keys: Vec<&'static str>,
}

/// Takes settings in; clones share what is in force.
#[derive(Clone)]
pub struct Reloading {
    layers: Arc<Mutex<Option<Layers>>>,
    tuning: Tuning,
    rotating: Rotating,
    notes: Option<SyncSender<Entry>>,
    bell: Bell,
}

/// What is in force, and where it came from.
struct Layers {
    path: Option<PathBuf>,
    loaded: Loaded,
}

impl Reloading {
    /// Nothing to follow yet.
    pub(super) fn new((tuning, rotating): (Tuning, Rotating), journal: Option<&Prepared>, bell: &Bell) -> Self {
        Self { layers: Arc::default(), tuning, rotating, notes: journal.map(Prepared::notes), bell: bell.clone() }
    }

    /// These are in force, from the file at `path` and the environment.
    pub fn follow(&self, path: Option<PathBuf>, loaded: Loaded) {
        tracing::info!(hash = loaded.hash(), "settings in force");
        *self.layers.lock().unwrap_or_else(PoisonError::into_inner) = Some(Layers { path, loaded });
    }

    /// The name of the settings that are in force; empty for a service that follows no file.
    pub fn hash(&self) -> String {
        self.loaded().map_or_else(String::new, |loaded| loaded.hash())
    }

    /// What is in force, for a start that goes on with it; `None` for a service that follows no file.
    pub fn loaded(&self) -> Option<Loaded> {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        layers.as_ref().map(|layers| layers.loaded.clone())
    }

    /// Reads the configuration and the keys that it names again and takes both in; with `loosen` also what may bind less than before.
    ///
    /// # Errors
    /// Why nothing changes.
    pub async fn reload(&self, loosen: bool, who: &str) -> Result<Reloaded, String> {
        let reloaded = self.attempt(loosen).await;
        match &reloaded {
            Ok(Reloaded { hash, changes, keys }) => {
                let changes: Vec<String> = changes.iter().map(Change::to_string).collect();
                tracing::warn!(who, hash, ?changes, ?keys, "settings are reloaded");
                self.bell.clear(KEY);
            }
            Err(why) => {
                let text = format!("a reload was refused, what was in force stays ({}): {why}", self.hash());
                self.bell.raise(KEY, Severity::Warning, text);
            }
        }
        reloaded
    }

    async fn attempt(&self, loosen: bool) -> Result<Reloaded, String> {
        let next = self.read()?;
        let turned = self.rotating.look(&next.config).await?;
        let (hash, changes) = self.take(next, loosen)?;
        Ok(Reloaded { hash, changes, keys: turned.take_effect() })
    }

    fn read(&self) -> Result<Loaded, String> {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let Layers { path, .. } = layers.as_ref().ok_or("this service follows no configuration")?;
        load(path.as_deref()).map_err(|error| error.to_string())
    }

    fn take(&self, next: Loaded, loosen: bool) -> Result<(String, Vec<Change>), String> {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let Layers { loaded, .. } = layers.as_mut().ok_or("this service follows no configuration")?;
        let changes = loaded.changes(&next);
        permitted(&changes, loosen)?;
        if !changes.is_empty() {
            self.tuning.rest_on(&next.config)?;
            self.note(loaded, &next);
        }
        *loaded = next;
        Ok((loaded.hash(), changes))
    }

    /// Puts the limits that changed on record.
    fn note(&self, now: &Loaded, next: &Loaded) {
        let old = boot::limits(&now.config);
        for (name, value) in boot::limits(&next.config).into_iter().filter(|limit| !old.contains(limit)) {
            let entry = Entry::Limit { name, value };
            if self.notes.as_ref().is_some_and(|notes| notes.try_send(entry).is_err()) {
                tracing::error!("a limit did not reach the journal");
            }
        }
    }
}

/// # Errors
/// What may not be changed, or not without a word.
fn permitted(changes: &[Change], loosen: bool) -> Result<(), String> {
    let of = |effect: Effect| -> Vec<String> {
        changes.iter().filter(|change| change.effect == effect).map(Change::to_string).collect()
    };
    let (fixed, looser) = (of(Effect::NeedsStart), of(Effect::Loosens));
    if !fixed.is_empty() {
        return Err(format!("only a start takes this in: {}", fixed.join("; ")));
    }
    if !looser.is_empty() && !loosen {
        return Err(format!(
            "this may bind less than before, confirm it with `highwire reload --loosen`: {}",
            looser.join("; ")
        ));
    }
    Ok(())
}
