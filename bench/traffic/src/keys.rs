//! In which order mappings are used: all of the table, in no order.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Keys below `mappings`, each equally likely, from a seed: a table of any
/// size is used as a whole, whatever the number of packets.
#[derive(Clone, Debug)]
pub struct Keys {
    random: ChaCha8Rng,
    mappings: u32,
}

impl Keys {
    /// Keys of a table of `mappings`, at least 1.
    #[must_use]
    pub fn new(mappings: u32, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { random, mappings }
    }

    /// The next key.
    pub fn next_key(&mut self) -> u32 {
        self.random.random_range(0..self.mappings)
    }

    /// A port that no well-known service has, for the flow of the next packet.
    pub fn next_port(&mut self) -> u16 {
        self.random.random_range(1024..=u16::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_whole_table_is_used_and_a_seed_repeats() {
        let (mut keys, mut again) = (Keys::new(64, 7), Keys::new(64, 7));
        let seen: HashSet<u32> = (0..2000).map(|_| keys.next_key()).collect();
        assert_eq!(seen.len(), 64);
        let mut first = Keys::new(64, 7);
        assert!((0..100).all(|_| first.next_key() == again.next_key()));
    }
}
