//! What became of a trial's packets: each is lost, or came once, or more often; in order or not.

use serde::Serialize;

/// Sequences of one stream, as they arrive.
#[derive(Debug)]
pub struct Ledger {
    /// A bit for each sequence that came.
    seen: Vec<u64>,
    /// The sequence after the greatest that came.
    next: u64,
    counts: Arrivals,
}

/// What arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Arrivals {
    /// Packets that came for the first time.
    pub received: u64,
    /// Packets that had come before.
    pub duplicates: u64,
    /// Packets behind one with a greater sequence (RFC 4737, section 3: type-P-reordered).
    pub reordered: u64,
    /// Packets with a sequence that was never sent.
    pub invented: u64,
}

impl Arrivals {
    /// Counts both.
    pub fn add(&mut self, other: Self) {
        let Self {
            received,
            duplicates,
            reordered,
            invented,
        } = other;
        self.received += received;
        self.duplicates += duplicates;
        self.reordered += reordered;
        self.invented += invented;
    }
}

impl Ledger {
    /// For sequences below `sequences_max`; memory is an eighth of that in octets.
    #[must_use]
    pub fn new(sequences_max: u64) -> Self {
        Self {
            seen: vec![0; usize::try_from(sequences_max.div_ceil(64)).expect("memory holds it")],
            next: 0,
            counts: Arrivals::default(),
        }
    }

    /// Sequences that it has room for.
    #[must_use]
    pub fn room(&self) -> u64 {
        self.seen.len() as u64 * 64
    }

    /// Whether a sequence that was given out below `sent` came for the first time.
    #[inline]
    pub fn arrive(&mut self, sequence: u64, sent: u64) -> bool {
        let word = usize::try_from(sequence / 64).ok();
        let Some(word) = word
            .and_then(|index| self.seen.get_mut(index))
            .filter(|_| sequence < sent)
        else {
            self.counts.invented += 1;
            return false;
        };
        let bit = 1 << (sequence % 64);
        if *word & bit != 0 {
            self.counts.duplicates += 1;
            return false;
        }
        *word |= bit;
        self.counts.received += 1;
        match sequence < self.next {
            true => self.counts.reordered += 1,
            false => self.next = sequence + 1,
        }
        true
    }

    /// What arrived so far.
    #[must_use]
    pub fn counts(&self) -> Arrivals {
        self.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn every_arrival_is_counted_as_exactly_one_thing(arrivals in prop::collection::vec(0_u64..200, 0..300)) {
            let (sent, mut ledger) = (150, Ledger::new(150));
            let (mut seen, mut greatest, mut wanted) = (HashSet::new(), None, Arrivals::default());
            for sequence in &arrivals {
                let first = ledger.arrive(*sequence, sent);
                prop_assert_eq!(first, *sequence < sent && !seen.contains(sequence));
                if *sequence >= sent {
                    wanted.invented += 1;
                } else if seen.insert(*sequence) {
                    wanted.received += 1;
                    wanted.reordered += u64::from(greatest.is_some_and(|greatest| greatest > *sequence));
                    greatest = greatest.max(Some(*sequence));
                } else {
                    wanted.duplicates += 1;
                }
            }
            prop_assert_eq!(ledger.counts(), wanted);
        }
    }
}
