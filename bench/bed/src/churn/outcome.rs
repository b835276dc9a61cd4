//! What the turns show.

use std::error::Error;

use api::{Balance, Delay, percentile_ns};
use serde::{Deserialize, Serialize};

use super::{Plan, Turn};
use crate::program::{Load, Running};
use crate::report::Spread;

/// Packets of a burst.
const BURST_PACKETS: f64 = 32.0;

/// A version that was taken up later than this after the end of a burst was not waited for by the
/// worker, but the worker by the processor.
const GAP_NS: f64 = 10_000.0;

/// How soon changes were seen.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Visible {
    /// Versions whose taking up was measured.
    pub versions: u64,
    /// Of those, versions that came up while the worker was off its processor for over 10 µs; they
    /// are not in the percentiles.
    pub in_gaps: u64,
    /// A burst, by the packets of the same turns, in nanoseconds.
    pub burst_ns: f64,
    /// From publication to the worker's first burst by the new version, in nanoseconds.
    pub p50_ns: u64,
    /// The same.
    pub p99_ns: u64,
    /// By how much that was more than the burst in which the version was published, of all
    /// versions, in nanoseconds.
    pub late_p99_ns: u64,
}

/// What a change of the tables costs packets, and itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// How it was measured.
    pub plan: Plan,
    /// Changes a second that were really made.
    pub changes_per_s: Spread,
    /// Time a packet under churn over that of the quiet turn before, pair by pair.
    pub slower: Spread,
    /// Packets dropped in turns under churn, for whatever reason.
    pub dropped: u64,
    /// Received and not accounted for at the end, while packets still came: at most a burst, which
    /// was under way.
    pub under_way: i64,
    /// How soon changes were seen.
    pub visible: Option<Visible>,
    /// Building and publishing one change, in nanoseconds: percentiles 50 and 99, and the longest.
    pub one_change_ns: Option<[u64; 3]>,
    /// Loading the table over the local socket.
    pub load: Option<Load>,
    /// Memory of the process outside hugepages that mappings take, in octets a mapping: after the
    /// load, and the most under churn, old versions included.
    pub bytes_per_mapping: Option<[f64; 2]>,
    /// Everything that was measured.
    pub turns: Vec<Turn>,
}

impl Outcome {
    /// Puts together what was measured.
    ///
    /// # Errors
    /// Nothing was.
    pub(super) fn of(
        plan: Plan,
        turns: Vec<Turn>,
        one_change: Vec<Delay>,
        running: &Running,
        balance: Balance,
    ) -> Result<Self, Box<dyn Error>> {
        let churning = || turns.iter().filter(|turn| turn.churn);
        let pairs = turns.chunks_exact(2);
        let slower = pairs.map(|pair| pair[1].ns_per_packet / pair[0].ns_per_packet);
        let rates = churning().map(|turn| turn.changes as f64 / turn.seconds);
        let nothing = "nothing was measured under churn";
        let one_change_ns = [0.5, 0.99, 1.0].map(|share| percentile_ns(&one_change, share));
        let bytes_per_mapping = running.load.map(|load| {
            let before = load.resident_bytes[0];
            let most = churning().map(|turn| turn.resident_bytes).max();
            [load.resident_bytes[1], most.unwrap_or_default()]
                .map(|bytes| (bytes.saturating_sub(before)) as f64 / f64::from(plan.mappings))
        });
        Ok(Self {
            changes_per_s: Spread::of(rates.collect()).ok_or(nothing)?,
            slower: Spread::of(slower.collect()).ok_or(nothing)?,
            dropped: churning().map(|turn| turn.dropped).sum(),
            under_way: balance.unexplained,
            visible: visible(churning()),
            one_change_ns: match one_change_ns {
                [Some(p50), Some(p99), Some(longest)] => Some([p50, p99, longest]),
                _ => None,
            },
            load: running.load,
            bytes_per_mapping,
            plan,
            turns,
        })
    }
}

/// Percentiles over all turns, of versions that no gap delayed.
fn visible<'a>(turns: impl Iterator<Item = &'a Turn> + Clone) -> Option<Visible> {
    let ns = turns.clone().map(|turn| turn.ns_per_packet).collect();
    let burst_ns = Spread::of(ns)?.median * BURST_PACKETS;
    let together = |of: fn(&Turn) -> &Vec<Delay>| {
        let mut all: Vec<Delay> = turns.clone().flat_map(|turn| of(turn).clone()).collect();
        all.sort_by_key(|delay| delay.at_most_ns);
        all
    };
    let mut all = together(|turn| &turn.taken_up);
    let late = together(|turn| &turn.late);
    let times = |delays: &[Delay]| delays.iter().map(|delay| delay.times).sum::<u64>();
    let versions = times(&all);
    all.retain(|delay| delay.at_most_ns as f64 <= burst_ns + GAP_NS);
    Some(Visible {
        versions,
        in_gaps: versions - times(&all),
        burst_ns,
        p50_ns: percentile_ns(&all, 0.5)?,
        p99_ns: percentile_ns(&all, 0.99)?,
        late_p99_ns: percentile_ns(&late, 0.99)?,
    })
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let us = |ns: u64| ns as f64 / 1_000.0;
        let Plan {
            mappings,
            batch,
            changes_per_s,
            ..
        } = self.plan;
        let Spread { median, min, max } = self.changes_per_s;
        writeln!(
            f,
            "churn: {mappings} mappings; {median:.0} changes a second ({min:.0} to {max:.0}; {changes_per_s} wanted), \
             {batch} a version"
        )?;
        writeln!(
            f,
            "  packets dropped: {}, under way at the end: {}; time a packet over that without: {}",
            self.dropped, self.under_way, self.slower
        )?;
        if let Some(visible) = self.visible {
            writeln!(
                f,
                "  visible after {:.1} us (p50), {:.1} us (p99), {:.2} us after the end of its burst (p99); \
                 a burst takes {:.1} us; {} of {} versions fell into gaps",
                us(visible.p50_ns),
                us(visible.p99_ns),
                us(visible.late_p99_ns),
                visible.burst_ns / 1_000.0,
                visible.in_gaps,
                visible.versions,
            )?;
        }
        if let Some([p50, p99, longest]) = self.one_change_ns {
            writeln!(
                f,
                "  one change built and published in {:.1} us (p50), {:.1} us (p99), {:.1} us at most",
                us(p50),
                us(p99),
                us(longest)
            )?;
        }
        if let (Some(load), Some([loaded, most])) = (self.load, self.bytes_per_mapping) {
            writeln!(
                f,
                "  loaded in {:.2} s; {loaded:.0} octets a mapping after that, {most:.0} at most under churn",
                load.seconds
            )?;
        }
        Ok(())
    }
}
