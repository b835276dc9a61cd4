//! Interleaved rounds: every contender has its turn in each, with the gauge before and after.

use std::collections::BTreeMap;
use std::error::Error;
use std::thread::sleep;
use std::time::Duration;

use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};

use crate::inputs::Inputs;
use crate::program::{Binaries, Devices, Kind, Load, Running};

/// By how much the gauge may move during a round that counts.
pub const GAUGE_MOVES_MAX: f64 = 0.10;

/// How long and how often.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Rounds, of which those count in which the gauge stood still.
    pub rounds: u32,
    /// Before a turn is measured: caches are filled.
    pub settle_ms: u64,
    /// A turn.
    pub turn_ms: u64,
}

/// One turn of one program.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Turn {
    /// Nanoseconds on the processor for each packet received.
    pub ns_per_packet: f64,
    /// The share of the turn in which the worker had the processor.
    pub on_cpu: f64,
    /// Received and not sent: refused, or under way at one of the two ends.
    pub not_sent: i64,
    /// Received.
    pub packets: u64,
}

/// One round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Round {
    /// The gauge before and after, in nanoseconds a packet.
    pub gauge_ns: [f64; 2],
    /// Every contender's turn.
    pub turns: BTreeMap<Kind, Turn>,
}

impl Round {
    /// Whether the machine was the same at its beginning and its end.
    #[must_use]
    pub fn counts(&self) -> bool {
        let [before, after] = self.gauge_ns;
        (after / before - 1.0).abs() <= GAUGE_MOVES_MAX
    }

    /// Nanoseconds a packet of a contender; `None` if it had no turn.
    #[must_use]
    pub fn ns(&self, kind: Kind) -> Option<f64> {
        Some(self.turns.get(&kind)?.ns_per_packet)
    }
}

/// All rounds of a scenario.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rounds {
    /// In order.
    pub rounds: Vec<Round>,
    /// What it took `understudyd` to take its mappings in.
    pub load: Option<Load>,
    /// The rate of the time stamp counter, as DPDK measured it, in Hz.
    pub tsc_hz: f64,
}

impl Rounds {
    /// Those that count.
    pub fn counting(&self) -> impl Iterator<Item = &Round> {
        self.rounds.iter().filter(|round| round.counts())
    }

    /// How many do not.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.rounds.len() - self.counting().count()
    }

    /// Cycles of the time stamp counter in a nanosecond.
    #[must_use]
    pub fn cycles_per_ns(&self) -> f64 {
        self.tsc_hz / 1e9
    }
}

/// Runs the contenders. All are started before the first round and wait, stopped, for their turns.
///
/// # Errors
/// One of them does not come up, or ends.
pub fn run(
    binaries: &Binaries,
    inputs: &Inputs,
    contenders: &[Kind],
    plan: Plan,
    progress: &ProgressBar,
) -> Result<Rounds, Box<dyn Error>> {
    let start = |kind: Kind| -> Result<Running, Box<dyn Error>> {
        progress.set_message(format!("{}: starting {}", inputs.scenario, kind.name()));
        let running = kind.start(binaries, inputs, &Devices::Endless)?;
        running.process.pause()?;
        Ok(running)
    };
    let gauge = start(Kind::Gauge)?;
    let tsc_hz = gauge
        .process
        .figure("tsc_hz")?
        .ok_or("the bare loop does not tell the counter's rate")?;
    let running: Vec<(Kind, Running)> = contenders
        .iter()
        .map(|kind| Ok((*kind, start(*kind)?)))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let load = running.iter().find_map(|(_, running)| running.load);

    let mut rounds = Vec::new();
    let mut before = turn(&gauge, plan)?.ns_per_packet;
    for number in 1..=plan.rounds {
        let mut turns = BTreeMap::new();
        for (kind, running) in &running {
            let (scenario, name, of) = (inputs.scenario, kind.name(), plan.rounds);
            progress.set_message(format!("{scenario}: round {number} of {of}, {name}"));
            turns.insert(*kind, turn(running, plan)?);
            progress.inc(1);
        }
        let after = turn(&gauge, plan)?.ns_per_packet;
        rounds.push(Round {
            gauge_ns: [before, after],
            turns,
        });
        before = after;
    }
    Ok(Rounds {
        rounds,
        load,
        tsc_hz,
    })
}

fn turn(running: &Running, plan: Plan) -> Result<Turn, Box<dyn Error>> {
    let Running {
        process,
        counters,
        thread,
        ..
    } = running;
    process.resume()?;
    sleep(Duration::from_millis(plan.settle_ms));
    let read = || -> Result<_, Box<dyn Error>> {
        let counts = counters.read()?;
        Ok((counts, process.on_cpu_ns(*thread)?, crate::clock::now()))
    };
    let (first, first_cpu, begun) = read()?;
    sleep(Duration::from_millis(plan.turn_ms));
    let (last, last_cpu, ended) = read()?;
    process.pause()?;
    let packets = last.received - first.received;
    if packets == 0 {
        return Err("nothing was forwarded in a turn; the program's log says why".into());
    }
    let on_cpu_ns = (last_cpu - first_cpu) as f64;
    Ok(Turn {
        ns_per_packet: on_cpu_ns / packets as f64,
        on_cpu: on_cpu_ns / (ended - begun).as_nanos() as f64,
        not_sent: packets as i64 - (last.sent - first.sent) as i64,
        packets,
    })
}
