//! Was anything lost: the asker's report against the logs of all that could have received.

use serde::Serialize;

use super::answer::Log;
use super::ledger::Report;
use super::sequences::{Sequences, ranges};

/// Ranges beyond this many are left out; the counts say all.
const RANGES_MAX: usize = 1000;

/// What came of all requests together.
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub struct Verdict {
    /// Requests that left the asker.
    pub sent: u64,
    /// Different requests that at least one answerer received.
    pub received: u64,
    /// Requests that none received.
    pub inbound_lost: u64,
    /// Their numbers.
    pub lost_ranges: Vec<(u64, u64)>,
    /// Requests that more than one answerer received.
    pub received_by_several: u64,
    /// Requests that one answerer received more than once, over all answerers.
    pub received_twice: u64,
    /// Requests that came after one with a higher number, over all answerers.
    pub out_of_order: u64,
    /// Requests that nobody answered, or whose answers did not arrive.
    pub unanswered: u64,
    /// Answers beyond the first of each request.
    pub duplicates: u64,
    /// Answers of somebody from whom another had taken over already.
    pub stale: u64,
}

/// Compares them. Numbers that the asker's kernel refused were never sent.
pub fn judge(asked: &Report, logs: &[Log]) -> Verdict {
    let sets: Vec<_> = logs
        .iter()
        .map(|log| Sequences::from_ranges(&log.ranges))
        .collect();
    let refused = Sequences::from_ranges(&asked.refused_ranges);
    let (mut received, mut several, mut lost) = (0, 0, Vec::new());
    for sequence in (0..asked.sent + asked.refused).filter(|&at| !refused.contains(at)) {
        match sets.iter().filter(|set| set.contains(sequence)).count() {
            0 => lost.push(sequence),
            1 => received += 1,
            _ => (received, several) = (received + 1, several + 1),
        }
    }
    let inbound_lost = lost.len() as u64;
    let mut lost_ranges = ranges(lost.into_iter());
    lost_ranges.truncate(RANGES_MAX);
    Verdict {
        sent: asked.sent,
        received,
        inbound_lost,
        lost_ranges,
        received_by_several: several,
        received_twice: logs.iter().map(|log| log.duplicates).sum(),
        out_of_order: logs.iter().map(|log| log.out_of_order).sum(),
        unanswered: asked.unanswered,
        duplicates: asked.duplicates,
        stale: asked.stale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(ranges: &[(u64, u64)]) -> Log {
        Log {
            ranges: ranges.to_vec(),
            ..Log::default()
        }
    }

    #[test]
    fn what_nobody_received_is_lost_and_what_two_received_is_counted() {
        let asked = Report {
            sent: 10,
            ..Report::default()
        };
        let verdict = judge(&asked, &[log(&[(0, 4)]), log(&[(3, 6), (8, 8)])]);
        assert_eq!((verdict.received, verdict.received_by_several), (8, 2));
        assert_eq!(verdict.inbound_lost, 2);
        assert_eq!(verdict.lost_ranges, [(7, 7), (9, 9)]);
    }

    #[test]
    fn a_refused_request_cannot_be_lost() {
        let asked = Report {
            sent: 3,
            refused: 1,
            refused_ranges: vec![(2, 2)],
            ..Report::default()
        };
        let verdict = judge(&asked, &[log(&[(0, 1), (3, 3)])]);
        assert_eq!((verdict.inbound_lost, verdict.received), (0, 3));
    }
}
