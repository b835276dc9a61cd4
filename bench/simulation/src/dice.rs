//! Where a run's chance comes from: one seed, one stream for each question, so that a change in
//! what the network does leaves the faults as they were.

use std::time::Duration;

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the chance of a stream decides.
#[derive(Clone, Copy, Debug)]
pub enum Stream {
    /// Hosts, groups, timers.
    Scenario,
    /// Loss, duplication and delay of each frame.
    Network,
    /// Which fault comes when.
    Faults,
    /// What guests send, and when.
    Traffic,
    /// Durations and failures of disks.
    Disks,
    /// How long the runtime takes over what it is asked to do.
    Runtime,
    /// Boot nonces.
    Boots,
}

/// A stream of chance.
#[derive(Clone, Debug)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream for this question of the run with this seed.
    #[must_use]
    pub fn new(seed: u64, stream: Stream) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream as u64);
        Self(generator)
    }

    /// A stream of its own, drawn from another one.
    #[must_use]
    pub fn of_number(other: &mut Self) -> Self {
        Self(ChaCha8Rng::seed_from_u64(other.0.next_u64()))
    }

    /// True once in a million times `per_million`.
    pub fn chance(&mut self, per_million: u32) -> bool {
        per_million != 0 && self.0.next_u32() % 1_000_000 < per_million
    }

    /// A number from `low` up to and without `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        if high <= low {
            return low;
        }
        self.0.random_range(low..high)
    }

    /// A signed number from `-most` to `most`.
    pub fn around(&mut self, most: i64) -> i64 {
        self.0.random_range(-most..=most)
    }

    /// A duration from `low` up to and without `high`.
    pub fn span(&mut self, low: Duration, high: Duration) -> Duration {
        Duration::from_nanos(self.between(nanoseconds(low), nanoseconds(high)))
    }

    /// A position in a list of this length, which must not be empty.
    pub fn index(&mut self, length: usize) -> usize {
        self.0.random_range(0..length)
    }

    /// One of these; the list must not be empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// One of these, each as often as its weight says; the weights must not all be 0.
    pub fn weighted<T: Copy>(&mut self, choices: &[(u32, T)]) -> T {
        let total: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.0.random_range(0..total);
        for (weight, choice) in choices {
            if left < *weight {
                return *choice;
            }
            left -= weight;
        }
        choices[choices.len() - 1].1
    }

    /// Any 64 bits but 0.
    pub fn nonce(&mut self) -> u64 {
        self.0.next_u64().max(1)
    }

    /// Around `typical`, now and then up to a hundred times that: how long a disk or a scheduler
    /// takes.
    pub fn tailed(&mut self, typical: Duration) -> Duration {
        let base = nanoseconds(typical);
        let tail = match self.0.next_u32() % 1000 {
            0 => 100,
            1..10 => 10,
            10..100 => 3,
            _ => 1,
        };
        Duration::from_nanos(self.between(base / 2, base * 3 / 2) * tail)
    }
}

/// The whole of it in nanoseconds; durations of a run are far from the limit.
#[must_use]
pub fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_each_time_and_differs_from_the_others() {
        let draw = |seed, stream| {
            let mut dice = Dice::new(seed, stream);
            [dice.nonce(), dice.nonce(), dice.nonce()]
        };
        assert_eq!(draw(7, Stream::Network), draw(7, Stream::Network));
        assert_ne!(draw(7, Stream::Network), draw(7, Stream::Faults));
        assert_ne!(draw(7, Stream::Network), draw(8, Stream::Network));
    }

    #[test]
    fn weights_of_nothing_are_never_drawn() {
        let mut dice = Dice::new(1, Stream::Faults);
        assert!((0..1000).all(|_| dice.weighted(&[(0, 'a'), (3, 'b')]) == 'b'));
    }
}
