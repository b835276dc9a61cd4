//! The agent's disk: the records that it holds, and the counts of copies that are billed.

use failover::AgentEvent;
use journal::kept::Kept;
use journal::log::{ROOM_OCTETS, StoreId};
use journal::writer::{Completed, Writer};
use journal::{Count, Fact, JournalError, KeptRecord, RealDisk};
use messages::{SignedRecord, codec};

use super::jobs::{Jobs, Outcome};

/// The token of jobs that nobody waits for.
const UNAWAITED: u64 = u64::MAX;

/// The agent's disk.
///
/// Its loss does not end the daemon: the host then acknowledges no new record, and goes on
/// forwarding.
pub struct Archive {
    jobs: Jobs,
    /// Records that cannot be written: they have failed at once.
    failed: Vec<u64>,
}

/// Why the agent's disk cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It does not work.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is no thread for it.
    #[error("no thread for the agent's disk: {0}")]
    Thread(#[from] std::io::Error),
}

/// What was kept.
#[derive(Debug, Default)]
pub struct KeptBefore {
    /// The newest record of each group.
    pub records: Vec<SignedRecord>,
    /// The copies that were counted.
    pub counts: Vec<Count>,
}

impl Archive {
    /// Opens what the last daemon kept on `disk`, or begins anew as `store`. What cannot be
    /// believed is set aside with a warning.
    ///
    /// # Errors
    /// If the disk does not work.
    pub fn open(disk: RealDisk, store: StoreId) -> Result<(Self, KeptBefore), ArchiveError> {
        let Kept {
            log,
            restored,
            complaint,
        } = Kept::open(disk, store, ROOM_OCTETS)?;
        if let Some(complaint) = complaint {
            tracing::warn!("{complaint}");
        }
        if let Some(torn) = &restored.truncated {
            tracing::warn!("{torn}");
        }
        let before = KeptBefore {
            records: decoded(&restored.records),
            counts: restored.counts,
        };
        let writer = Writer::spawn("agent-disk", log, || {})?;
        let archive = Self {
            jobs: Jobs::new(writer),
            failed: Vec::new(),
        };
        Ok((archive, before))
    }

    /// Puts a record on the disk; [`Archive::poll`] says when it is there.
    pub fn persist(&mut self, token: u64, record: &SignedRecord) {
        match kept(record) {
            Some(fact) => self.jobs.submit(token, vec![fact]),
            None => self.failed.push(token),
        }
    }

    /// Puts counts on the disk. If it is busy or broken they are lost: the next ones are greater.
    pub fn count(&mut self, counts: Vec<Count>) {
        let facts = counts.into_iter().map(Fact::Count).collect();
        self.jobs.submit_if_idle(UNAWAITED, facts);
    }

    /// What became of a record.
    pub(super) fn poll(&mut self) -> Option<AgentEvent> {
        if let Some(token) = self.failed.pop() {
            return Some(AgentEvent::PersistFailed { token });
        }
        loop {
            let completed = match self.jobs.poll()? {
                Outcome::Answered(completed) => completed,
                Outcome::Failed(token) => return Some(AgentEvent::PersistFailed { token }),
            };
            match completed {
                Completed::Durable(UNAWAITED)
                | Completed::Full {
                    token: UNAWAITED, ..
                } => {}
                Completed::Durable(token) => return Some(AgentEvent::Persisted { token }),
                Completed::Full { token, sentence } => {
                    tracing::error!("a record is not kept: {sentence}");
                    return Some(AgentEvent::PersistFailed { token });
                }
                Completed::Broken { sentence } => {
                    tracing::error!(
                        "{sentence}; this host acknowledges no new record until its daemon is \
                         started again, and goes on forwarding"
                    );
                }
            }
        }
    }
}

/// A record as the journal keeps it; `None` if it is too large to be encoded.
pub(super) fn kept(signed: &SignedRecord) -> Option<Fact> {
    Some(Fact::Record(KeptRecord {
        group: signed.record.group,
        epoch: signed.record.epoch,
        octets: codec::encode(signed).ok()?,
    }))
}

/// Records from a journal. One that an older program wrote and this one cannot read is left out,
/// with a warning.
pub(super) fn decoded(records: &[KeptRecord]) -> Vec<SignedRecord> {
    let decode = |kept: &KeptRecord| match codec::decode(&kept.octets) {
        Ok(record) => Some(record),
        Err(error) => {
            let (group, epoch) = (kept.group, kept.epoch);
            tracing::warn!("the kept record of {group} at {epoch} is left out: {error}");
            None
        }
    };
    records.iter().filter_map(decode).collect()
}
