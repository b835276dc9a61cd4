//! What became of one packet, read off the worker's counters.

use serde::Serialize;
use tables::counters::WorkerCounters;
use wire::drop_reason::DropReason;

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It, or the answer to it, left.
    Transmit,
    /// A guest of this host got it.
    Deliver,
    /// It was dropped, for the reason beside it.
    Drop,
    /// The controller got it.
    Punt,
    /// A member of this host keeps it.
    Buffer,
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
    copied: u64,
    buffered: u64,
}

impl Totals {
    pub(super) fn of(counters: &WorkerCounters) -> Self {
        let total = |reason| counters.ports().map(|(_, port)| port.dropped(reason)).sum();
        Self {
            drops: DropReason::ALL.map(total),
            punted: counters.worker.punted.get(),
            answered: counters.worker.arp_answered.get() + counters.worker.icmp.echoes.get(),
            copied: counters.worker.copied.get(),
            buffered: counters
                .groups()
                .map(|group| group.buffered.packets.get())
                .sum(),
        }
    }

    /// The verdict on the one packet that was handled since `before`. `left` has
    /// an element for each packet that left, true for one at the uplink.
    pub(super) fn verdict_since(
        &self,
        before: &Self,
        left: impl Iterator<Item = bool>,
    ) -> (Verdict, Option<DropReason>) {
        let (mut somewhere, mut at_uplink) = (false, false);
        for uplink in left {
            (somewhere, at_uplink) = (true, at_uplink || uplink);
        }
        let rose =
            |reason: &DropReason| self.drops[*reason as usize] > before.drops[*reason as usize];
        let kept = self.buffered > before.buffered;
        // What was dropped beside a packet that did not end is a copy of it.
        let of_a_copy = self.copied > before.copied && (somewhere || kept);
        if let Some(reason) = DropReason::ALL
            .into_iter()
            .find(rose)
            .filter(|_| !of_a_copy)
        {
            (Verdict::Drop, Some(reason))
        } else if self.punted > before.punted {
            (Verdict::Punt, None)
        } else if at_uplink || self.answered > before.answered {
            (Verdict::Transmit, None)
        } else if kept && !somewhere {
            (Verdict::Buffer, None)
        } else {
            (Verdict::Deliver, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals() -> Totals {
        Totals {
            drops: [0; DropReason::COUNT],
            punted: 0,
            answered: 0,
            copied: 0,
            buffered: 0,
        }
    }

    #[test]
    fn a_kept_packet_is_buffered_unless_the_original_left() {
        let kept = Totals {
            buffered: 1,
            ..totals()
        };
        let verdict = |left: &[bool]| kept.verdict_since(&totals(), left.iter().copied()).0;
        assert_eq!(verdict(&[]), Verdict::Buffer);
        assert_eq!(verdict(&[true]), Verdict::Transmit);
        assert_eq!(verdict(&[false]), Verdict::Deliver);
    }

    #[test]
    fn a_drop_is_the_verdict_unless_it_was_of_a_copy() {
        let mut after = totals();
        after.drops[DropReason::CopyBudget as usize] = 1;
        let dropped = (Verdict::Drop, Some(DropReason::CopyBudget));
        assert_eq!(after.verdict_since(&totals(), [].into_iter()), dropped);
        after.copied = 1;
        let transmitted = (Verdict::Transmit, None);
        assert_eq!(
            after.verdict_since(&totals(), [true].into_iter()),
            transmitted
        );
        assert_eq!(after.verdict_since(&totals(), [].into_iter()), dropped);
    }
}
