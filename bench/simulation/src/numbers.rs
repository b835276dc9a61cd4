//! Sets of small numbers.

/// A set of numbers that are counted up from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers(Vec<u64>);

impl Numbers {
    /// Adds one; `false` if it was there.
    pub fn insert(&mut self, number: u32) -> bool {
        let (word, bit) = place(number);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let is_new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        is_new
    }

    /// Takes one away.
    pub fn remove(&mut self, number: u32) {
        let (word, bit) = place(number);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
    }

    /// Whether it is there.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        let (word, bit) = place(number);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Those that `other` does not have, in order.
    pub fn without<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = u32> + 'a {
        (0u32..).zip(&self.0).flat_map(move |(word, &bits)| {
            let theirs = other.0.get(word as usize).copied().unwrap_or(0);
            let left = bits & !theirs;
            (0..64)
                .filter(move |bit| left & (1 << bit) != 0)
                .map(move |bit| word * 64 + bit)
        })
    }
}

const fn place(number: u32) -> (usize, u64) {
    ((number / 64) as usize, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_set_has_and_another_has_not_is_found() {
        let (mut all, mut some) = (Numbers::default(), Numbers::default());
        for number in 0..200 {
            assert!(all.insert(number));
            if number % 3 != 0 {
                some.insert(number);
            }
        }
        assert!(!all.insert(7));
        assert!(all.without(&some).eq((0..200).step_by(3)));
        assert!(some.without(&all).next().is_none());
    }
}
