//! Why there is no durable answer, and what may be done about it.

use std::io;

/// Why something could not be made durable, or the disk not be opened.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is no room. Nothing of the entry counts; the same may be tried again. No decision is
    /// made until it succeeds, and forwarding goes on.
    #[error("there is no room to write {file} ({source}): no decisions until there is")]
    Full {
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A write or an fsync failed, so that nobody knows what is on the disk. The process must end:
    /// a second fsync would succeed without the data.
    #[error(
        "cannot {action} {file} ({source}): what the disk holds is unknown, so the process ends"
    )]
    Broken {
        /// What was tried.
        action: &'static str,
        /// The file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The log had failed before; it takes nothing more in this life of the process.
    #[error("the disk failed before, so nothing more is written to it")]
    BrokenBefore,
    /// The directory cannot be used: another daemon has it, or the system refuses.
    #[error("cannot {action} {file} ({source})")]
    Unusable {
        /// What was tried.
        action: &'static str,
        /// The directory or file.
        file: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Why what is on the disk is not believed. Nothing was changed. Decisions wait until an operator
/// raises the term.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, offset {offset}: {reason}; nothing is decided until an operator raises the term")]
pub struct Refusal {
    /// The file.
    pub file: String,
    /// Where in it, in octets from its start.
    pub offset: u64,
    /// What is wrong there.
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(file: &str, offset: usize, reason: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            offset: offset as u64,
            reason: reason.into(),
        }
    }
}

impl JournalError {
    /// Whether the same may be tried again when there is room.
    #[must_use]
    pub const fn may_be_retried(&self) -> bool {
        matches!(self, Self::Full { .. })
    }

    /// A failure to read, before anything was written.
    pub(crate) fn unusable(action: &'static str, file: &str, source: io::Error) -> Self {
        let file = file.to_owned();
        Self::Unusable {
            action,
            file,
            source,
        }
    }

    /// A failure that leaves the disk unknown.
    pub(crate) fn broken(action: &'static str, file: &str, source: io::Error) -> Self {
        let file = file.to_owned();
        Self::Broken {
            action,
            file,
            source,
        }
    }

    /// A failure of something that can be taken back, if it was for want of room.
    pub(crate) fn full_or_broken(action: &'static str, file: &str, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full {
                file: file.to_owned(),
                source,
            },
            _ => Self::broken(action, file, source),
        }
    }
}
