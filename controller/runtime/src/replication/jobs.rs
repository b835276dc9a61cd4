//! What waits for a disk, however much it is.
//!
//! A writer has room for some hundred jobs. When a manager meets its hosts for the first time, or a
//! host its manager, there is one for each group at the same moment.

use std::collections::VecDeque;

use journal::writer::{Completed, Writer};
use journal::{Fact, RealDisk};

/// A writer, and the jobs for which it has no room yet: at most one for each group.
pub(super) struct Jobs {
    writer: Writer<RealDisk>,
    waiting: VecDeque<(u64, Vec<Fact>)>,
    /// Jobs that came after the writer's end.
    failed: Vec<u64>,
}

/// What became of a job.
pub(super) enum Outcome {
    /// The writer has answered.
    Answered(Completed),
    /// The writer had ended before.
    Failed(u64),
}

impl Jobs {
    pub(super) const fn new(writer: Writer<RealDisk>) -> Self {
        Self {
            writer,
            waiting: VecDeque::new(),
            failed: Vec::new(),
        }
    }

    /// Asks for facts to be made durable, in their turn.
    pub(super) fn submit(&mut self, token: u64, facts: Vec<Fact>) {
        self.waiting.push_back((token, facts));
        self.advance();
    }

    /// The same, unless others wait.
    pub(super) fn submit_if_idle(&mut self, token: u64, facts: Vec<Fact>) {
        if self.waiting.is_empty() {
            let _ = self.writer.submit(token, facts);
        }
    }

    /// What became of the next job.
    pub(super) fn poll(&mut self) -> Option<Outcome> {
        let answered = self.writer.poll().map(Outcome::Answered);
        self.advance();
        answered.or_else(|| self.failed.pop().map(Outcome::Failed))
    }

    fn advance(&mut self) {
        while let Some((token, facts)) = self.waiting.pop_front() {
            let Err(facts) = self.writer.submit(token, facts) else {
                continue;
            };
            if !self.writer.is_finished() {
                self.waiting.push_front((token, facts));
                return;
            }
            self.failed.push(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use journal::Count;
    use journal::log::{Log, Opened, ROOM_OCTETS, StoreId};
    use journal::writer::JOBS_MAX;
    use messages::{GroupId, HostId};

    use super::*;

    fn fact(number: u64) -> Fact {
        Fact::Count(Count {
            group: GroupId::new(1, Ipv4Addr::from(number as u32)),
            replica: HostId([1; 9]),
            packets: number,
            octets: number,
        })
    }

    #[test]
    fn more_jobs_than_the_writer_has_room_for_are_all_done_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        let disk = RealDisk::open(directory.path()).unwrap();
        let log = Log::begin(disk, StoreId([1; 16]), ROOM_OCTETS, &[]).unwrap();
        let mut jobs = Jobs::new(Writer::spawn("disk", log, || {}).unwrap());
        let count = 3 * JOBS_MAX as u64;
        for token in 0..count {
            jobs.submit(token, vec![fact(token)]);
        }
        let mut done = Vec::new();
        while (done.len() as u64) < count {
            match jobs.poll() {
                Some(Outcome::Answered(Completed::Durable(token))) => done.push(token),
                Some(_) => panic!("this disk works"),
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        assert!(done.is_sorted());
        drop(jobs);
        let disk = RealDisk::open(directory.path()).unwrap();
        let Opened::Restored(_, restored) = Log::open(disk, ROOM_OCTETS).unwrap() else {
            panic!("what was written is believed");
        };
        assert_eq!(restored.counts.len() as u64, count);
    }
}
