//! The substrate: every frame may be lost, doubled, late or out of order, and every direction
//! between two hosts may be cut on its own.

use std::time::Duration;

use crate::clock::Moment;
use crate::dice::Dice;
use crate::naming::{HOSTS_MAX, Host};

/// How one direction between two hosts treats frames.
#[derive(Clone, Copy, Debug)]
pub struct Quality {
    /// Frames lost in a million.
    pub loss_per_million: u32,
    /// Frames that arrive twice in a million.
    pub twice_per_million: u32,
    /// Frames that take up to [`Quality::tail`], in a million.
    pub late_per_million: u32,
    /// The least time that a frame takes.
    pub least: Duration,
    /// What is added to it at most, most of the time. Frames overtake each other within it.
    pub jitter: Duration,
    /// What a late frame takes at most.
    pub tail: Duration,
}

impl Quality {
    /// A quiet data centre: nothing lost, tenths of a millisecond.
    pub const GOOD: Self = Self {
        loss_per_million: 0,
        twice_per_million: 0,
        late_per_million: 0,
        least: Duration::from_micros(30),
        jitter: Duration::from_micros(100),
        tail: Duration::from_micros(150),
    };
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// When it arrives.
    pub arrives: Option<Moment>,
    /// When its double arrives.
    pub again: Option<Moment>,
}

/// All directions.
#[derive(Debug)]
pub struct Network {
    quality: [[Quality; HOSTS_MAX]; HOSTS_MAX],
    // Two faults may cut the same direction; it is whole again when both are over.
    cuts: [[u8; HOSTS_MAX]; HOSTS_MAX],
    dice: Dice,
    lost: u64,
}

impl Network {
    /// All directions of this quality.
    #[must_use]
    pub fn new(quality: Quality, dice: Dice) -> Self {
        Self {
            quality: [[quality; HOSTS_MAX]; HOSTS_MAX],
            cuts: [[0; HOSTS_MAX]; HOSTS_MAX],
            dice,
            lost: 0,
        }
    }

    /// Sends a frame now.
    pub fn carry(&mut self, now: Moment, from: Host, to: Host) -> Fate {
        let quality = self.quality[from.index()][to.index()];
        if self.is_cut(from, to) || self.dice.chance(quality.loss_per_million) {
            self.lost += 1;
            return Fate {
                arrives: None,
                again: None,
            };
        }
        let arrives = now.after(self.delay(quality));
        let again = self
            .dice
            .chance(quality.twice_per_million)
            .then(|| now.after(self.delay(quality)));
        Fate {
            arrives: Some(arrives),
            again,
        }
    }

    fn delay(&mut self, quality: Quality) -> Duration {
        let most = if self.dice.chance(quality.late_per_million) {
            quality.tail
        } else {
            quality.jitter
        };
        quality.least + self.dice.span(Duration::ZERO, most)
    }

    /// Cuts a direction, or takes one of its cuts back.
    pub fn cut(&mut self, from: Host, to: Host, cut: bool) {
        let cuts = &mut self.cuts[from.index()][to.index()];
        *cuts = if cut {
            cuts.saturating_add(1)
        } else {
            cuts.saturating_sub(1)
        };
    }

    /// Gives a direction another quality.
    pub fn set_quality(&mut self, from: Host, to: Host, quality: Quality) {
        self.quality[from.index()][to.index()] = quality;
    }

    /// Takes all cuts back and gives all directions this quality.
    pub fn heal(&mut self, quality: Quality) {
        self.quality = [[quality; HOSTS_MAX]; HOSTS_MAX];
        self.cuts = [[0; HOSTS_MAX]; HOSTS_MAX];
    }

    /// Whether a direction is cut.
    #[must_use]
    pub const fn is_cut(&self, from: Host, to: Host) -> bool {
        self.cuts[from.index()][to.index()] > 0
    }

    /// Frames lost so far, by chance or by a cut.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Stream;

    const R: Host = Host(0);
    const S: Host = Host(1);

    fn network(quality: Quality) -> Network {
        Network::new(quality, Dice::new(1, Stream::Network))
    }

    #[test]
    fn a_cut_stops_one_direction_until_the_last_one_is_taken_back() {
        let mut network = network(Quality::GOOD);
        network.cut(R, S, true);
        network.cut(R, S, true);
        network.cut(R, S, false);
        assert_eq!(network.carry(Moment::START, R, S).arrives, None);
        assert!(network.carry(Moment::START, S, R).arrives.is_some());
        network.cut(R, S, false);
        assert!(network.carry(Moment::START, R, S).arrives.is_some());
    }

    #[test]
    fn frames_overtake_each_other_and_come_twice() {
        let mut network = network(Quality {
            twice_per_million: 500_000,
            ..Quality::GOOD
        });
        let fates: Vec<_> = (0..100)
            .map(|_| network.carry(Moment::START, R, S))
            .collect();
        assert!(
            fates
                .windows(2)
                .any(|pair| pair[0].arrives > pair[1].arrives)
        );
        assert!(fates.iter().any(|fate| fate.again.is_some()));
        assert!(fates.iter().any(|fate| fate.again.is_none()));
    }
}
