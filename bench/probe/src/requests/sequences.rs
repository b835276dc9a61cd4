//! Which sequence numbers: a set that grows by one number at a time and is told as ranges.

/// A number above this is not ours; it bounds the memory of a set to 8 MiB.
pub const SEQUENCE_MAX: u64 = 1 << 26;

/// A set of sequence numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequences {
    words: Vec<u64>,
    count: u64,
}

impl Sequences {
    /// Adds a number; false if it was there already or is above [`SEQUENCE_MAX`].
    pub fn insert(&mut self, sequence: u64) -> bool {
        if sequence >= SEQUENCE_MAX {
            return false;
        }
        let (word, bit) = ((sequence / 64) as usize, 1 << (sequence % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        self.count += u64::from(is_new);
        is_new
    }

    /// Is it in the set?
    pub fn contains(&self, sequence: u64) -> bool {
        self.words
            .get((sequence / 64) as usize)
            .is_some_and(|word| word >> (sequence % 64) & 1 == 1)
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The numbers as inclusive ranges, in order.
    pub fn ranges(&self) -> Vec<(u64, u64)> {
        ranges((0..self.words.len() as u64 * 64).filter(|&sequence| self.contains(sequence)))
    }

    /// The set that `ranges` describe.
    pub fn from_ranges(ranges: &[(u64, u64)]) -> Self {
        let mut set = Self::default();
        for &(first, last) in ranges {
            for sequence in first..=last.min(SEQUENCE_MAX) {
                set.insert(sequence);
            }
        }
        set
    }
}

/// Ascending numbers as inclusive ranges.
pub fn ranges(sequences: impl Iterator<Item = u64>) -> Vec<(u64, u64)> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for sequence in sequences {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == sequence => *last = sequence,
            _ => ranges.push((sequence, sequence)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_set_and_its_ranges_say_the_same(numbers in prop::collection::vec(0u64..500, 0..200)) {
            let mut set = Sequences::default();
            for &number in &numbers {
                set.insert(number);
            }
            let model: BTreeSet<_> = numbers.iter().copied().collect();
            prop_assert_eq!(set.count(), model.len() as u64);
            prop_assert_eq!(set.ranges(), ranges(model.into_iter()));
            let again = Sequences::from_ranges(&set.ranges());
            prop_assert_eq!(again.ranges(), set.ranges());
        }
    }

    #[test]
    fn a_number_too_large_to_be_ours_is_refused() {
        assert!(!Sequences::default().insert(SEQUENCE_MAX));
    }
}
