//! The manager with its log: what is decided leaves this host after it is on the disk.

use std::path::PathBuf;

use failover::manager::Restored;
use failover::{LogState, Manager, ManagerAction, ManagerConfig, ManagerEvent, Signer};
use journal::log::{Log, Opened, ROOM_OCTETS, StoreId};
use journal::writer::{Completed, Writer};
use journal::{Fact, JournalError, RealDisk};
use messages::{BootId, SignedRecord, Time};

use super::archive::{decoded, kept};
use super::jobs::{Jobs, Outcome};

/// The manager and its log.
pub struct Office {
    manager: Manager,
    log: ManagerLog,
    /// Decisions that did not reach the writer.
    failed: Vec<u64>,
}

/// The log's state.
enum ManagerLog {
    Open(Jobs),
    /// What is there is not believed. The next decision, which the manager makes only after an
    /// operator has raised the term, begins a new one.
    InDoubt(Box<(RealDisk, StoreId)>),
    /// A new one could not be begun.
    Closed,
}

/// Why the manager's log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// The disk does not work, or failed and nobody knows what it holds.
    #[error("the manager's log in {}: {source}", directory.display())]
    Journal {
        /// The log's directory.
        directory: PathBuf,
        /// What happened.
        source: JournalError,
    },
    /// A write or an fsync failed.
    #[error("the manager's disk failed, and with it every promise: {0}")]
    Broken(String),
    /// There is no thread for it.
    #[error("no thread for the manager's disk: {0}")]
    Thread(#[from] std::io::Error),
}

impl Office {
    /// Opens the log on `disk`, or begins it as `store`, and starts the manager with it.
    ///
    /// # Errors
    /// If the disk does not work. A log that is not believed is no error: the manager then decides
    /// nothing, and says so.
    pub fn open(
        directory: PathBuf,
        disk: RealDisk,
        store: StoreId,
        config: ManagerConfig,
        signer: Signer,
        boot: BootId,
        now: Time,
    ) -> Result<Self, OfficeError> {
        let failed = |source| OfficeError::Journal {
            directory: directory.clone(),
            source,
        };
        let (log, restored) = match Log::open(disk, ROOM_OCTETS).map_err(failed)? {
            Opened::Restored(log, restored) => {
                if let Some(torn) = &restored.truncated {
                    tracing::warn!("{torn}");
                }
                let restored = Restored {
                    log: LogState::Whole,
                    records: decoded(&restored.records),
                };
                (ManagerLog::Open(spawn(log)?), restored)
            }
            Opened::Empty(disk) => {
                let log = Log::begin(disk, store, ROOM_OCTETS, &[]).map_err(failed)?;
                let restored = Restored {
                    log: LogState::New,
                    records: Vec::new(),
                };
                (ManagerLog::Open(spawn(log)?), restored)
            }
            Opened::Refused(disk, refusal) => {
                tracing::error!(
                    "the manager's log is not believed: {}, offset {}: {}; nothing is decided until \
                     an operator raises the term (understudy manager raise-term)",
                    refusal.file,
                    refusal.offset,
                    refusal.reason
                );
                let restored = Restored {
                    log: LogState::Lost,
                    records: Vec::new(),
                };
                (ManagerLog::InDoubt(Box::new((disk, store))), restored)
            }
        };
        Ok(Self {
            manager: Manager::new(config, restored, signer, boot, now),
            log,
            failed: Vec::new(),
        })
    }

    /// The manager, to be looked at.
    #[must_use]
    pub const fn manager(&self) -> &Manager {
        &self.manager
    }

    pub(super) fn handle(
        &mut self,
        now: Time,
        event: ManagerEvent,
        actions: &mut Vec<ManagerAction>,
    ) {
        self.manager.handle(now, event, actions);
    }

    /// Puts a decision on the disk; [`Office::poll`] says when it is there.
    pub(super) fn append(&mut self, token: u64, record: &SignedRecord) {
        if matches!(self.log, ManagerLog::InDoubt(_)) {
            self.begin_anew();
        }
        match (&mut self.log, kept(record)) {
            (ManagerLog::Open(jobs), Some(fact)) => {
                let facts = vec![Fact::Term(record.record.epoch.term), fact];
                jobs.submit(token, facts);
            }
            _ => self.failed.push(token),
        }
    }

    /// What became of a decision.
    ///
    /// # Errors
    /// [`OfficeError::Broken`]: the process must end.
    pub(super) fn poll(&mut self) -> Result<Option<ManagerEvent>, OfficeError> {
        if let Some(token) = self.failed.pop() {
            return Ok(Some(ManagerEvent::AppendFailed { token }));
        }
        let ManagerLog::Open(jobs) = &mut self.log else {
            return Ok(None);
        };
        let completed = match jobs.poll() {
            Some(Outcome::Answered(completed)) => Some(completed),
            Some(Outcome::Failed(token)) => return Ok(Some(ManagerEvent::AppendFailed { token })),
            None => None,
        };
        match completed {
            None => Ok(None),
            Some(Completed::Durable(token)) => Ok(Some(ManagerEvent::Appended { token })),
            Some(Completed::Full { token, sentence }) => {
                tracing::error!("a decision is given up: {sentence}");
                Ok(Some(ManagerEvent::AppendFailed { token }))
            }
            Some(Completed::Broken { sentence }) => Err(OfficeError::Broken(sentence)),
        }
    }

    /// Sets aside what is not believed and begins a new log. It waits for the disk, on the
    /// controller's thread, once in the life of a lost log and at an operator's word.
    fn begin_anew(&mut self) {
        let ManagerLog::InDoubt(parts) = std::mem::replace(&mut self.log, ManagerLog::Closed)
        else {
            return;
        };
        let (disk, store) = *parts;
        let begun = Log::begin(disk, store, ROOM_OCTETS, &[])
            .map_err(|error| error.to_string())
            .and_then(|log| spawn(log).map_err(|error| error.to_string()));
        match begun {
            Ok(writer) => self.log = ManagerLog::Open(writer),
            Err(error) => tracing::error!("no new log can be begun: {error}"),
        }
    }
}

fn spawn(log: Log<RealDisk>) -> std::io::Result<Jobs> {
    let writer = Writer::spawn("manager-disk", log, || {
        // A decision waits for this thread. It sleeps but for a write at a time.
        crate::thread::ask_for_real_time();
    })?;
    Ok(Jobs::new(writer))
}
