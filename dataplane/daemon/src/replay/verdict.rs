//! What became of one packet, read off the worker's counters.

use serde::Serialize;
use tables::counters::WorkerCounters;
use wire::drop_reason::DropReason;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// It, or the answer to it, left.
    Transmit,
    /// A guest of this host got it.
    Deliver,
    /// It was dropped, for the reason beside it.
    Drop,
    /// The controller got it.
    Punt,
}

/// One line of `verdicts.jsonl`.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    /// Where it came in.
    pub(super) port: &'a str,
    /// Its position among the packets of that port, from 0.
    pub(super) index: u64,
    pub(super) verdict: Verdict,
    /// Why it was dropped.
    pub(super) reason: Option<&'static str>,
    /// Its output packets: port, and position among that port's, from 0.
    pub(super) out: &'a [(&'a str, u64)],
}

/// The counters that tell verdicts apart, summed over the ports.
pub(super) struct Totals {
    drops: [u64; DropReason::COUNT],
    punted: u64,
    answered: u64,
}

impl Totals {
    pub(super) fn of(counters: &WorkerCounters) -> Self {
        let total = |reason| counters.ports().map(|(_, port)| port.dropped(reason)).sum();
        Self {
            drops: DropReason::ALL.map(total),
            punted: counters.worker.punted.get(),
            answered: counters.worker.arp_answered.get(),
        }
    }

    /// The verdict on the one packet that was handled since `before`, of which
    /// something left at the uplink or not.
    pub(super) fn verdict_since(
        &self,
        before: &Self,
        left_at_uplink: bool,
    ) -> (Verdict, Option<&'static str>) {
        let rose =
            |reason: &DropReason| self.drops[*reason as usize] > before.drops[*reason as usize];
        if let Some(reason) = DropReason::ALL.into_iter().find(rose) {
            (Verdict::Drop, Some(reason.name()))
        } else if self.punted > before.punted {
            (Verdict::Punt, None)
        } else if left_at_uplink || self.answered > before.answered {
            (Verdict::Transmit, None)
        } else {
            (Verdict::Deliver, None)
        }
    }
}
