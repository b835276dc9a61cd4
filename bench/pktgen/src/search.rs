//! The tests of RFC 2544, section 26, as RFC 8219 extends them, over any trial.
//!
//! A trial is a function from load to outcome, so that the searches are tested against devices
//! whose limits are known.

use serde::Serialize;

use crate::trial::{Load, Outcome};

/// How a search is to be done.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Settings {
    /// Length of a trial, in seconds. RFC 2544, section 24, wants 60 for a final one.
    pub trial_s: f64,
    /// The share of packets that may be lost: 0, or 0.005.
    pub loss_max: f64,
    /// The search ends when it is this close, as a share of the greatest rate.
    pub precision: f64,
    /// How often a trial with loss is done again before its loss is believed (ETSI GS NFV-TST 009,
    /// section 12.3.3, binary search with loss verification): a machine that stops now and then
    /// loses packets at any rate.
    pub verifications: u32,
    /// How long to wait for late packets, in nanoseconds.
    pub drain_ns: u64,
}

/// The greatest rate at which no more than `loss_max` was lost.
#[derive(Clone, Debug, Serialize)]
pub struct Throughput {
    /// Packets a second of each sending port; 0 if even the least rate lost too many.
    pub rate_pps: f64,
    /// Sent at full speed, for comparison.
    pub offered_max_pps: f64,
    /// Trials, in order.
    pub trials: Vec<Outcome>,
    /// Trials that were done again because they lost.
    pub repeated: u32,
}

/// Loss at a rate.
#[derive(Clone, Debug, Serialize)]
pub struct LossAt {
    /// The rate as a share of the greatest.
    pub share: f64,
    /// The trial.
    pub outcome: Outcome,
    /// The share of packets that was lost.
    pub loss: f64,
}

impl Settings {
    fn load(&self, rate_pps: f64) -> Load {
        Load {
            rate_pps: Some(rate_pps),
            packets: (rate_pps * self.trial_s).ceil().max(1.0) as u64,
            drain_ns: self.drain_ns,
        }
    }
}

/// RFC 2544, 26.1: by halving what lies between a rate without and one with loss. `max_pps` is the
/// greatest rate of each port that is worth trying, such as the line's or the generator's own.
pub fn throughput(
    trial: &mut dyn FnMut(Load) -> Outcome,
    settings: &Settings,
    max_pps: f64,
) -> Throughput {
    let mut found = Throughput {
        rate_pps: 0.0,
        offered_max_pps: max_pps,
        trials: Vec::new(),
        repeated: 0,
    };
    let (mut passed, mut failed) = (0.0, max_pps);
    let mut rate = max_pps;
    loop {
        if holds(trial, settings, rate, &mut found) {
            passed = rate;
        } else {
            failed = rate;
        }
        if passed >= failed || failed - passed <= settings.precision * max_pps {
            found.rate_pps = passed;
            return found;
        }
        rate = f64::midpoint(passed, failed);
    }
}

/// Whether a rate passes, loss verified.
fn holds(
    trial: &mut dyn FnMut(Load) -> Outcome,
    settings: &Settings,
    rate: f64,
    found: &mut Throughput,
) -> bool {
    for attempt in 0..=settings.verifications {
        let outcome = trial(settings.load(rate));
        // What the generator could not send was not forwarded either.
        let kept_up = outcome.sent_pps >= rate * 0.99;
        let passes = outcome.loss() <= settings.loss_max && kept_up;
        found.trials.push(outcome);
        if passes {
            return true;
        }
        found.repeated += u32::from(attempt < settings.verifications);
    }
    false
}

/// RFC 2544, 26.3: from the greatest rate down in tenths, until two trials in succession lose
/// nothing.
pub fn frame_loss(
    trial: &mut dyn FnMut(Load) -> Outcome,
    settings: &Settings,
    max_pps: f64,
) -> Vec<LossAt> {
    let mut all: Vec<LossAt> = Vec::new();
    for tenths in (1..=10).rev() {
        let share = f64::from(tenths) / 10.0;
        let outcome = trial(settings.load(max_pps * share));
        let loss = outcome.loss();
        all.push(LossAt {
            share,
            outcome,
            loss,
        });
        if let [.., before, last] = all.as_slice()
            && before.outcome.lost == 0
            && last.outcome.lost == 0
        {
            break;
        }
    }
    all
}

/// RFC 2544, 26.4: the longest burst at full speed of which nothing is lost, in packets; up to
/// `packets_max`.
pub fn back_to_back(
    trial: &mut dyn FnMut(Load) -> Outcome,
    settings: &Settings,
    packets_max: u64,
) -> u64 {
    let mut survives = |packets: u64| {
        let load = Load {
            rate_pps: None,
            packets,
            drain_ns: settings.drain_ns,
        };
        (0..=settings.verifications).any(|_| trial(load).lost == 0)
    };
    if survives(packets_max) {
        return packets_max;
    }
    let (mut passed, mut failed) = (0, packets_max);
    while failed - passed > (packets_max / 100).max(1) {
        let middle = u64::midpoint(passed, failed);
        match survives(middle) {
            true => passed = middle,
            false => failed = middle,
        }
    }
    passed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Arrivals;
    use crate::trial::Latency;
    use std::collections::BTreeMap;

    const SETTINGS: Settings = Settings {
        trial_s: 1.0,
        loss_max: 0.0,
        precision: 0.01,
        verifications: 2,
        drain_ns: 0,
    };

    fn outcome(load: Load, lost: u64) -> Outcome {
        Outcome {
            rate_pps: load.rate_pps,
            sent: load.packets,
            sent_pps: load.rate_pps.unwrap_or(1e9),
            originals: Arrivals::default(),
            lost,
            copies: BTreeMap::new(),
            copies_lost: 0,
            foreign: 0,
            compared: 0,
            damaged: 0,
            latency: Latency::default(),
            gaps: 0,
            longest_gap_ns: 0,
        }
    }

    /// A device that forwards so many packets in a second.
    fn device(limit_pps: f64) -> impl FnMut(Load) -> Outcome {
        move |load| {
            let over = load.rate_pps.unwrap_or(f64::MAX).min(1e9) - limit_pps;
            outcome(load, over.max(0.0) as u64)
        }
    }

    #[test]
    fn the_search_ends_at_the_devices_limit() {
        for limit in [10e3, 333e3, 700e3, 999e3] {
            let found = throughput(&mut device(limit), &SETTINGS, 1e6);
            assert!(
                found.rate_pps <= limit && limit - found.rate_pps <= 10e3,
                "{limit}: {}",
                found.rate_pps
            );
        }
        assert_eq!(throughput(&mut device(2e6), &SETTINGS, 1e6).rate_pps, 1e6);
    }

    #[test]
    fn with_half_a_per_cent_allowed_the_rate_is_so_much_higher() {
        let settings = Settings {
            loss_max: 0.005,
            precision: 0.001,
            ..SETTINGS
        };
        let found = throughput(&mut device(500e3), &settings, 1e6);
        assert!((found.rate_pps - 500e3 / 0.995).abs() <= 1e3);
    }

    #[test]
    fn a_loss_that_does_not_come_again_is_not_believed() {
        let mut trials = 0;
        let mut hiccups = |load: Load| {
            trials += 1;
            outcome(load, u64::from(trials % 2 == 1))
        };
        let found = throughput(&mut hiccups, &SETTINGS, 1e6);
        assert_eq!((found.rate_pps, found.repeated), (1e6, 1));
    }

    #[test]
    fn a_rate_that_the_generator_cannot_send_does_not_pass() {
        let mut slow = |load: Load| Outcome {
            sent_pps: load.rate_pps.unwrap_or(0.0).min(400e3),
            ..outcome(load, 0)
        };
        let found = throughput(&mut slow, &SETTINGS, 1e6);
        assert!(found.rate_pps <= 405e3, "{}", found.rate_pps);
    }

    #[test]
    fn frame_loss_stops_after_two_rates_without_loss() {
        let all = frame_loss(&mut device(750e3), &SETTINGS, 1e6);
        let shares: Vec<u32> = all.iter().map(|at| (at.share * 10.0) as u32).collect();
        assert_eq!(shares, [10, 9, 8, 7, 6]);
        assert!(all[2].loss > 0.0 && all[3].loss == 0.0);
    }

    #[test]
    fn the_longest_burst_is_the_devices_buffer() {
        let mut buffer = |load: Load| outcome(load, load.packets.saturating_sub(5_000));
        let longest = back_to_back(&mut buffer, &SETTINGS, 100_000);
        assert!((4_000..=5_000).contains(&longest), "{longest}");
    }
}
