//! What the bytes are: pseudo-random content that both ends can compute, so that a receiver
//! recognises every byte without having been told any.

/// An endless pseudo-random octet stream (`SplitMix64`), the same for the same seed.
#[derive(Clone, Debug)]
pub struct Content {
    state: u64,
}

impl Content {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Writes the next `out.len()` octets. A chunk that is no multiple of eight ends within a
    /// word, whose rest is lost: both ends must cut the stream alike.
    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let word = self.next_word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    fn next_word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_octets_and_another_seed_gives_others() {
        let (mut one, mut same, mut other) = ([0; 61], [0; 61], [0; 61]);
        Content::new(7).fill(&mut one);
        Content::new(7).fill(&mut same);
        Content::new(8).fill(&mut other);
        assert_eq!(one, same);
        assert_ne!(one, other);
    }

    #[test]
    fn the_stream_is_splitmix64() {
        let mut out = [0; 8];
        Content::new(1_234_567).fill(&mut out);
        // The reference implementation's first output for this seed.
        assert_eq!(u64::from_le_bytes(out), 6_457_827_717_110_365_317);
    }
}
