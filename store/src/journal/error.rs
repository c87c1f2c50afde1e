//! Why a journal cannot be read. What a crash leaves behind is not an error.

use std::io;

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk refuses.
    #[error("journal: {doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// What the system says.
        source: io::Error,
    },
    /// A record that was synced cannot be read any more.
    #[error(
        "journal: {segment}: record {sequence} at byte {offset} is damaged although it was on disk ({why}); \
         nothing is guessed: restore the file from a copy, or run `highwire journal repair --drop-from {sequence}` \
         and reconcile with the venues"
    )]
    Damaged {
        /// The file.
        segment: String,
        /// The first record that is missing.
        sequence: u64,
        /// Where it should begin.
        offset: u64,
        /// How that is known.
        why: &'static str,
    },
    /// Written by a version that this one does not know.
    #[error("journal: {segment} has format {found}, this program reads {known}")]
    Format {
        /// The file.
        segment: String,
        /// Its format.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// A whole record whose content makes no sense: written by another version.
    #[error("journal: {segment}: record {sequence} is of unknown kind {kind} or shape")]
    Unknown {
        /// The file.
        segment: String,
        /// The record.
        sequence: u64,
        /// Its kind.
        kind: u8,
    },
}

impl JournalError {
    pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
