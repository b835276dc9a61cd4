//! One trial: so many packets at such a rate, and what became of them.
//!
//! One thread sends and receives. Each packet has an intended time, its sequence over the rate;
//! what is late is sent late, and its latency counts from when it was due, so that a stall of
//! the generator or of the device is never left out ("coordinated omission"). When the generator
//! itself stood still the trial says so.

use std::collections::BTreeMap;

use arrayvec::ArrayVec;
use dpdk::clock::TscLine;
use dpdk::{BURST_PACKETS_MAX, Mbuf, Mempool, RxQueue, TxQueue};
use hdrhistogram::Histogram;
use serde::Serialize;
use traffic::stamp::{self, Stamp};
use traffic::world::World;
use wire::address;
use wire::packet::Packet;

use crate::ledger::{Arrivals, Ledger};
use crate::packets::{Packets, STAMP_AT_GUEST, STAMP_AT_UPLINK};

/// A gap between two rounds of the generator that is worth telling, in nanoseconds.
const GAP_NS: u64 = 10_000;
/// One payload in so many is compared whole.
const SAMPLE: u64 = 1024;
/// Latencies above this count as this, in nanoseconds.
const LATENCY_NS_MAX: u64 = 10_000_000_000;
/// The C bit of the flow label in the first word of an IPv6 header: a replica's copy.
const COPY_BIT: u8 = 0x04;

/// A port of the generator.
pub struct End {
    /// What the device under test sends.
    pub rx: RxQueue,
    /// What it gets.
    pub tx: TxQueue,
    /// Where its packets are made.
    pub pool: Mempool,
    /// What it sends, if anything.
    pub packets: Option<Packets>,
    /// Where stamps are in what it receives.
    pub stamp_at: usize,
}

/// How much and how fast.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Packets a second of each sending port; `None` is as fast as the device takes them.
    pub rate_pps: Option<f64>,
    /// Packets of each sending port.
    pub packets: u64,
    /// How long to wait for what is still under way, in nanoseconds. RFC 2544, section 24, says
    /// two seconds.
    pub drain_ns: u64,
}

/// What became of a trial.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Asked for, of each port; none is as fast as possible.
    pub rate_pps: Option<f64>,
    /// Sent, of all ports.
    pub sent: u64,
    /// Sent in a second, of all ports together.
    pub sent_pps: f64,
    /// Of originals.
    pub originals: Arrivals,
    /// Sent and never seen again.
    pub lost: u64,
    /// Of copies, by the octets that name the replica's host.
    pub copies: BTreeMap<String, Arrivals>,
    /// Copies that should have come and did not, of all replicas.
    pub copies_lost: u64,
    /// Frames without a stamp, or with a damaged one.
    pub foreign: u64,
    /// Payloads that were compared whole.
    pub compared: u64,
    /// Of these, different.
    pub damaged: u64,
    /// From when a packet was due to when it was back, in nanoseconds.
    pub latency: Latency,
    /// Rounds of the generator that were more than 10 µs after the one before.
    pub gaps: u64,
    /// The longest of these, in nanoseconds.
    pub longest_gap_ns: u64,
}

/// Percentiles, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Latency {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p99_9: u64,
    pub max: u64,
}

impl Outcome {
    /// The share of originals that was lost.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.lost as f64 / self.sent.max(1) as f64
    }
}

/// Runs trials on the thread that it is moved to.
pub struct Bench {
    ends: Vec<End>,
    world: World,
    replicas: u16,
    clock: TscLine,
    /// By sending end, then by copy's host; originals first.
    ledgers: Vec<Ledgers>,
}

struct Ledgers {
    originals: Ledger,
    copies: BTreeMap<[u8; 12], Ledger>,
}

/// Where a sending end is.
#[derive(Clone, Copy, Default)]
struct Progress {
    sent: u64,
}

#[derive(Default)]
struct Seen {
    foreign: u64,
    compared: u64,
    damaged: u64,
}

impl Bench {
    /// Over these ends, where each packet is to come with so many copies; `clock` is read for
    /// every burst.
    #[must_use]
    pub fn new(ends: Vec<End>, world: World, replicas: u16, clock: TscLine) -> Self {
        Self {
            ends,
            world,
            replicas,
            clock,
            ledgers: Vec::new(),
        }
    }

    /// Runs one trial.
    pub fn run(&mut self, load: Load) -> Outcome {
        self.ledgers = self
            .ends
            .iter()
            .map(|_| Ledgers::new(load.packets))
            .collect();
        let mut latency = Histogram::<u64>::new_with_bounds(1, LATENCY_NS_MAX, 3)
            .expect("bounds and digits are in range");
        let (mut seen, mut gaps, mut longest_gap_ns) = (Seen::default(), 0, 0);
        let mut progress = vec![Progress::default(); self.ends.len()];
        let start = self.clock.now_ns();
        let (mut last, mut sent_at) = (start, start);
        loop {
            let now = self.clock.now_ns();
            let gap = now - last;
            if gap > GAP_NS {
                gaps += 1;
                longest_gap_ns = longest_gap_ns.max(gap);
            }
            last = now;
            let mut under_way = false;
            for (end, progress) in self.ends.iter_mut().zip(&mut progress) {
                if end.packets.is_some() && progress.sent < load.packets {
                    end.send_due(load, start, now, progress);
                    under_way = true;
                }
            }
            if under_way {
                sent_at = self.clock.now_ns();
            }
            let came = self.receive(&progress, &mut latency, &mut seen);
            let everything = progress.iter().map(|progress| progress.sent).sum::<u64>();
            let received: u64 = self
                .ledgers
                .iter()
                .map(|of| of.originals.counts().received)
                .sum();
            let waited = self.clock.now_ns() - sent_at;
            if !under_way
                && (waited > load.drain_ns
                    || (!came && received == everything && waited > load.drain_ns / 8))
            {
                break;
            }
        }
        let sent = progress.iter().map(|progress| progress.sent).sum();
        let seconds = (sent_at - start).max(1) as f64 / 1e9;
        self.outcome(load, sent, seconds, &latency, &seen, (gaps, longest_gap_ns))
    }

    fn receive(
        &mut self,
        progress: &[Progress],
        latency: &mut Histogram<u64>,
        seen: &mut Seen,
    ) -> bool {
        let mut came = false;
        for index in 0..self.ends.len() {
            let mut burst: ArrayVec<Mbuf, BURST_PACKETS_MAX> = ArrayVec::new();
            self.ends[index].rx.burst(&mut burst);
            came |= !burst.is_empty();
            let now = self.clock.now_ns();
            for mbuf in burst.drain(..) {
                let stamp_at = self.ends[index].stamp_at;
                self.account(mbuf.bytes(), stamp_at, progress, now, latency, seen);
            }
        }
        came
    }

    fn account(
        &mut self,
        frame: &[u8],
        stamp_at: usize,
        progress: &[Progress],
        now: u64,
        latency: &mut Histogram<u64>,
        seen: &mut Seen,
    ) {
        let Some((payload, stamp)) = frame
            .get(stamp_at..)
            .and_then(|payload| Some((payload, Stamp::read(payload)?)))
        else {
            seen.foreign += 1;
            return;
        };
        let sender = self.ends.iter().position(|end| {
            end.packets
                .as_ref()
                .is_some_and(|packets| packets.stream == stamp.stream)
        });
        let Some(sender) = sender else {
            seen.foreign += 1;
            return;
        };
        if stamp.sequence % SAMPLE == 0 {
            seen.compared += 1;
            seen.damaged += u64::from(!is_whole(self.world, frame, stamp_at, payload));
        }
        let ledgers = &mut self.ledgers[sender];
        let is_copy = stamp_at == STAMP_AT_UPLINK && frame[16] & COPY_BIT != 0;
        let ledger = match is_copy {
            false => &mut ledgers.originals,
            true => {
                let mut host = [0; 12];
                host.copy_from_slice(&frame[38..50]);
                let room = ledgers.originals.room();
                ledgers
                    .copies
                    .entry(host)
                    .or_insert_with(|| Ledger::new(room))
            }
        };
        if ledger.arrive(stamp.sequence, progress[sender].sent) && !is_copy {
            latency.saturating_record(now.saturating_sub(stamp.intended_ns).max(1));
        }
    }

    fn outcome(
        &self,
        load: Load,
        sent: u64,
        seconds: f64,
        latency: &Histogram<u64>,
        seen: &Seen,
        (gaps, longest_gap_ns): (u64, u64),
    ) -> Outcome {
        let mut originals = Arrivals::default();
        let mut copies = BTreeMap::new();
        for ledgers in &self.ledgers {
            originals.add(ledgers.originals.counts());
            for (host, ledger) in &ledgers.copies {
                let name: String = host.iter().map(|octet| format!("{octet:02x}")).collect();
                copies
                    .entry(name)
                    .or_insert_with(Arrivals::default)
                    .add(ledger.counts());
            }
        }
        // A capture's packets have no stamps: they are only counted.
        let sends_stamps = |end: &End| {
            let packets = end.packets.as_ref();
            packets.is_some_and(|packets| packets.stamp_at.is_some())
        };
        let arrived = match self.ends.iter().any(sends_stamps) {
            true => originals.received,
            false => seen.foreign.min(sent),
        };
        let due = sent * u64::from(self.replicas);
        let came: u64 = copies.values().map(|copies| copies.received).sum();
        let at = |quantile: f64| latency.value_at_quantile(quantile);
        Outcome {
            rate_pps: load.rate_pps,
            sent,
            sent_pps: sent as f64 / seconds,
            originals,
            lost: sent - arrived,
            copies,
            copies_lost: due.saturating_sub(came),
            foreign: seen.foreign,
            compared: seen.compared,
            damaged: seen.damaged,
            latency: Latency {
                p50: at(0.5),
                p90: at(0.9),
                p99: at(0.99),
                p99_9: at(0.999),
                max: latency.max(),
            },
            gaps,
            longest_gap_ns,
        }
    }
}

/// Whether a payload is what was sent with it, behind its stamp.
fn is_whole(world: World, frame: &[u8], stamp_at: usize, payload: &[u8]) -> bool {
    // The mapping is the other end of the guest: the IPv4 source, or the IPv6 destination.
    let key = match stamp_at {
        STAMP_AT_GUEST => frame[26..30]
            .first_chunk()
            .and_then(|octets| world.key((*octets).into())),
        _ => frame[38..54]
            .first_chunk()
            .and_then(|octets| world.key(address::virtual_of(octets))),
    };
    key.is_some_and(|key| stamp::is_filled(payload, key))
}

impl Ledgers {
    fn new(packets: u64) -> Self {
        Self {
            originals: Ledger::new(packets),
            copies: BTreeMap::new(),
        }
    }
}

impl End {
    /// Sends what is due, a burst at most.
    fn send_due(&mut self, load: Load, start: u64, now: u64, progress: &mut Progress) {
        let Some(packets) = &self.packets else {
            return;
        };
        let due = match load.rate_pps {
            None => load.packets,
            Some(rate) => (((now - start) as f64 * rate / 1e9) as u64 + 1).min(load.packets),
        };
        let count = due
            .saturating_sub(progress.sent)
            .min(BURST_PACKETS_MAX as u64);
        let mut burst: ArrayVec<Mbuf, BURST_PACKETS_MAX> = ArrayVec::new();
        for sequence in progress.sent..progress.sent + count {
            let frame = &packets.frames[(sequence % packets.frames.len() as u64) as usize];
            let Some(mut mbuf) = Mbuf::from_bytes(&self.pool, frame) else {
                break;
            };
            if let Some(at) = packets.stamp_at {
                let intended_ns = match load.rate_pps {
                    None => now,
                    Some(rate) => start + (sequence as f64 * 1e9 / rate) as u64,
                };
                let stamp = Stamp {
                    stream: packets.stream,
                    sequence,
                    intended_ns,
                };
                stamp.write(&mut mbuf.bytes_mut()[at..]);
            }
            burst.push(mbuf);
        }
        // What the device does not take is made again in the next round, with the same sequence.
        progress.sent += self.tx.burst(&mut burst) as u64;
    }
}
