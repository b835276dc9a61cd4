//! What is concluded from rounds: medians, ranges, ratios of the same rounds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::program::{Kind, Load};
use crate::rounds::{Plan, Round, Rounds};
use crate::scenario::Scenario;

/// The middle and the ends of some figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The middle one; of an even number, the mean of the two.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of at least one figure.
    #[must_use]
    pub fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        let (low, high) = (figures[(figures.len() - 1) / 2], figures[figures.len() / 2]);
        Some(Self {
            median: f64::midpoint(low, high),
            min,
            max,
        })
    }

    fn scaled(self, by: f64) -> Self {
        Self {
            median: self.median * by,
            min: self.min * by,
            max: self.max * by,
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { median, min, max } = self;
        write!(f, "{median:.3} ({min:.3} to {max:.3})")
    }
}

/// Of each contender that has it, a figure over all rounds that count.
#[must_use]
pub fn by_kind(
    rounds: &Rounds,
    figure: impl Fn(&Round, Kind) -> Option<f64>,
) -> BTreeMap<Kind, Spread> {
    let kinds: BTreeSet<Kind> = rounds
        .counting()
        .flat_map(|round| round.turns.keys().copied())
        .collect();
    let spread = |kind: Kind| {
        let figures = rounds.counting().filter_map(|round| figure(round, kind));
        Some((kind, Spread::of(figures.collect())?))
    };
    kinds.into_iter().filter_map(spread).collect()
}

/// One scenario's figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// What was measured.
    pub scenario: Scenario,
    /// Where.
    pub machine: Machine,
    /// How.
    pub plan: Plan,
    /// Cycles of the time stamp counter for each packet, the devices' share included.
    pub cycles_per_packet: BTreeMap<Kind, Spread>,
    /// `understudyd` over the others, round by round.
    pub ratios: BTreeMap<Kind, Spread>,
    /// The devices alone, in cycles a packet.
    pub gauge_cycles: Spread,
    /// Rounds in which the gauge moved by more than a tenth, and which do not count.
    pub rounds_dropped: usize,
    /// What it took `understudyd` to take its mappings in.
    pub load: Option<Load>,
    /// Everything that was measured.
    pub rounds: Rounds,
}

impl Outcome {
    /// What the rounds show; `None` if the gauge moved in all of them.
    #[must_use]
    pub fn of(scenario: Scenario, machine: Machine, plan: Plan, rounds: Rounds) -> Option<Self> {
        let cycles = rounds.cycles_per_ns();
        let cycles_per_packet = by_kind(&rounds, |round, kind| Some(round.ns(kind)? * cycles));
        let ratios = by_kind(&rounds, |round, kind| match kind {
            Kind::Understudyd => None,
            other => Some(round.ns(Kind::Understudyd)? / round.ns(other)?),
        });
        let gauge = rounds.counting().flat_map(|round| round.gauge_ns).collect();
        Some(Self {
            scenario,
            machine,
            plan,
            cycles_per_packet,
            ratios,
            gauge_cycles: Spread::of(gauge)?.scaled(cycles),
            rounds_dropped: rounds.dropped(),
            load: rounds.load,
            rounds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        let spread = Spread::of(vec![4.0, 1.0, 2.0, 3.0]).unwrap();
        assert_eq!(
            spread,
            Spread {
                median: 2.5,
                min: 1.0,
                max: 4.0
            }
        );
        assert_eq!(Spread::of(vec![]), None);
    }
}
