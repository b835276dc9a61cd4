//! What became of each request: when it was sent, when and by whom it was answered first, how often
//! in all, and who took over from whom.

use serde::{Deserialize, Serialize};

use super::sequences::ranges;

/// Ranges beyond this many are left out of a report; the counts say all.
const RANGES_MAX: usize = 1000;

/// One request, by its number.
#[derive(Clone, Copy, Debug)]
struct Fate {
    sent_ns: u64,
    /// Zero copies of it left; it counts as never sent.
    refused: bool,
    first_answer_ns: Option<u64>,
    answers: u32,
}

/// The running account.
#[derive(Debug, Default)]
pub struct Ledger {
    fates: Vec<Fate>,
    answerers: Vec<Answerer>,
    takeovers: Vec<Takeover>,
    gap: Gap,
    answered: u64,
    refused: u64,
    stale: u64,
    unknown: u64,
    last_answer_ns: Option<u64>,
    end_ns: u64,
    pause_ns_max: u64,
}

/// What one answerer did. Times are ns of `CLOCK_MONOTONIC`.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Answerer {
    /// The id in its answers.
    pub id: u16,
    /// All its answers.
    pub answers: u64,
    /// The arrival of its first one.
    pub first_ns: u64,
    /// The arrival of its last one.
    pub last_ns: u64,
}

/// An answerer that had not been heard before answers.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Takeover {
    /// Who answered before.
    pub from: u16,
    /// Who answers now.
    pub to: u16,
    /// The last answer of the old one so far.
    pub old_last_ns: u64,
    /// The first answer of the new one.
    pub new_first_ns: u64,
}

/// The longest time without an answer.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct Gap {
    /// How long.
    pub ns: u64,
    /// Its beginning: an answer, or the first request.
    pub from_ns: u64,
    /// Its end: an answer, or the end of sending.
    pub to_ns: u64,
}

/// What `requests ask` prints. Times are ns of `CLOCK_MONOTONIC`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct Report {
    /// Requests that left; their numbers are 0 up to here, but for `refused` ones.
    pub sent: u64,
    /// Requests that the local kernel refused.
    pub refused: u64,
    /// Requests with at least one answer.
    pub answered: u64,
    /// Requests without one.
    pub unanswered: u64,
    /// Their numbers.
    pub unanswered_ranges: Vec<(u64, u64)>,
    /// Numbers of the refused ones.
    pub refused_ranges: Vec<(u64, u64)>,
    /// Answers beyond the first of each request.
    pub duplicates: u64,
    /// Answers of somebody from whom another had taken over already.
    pub stale: u64,
    /// Datagrams that are no answers to these requests.
    pub unknown: u64,
    /// In the order of their first answers.
    pub answerers: Vec<Answerer>,
    /// In order.
    pub takeovers: Vec<Takeover>,
    /// While requests were sent.
    pub longest_gap: Gap,
    /// The first request.
    pub begin_ns: u64,
    /// The end of sending.
    pub end_ns: u64,
    /// From a request to its first answer.
    pub answer_us_p50: Option<u64>,
    /// See `answer_us_p50`.
    pub answer_us_p99: Option<u64>,
    /// See `answer_us_p50`.
    pub answer_us_max: Option<u64>,
    /// The longest time in which this very program did not run.
    pub own_pause_ns_max: u64,
}

impl Ledger {
    /// The next request was sent, or refused by the local kernel.
    pub fn request(&mut self, sent_ns: u64, left: bool) {
        self.refused += u64::from(!left);
        self.fates.push(Fate {
            sent_ns,
            refused: !left,
            first_answer_ns: None,
            answers: 0,
        });
    }

    /// An answer arrived.
    pub fn answer(&mut self, now_ns: u64, id: u16, sequence: u64) {
        let Some(fate) = usize::try_from(sequence)
            .ok()
            .and_then(|index| self.fates.get_mut(index))
        else {
            self.unknown += 1;
            return;
        };
        fate.answers += 1;
        if fate.first_answer_ns.is_none() {
            fate.first_answer_ns = Some(now_ns);
            self.answered += 1;
        }
        self.close_gap(now_ns);
        self.last_answer_ns = Some(now_ns);
        self.count_answerer(now_ns, id);
    }

    /// A datagram that is no answer.
    pub fn unknown(&mut self) {
        self.unknown += 1;
    }

    /// This program did not look for so long.
    pub fn pause(&mut self, ns: u64) {
        self.pause_ns_max = self.pause_ns_max.max(ns);
    }

    /// No more requests; answers may still come.
    pub fn sending_ends(&mut self, now_ns: u64) {
        self.close_gap(now_ns);
        self.end_ns = now_ns;
    }

    /// Is an answer missing?
    pub fn waits(&self) -> bool {
        self.answered + self.refused < self.fates.len() as u64
    }

    /// Ends a time without answers. Answers after the end of sending count for none.
    fn close_gap(&mut self, now_ns: u64) {
        let begin_ns = self.fates.first().map_or(now_ns, |fate| fate.sent_ns);
        let from_ns = self.last_answer_ns.unwrap_or(begin_ns);
        let ns = now_ns.saturating_sub(from_ns);
        if self.end_ns == 0 && ns > self.gap.ns {
            self.gap = Gap {
                ns,
                from_ns,
                to_ns: now_ns,
            };
        }
    }

    fn count_answerer(&mut self, now_ns: u64, id: u16) {
        let latest = self.answerers.last().cloned();
        match self.answerers.iter_mut().find(|answerer| answerer.id == id) {
            Some(known) => {
                known.answers += 1;
                known.last_ns = now_ns;
                self.stale += u64::from(latest.is_some_and(|latest| latest.id != id));
            }
            None => {
                self.takeovers.extend(latest.map(|old| Takeover {
                    from: old.id,
                    to: id,
                    old_last_ns: old.last_ns,
                    new_first_ns: now_ns,
                }));
                self.answerers.push(Answerer {
                    id,
                    answers: 1,
                    first_ns: now_ns,
                    last_ns: now_ns,
                });
            }
        }
    }

    /// The account, closed.
    pub fn report(self) -> Report {
        let numbered = || (0u64..).zip(&self.fates);
        let mut waits_us: Vec<_> = self
            .fates
            .iter()
            .filter_map(|fate| Some(fate.first_answer_ns?.saturating_sub(fate.sent_ns) / 1000))
            .collect();
        waits_us.sort_unstable();
        let percentile = |of_hundred: usize| {
            let last = waits_us.len().checked_sub(1)?;
            waits_us.get(last * of_hundred / 100).copied()
        };
        let list = |wanted: &dyn Fn(&Fate) -> bool| {
            let mut found = ranges(
                numbered()
                    .filter(|(_, fate)| wanted(fate))
                    .map(|(at, _)| at),
            );
            found.truncate(RANGES_MAX);
            found
        };
        let sent = self.fates.len() as u64 - self.refused;
        Report {
            sent,
            refused: self.refused,
            answered: self.answered,
            unanswered: sent - self.answered,
            unanswered_ranges: list(&|fate| !fate.refused && fate.answers == 0),
            refused_ranges: list(&|fate| fate.refused),
            duplicates: self
                .fates
                .iter()
                .map(|fate| u64::from(fate.answers.saturating_sub(1)))
                .sum(),
            stale: self.stale,
            unknown: self.unknown,
            begin_ns: self.fates.first().map_or(0, |fate| fate.sent_ns),
            answer_us_p50: percentile(50),
            answer_us_p99: percentile(99),
            answer_us_max: percentile(100),
            answerers: self.answerers,
            takeovers: self.takeovers,
            longest_gap: self.gap,
            end_ns: self.end_ns,
            own_pause_ns_max: self.pause_ns_max,
        }
    }
}

#[cfg(test)]
mod tests;
