//! Are two workers worth twice one? The daemon with one core and one guest, and with two cores and
//! a guest on each, by turns. Each worker has a queue of its own at the uplink; they share tables,
//! buffers and caches.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::counters::Counters;
use crate::inputs::Inputs;
use crate::program::{Binaries, Devices, Kind, Running, understudyd};
use crate::report::Spread;
use crate::scenario::{Direction, Reuse, Scenario};

/// Caches are filled, in milliseconds.
const SETTLE_MS: u64 = 200;

/// What was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Packets that one worker forwards in a second on its processor.
    pub one_pps: Spread,
    /// Packets that two forward in a second on theirs.
    pub two_pps: Spread,
    /// The one over the other, pair by pair.
    pub ratio: Spread,
    /// Of each pair of turns, both rates.
    pub pairs: Vec<[f64; 2]>,
}

/// Measures; files go below `work`.
///
/// # Errors
/// The daemon does not come up.
pub fn run(
    binaries: &Binaries,
    pairs: u32,
    turn_ms: u64,
    work: &Path,
) -> Result<Outcome, Box<dyn Error>> {
    let scenario = Scenario {
        direction: Direction::Encode,
        mappings: 10_000,
        reuse: Reuse::Hot,
        frame_bytes: 64,
    };
    let inputs = Inputs::write(scenario, work)?;
    let second = inputs.second_guest()?;
    let mut rates = Vec::new();
    for _ in 0..pairs {
        // Two daemons of one host do not run at once, so each turn has its own start.
        let alone = Kind::Understudyd.start(binaries, &inputs, &Devices::Endless)?;
        let one = rate(&alone, &["worker-0"], turn_ms)?;
        drop(alone);
        let both = understudyd::start_twofold(binaries, &inputs, &second)?;
        let two = rate(&both, &["worker-0", "worker-1"], turn_ms)?;
        rates.push([one, two]);
    }
    let spread = |of: fn(&[f64; 2]) -> f64| {
        Spread::of(rates.iter().map(of).collect()).ok_or("no pair was measured")
    };
    Ok(Outcome {
        one_pps: spread(|pair| pair[0])?,
        two_pps: spread(|pair| pair[1])?,
        ratio: spread(|pair| pair[1] / pair[0])?,
        pairs: rates,
    })
}

/// The sum over workers of packets received over seconds on the processor. Time in which somebody
/// else had it, the measuring itself among them, does not count.
fn rate(running: &Running, workers: &[&str], turn_ms: u64) -> Result<f64, Box<dyn Error>> {
    sleep(Duration::from_millis(SETTLE_MS));
    let before = read(running, workers)?;
    sleep(Duration::from_millis(turn_ms));
    let after = read(running, workers)?;
    let each = before.iter().zip(&after);
    Ok(each
        .map(|(before, after)| {
            let (packets, ns) = (after.0 - before.0, after.1 - before.1);
            packets as f64 / (ns as f64 / 1e9)
        })
        .sum())
}

/// Packets received at each worker's guest port, and its time on the processor.
fn read(running: &Running, workers: &[&str]) -> Result<Vec<(u64, u64)>, Box<dyn Error>> {
    let Counters::Api {
        runtime, client, ..
    } = &running.counters
    else {
        return Err("only understudyd has workers".into());
    };
    let status = runtime.block_on(client.status())?;
    let guests = status.ports.iter().filter(|port| port.name != "uplink");
    let packets: Vec<u64> = guests.map(|port| port.rx_packets).collect();
    if packets.len() != workers.len() {
        return Err("each worker has one guest here".into());
    }
    let both = packets.into_iter().zip(workers);
    both.map(|(packets, worker)| Ok((packets, running.process.on_cpu_ns(Some(worker))?)))
        .collect()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "scale: one worker {:.2} Mpps, two {:.2} Mpps; ratio {}",
            self.one_pps.median / 1e6,
            self.two_pps.median / 1e6,
            self.ratio
        )
    }
}
