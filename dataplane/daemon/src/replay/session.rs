//! One replay: inputs merged by time, through the worker, into files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::Config;
use tables::counters::WorkerCounters;
use tables::notice::notice_ring;
use tables::punt::{PuntReceiver, punt_ring};
use tables::{PortIndex, Publisher};
use wire::ethernet::MacAddress;
use wire::packet::{HeapPacket, Packet};
use worker::memory::MemoryIo;
use worker::{Assignment, Worker, WorkerIndex};

use super::capture::{Capture, Captured, Sink};
use super::verdict::{Line, Totals};
use super::{Input, ReplayError};
use crate::knowledge;

/// The uplink's own MAC where the configuration names none.
const UPLINK_MAC: MacAddress = MacAddress([0x02, 0, 0, 0, 0, 0]);

/// Room for the frame that is punted, which is then looked at by nobody.
const PUNT_RING_BYTES: usize = 1 << 18;

/// Runs `inputs` through a host with this configuration; writes `PORT.pcap` for
/// every port, and `verdicts.jsonl`, into `out`. Returns how many packets went
/// in.
pub(crate) fn replay(config: &Config, inputs: &[Input], out: &Path) -> Result<u64, ReplayError> {
    let mut host = Host::new(config);
    let mut merge = Merge::open(&host.port_names, config, inputs)?;
    let mut output = Output::create(out, &host.port_names, merge.nanoseconds)?;
    let mut indices = vec![0; host.port_names.len()];
    let mut count = 0;
    while let Some((port, packet)) = merge.next()? {
        let index = &mut indices[port.index()];
        host.handle(port, *index, &packet, &mut output)?;
        *index += 1;
        count += 1;
    }
    output.finish()?;
    Ok(count)
}

/// A host whose ports are in memory.
struct Host {
    port_names: Vec<String>,
    worker: Worker<MemoryIo>,
    counters: Arc<WorkerCounters>,
    controller: PuntReceiver,
    punted: Vec<u8>,
    totals: Totals,
}

impl Host {
    fn new(config: &Config) -> Self {
        let uplink_mac = config.uplink.mac.unwrap_or(UPLINK_MAC);
        let mut publisher = Publisher::new(knowledge::first_snapshot(config, uplink_mac));
        let guests = config.ports.iter().map(|port| port.name.clone());
        let port_names: Vec<String> = std::iter::once("uplink".to_owned()).chain(guests).collect();
        let groups = publisher.current().groups.len();
        let hosts = config.fabric.hosts.len();
        let counters = WorkerCounters::with_groups(port_names.len(), groups, hosts);
        let (to_controller, controller) = punt_ring(PUNT_RING_BYTES);
        let assignment = Assignment {
            index: WorkerIndex(0),
            workers: 1,
            port_owners: &vec![WorkerIndex(0); config.ports.len()],
            tables: publisher.reader(),
            counters: Arc::clone(&counters),
            to_controller,
            from_controller: None,
            // Nobody reads it.
            notices: notice_ring(1).0,
        };
        let worker = Worker::new(MemoryIo::new(port_names.len()), assignment);
        let totals = Totals::of(&counters);
        Self {
            port_names,
            worker,
            counters,
            controller,
            punted: Vec::new(),
            totals,
        }
    }

    /// Handles one packet and writes down what became of it.
    fn handle(
        &mut self,
        port: PortIndex,
        index: u64,
        packet: &Captured,
        output: &mut Output,
    ) -> Result<(), ReplayError> {
        self.worker
            .io()
            .port(port)
            .incoming
            .push_back(HeapPacket::new(&packet.frame));
        let now_ns = u64::try_from(packet.time.as_nanos()).unwrap_or(u64::MAX);
        self.worker.io().now_ns = now_ns;
        self.worker.run_once();
        self.controller.pop(&mut self.punted);

        let mut out = Vec::new();
        for (at, name) in self.port_names.iter().enumerate() {
            let sink = &mut output.ports[at];
            let sent = &mut self.worker.io().port(port_index(at)).sent;
            for frame in sent.drain(..) {
                out.push((name.as_str(), sink.packets));
                sink.write(packet.time, frame.bytes())?;
            }
        }
        let totals = Totals::of(&self.counters);
        let left = out.iter().map(|(name, _)| *name == self.port_names[0]);
        let (verdict, reason) = totals.verdict_since(&self.totals, left);
        self.totals = totals;
        let port = &self.port_names[port.index()];
        output.line(&Line {
            port,
            index,
            verdict,
            reason,
            out: &out,
        })
    }
}

fn port_index(at: usize) -> PortIndex {
    PortIndex(u16::try_from(at).expect("the configuration has at most 65,535 ports"))
}

/// The inputs as one, by time.
struct Merge {
    inputs: Vec<(PortIndex, Capture, Option<Captured>)>,
    /// Whether any input has stamps finer than microseconds.
    nanoseconds: bool,
}

impl Merge {
    fn open(port_names: &[String], config: &Config, inputs: &[Input]) -> Result<Self, ReplayError> {
        let open = |input: &Input| {
            let at = port_names.iter().position(|name| *name == input.port);
            let at = at.ok_or_else(|| ReplayError::NoSuchPort {
                port: input.port.clone(),
                host: config.host.name.clone(),
                known: port_names.join(", "),
            })?;
            let mut capture = Capture::open(&input.file)?;
            let first = capture.next()?;
            Ok((port_index(at), capture, first))
        };
        let inputs: Vec<_> = inputs
            .iter()
            .map(open)
            .collect::<Result<_, ReplayError>>()?;
        let nanoseconds = inputs
            .iter()
            .any(|(_, capture, _)| capture.is_nanoseconds());
        Ok(Self {
            inputs,
            nanoseconds,
        })
    }

    /// The oldest packet that waits; among equals, the one of the first input.
    fn next(&mut self) -> Result<Option<(PortIndex, Captured)>, ReplayError> {
        let waiting = self
            .inputs
            .iter_mut()
            .filter(|(_, _, packet)| packet.is_some());
        let oldest = waiting.min_by_key(|(_, _, packet)| packet.as_ref().map(|packet| packet.time));
        let Some((port, capture, packet)) = oldest else {
            return Ok(None);
        };
        let next = capture.next()?;
        Ok(std::mem::replace(packet, next).map(|packet| (*port, packet)))
    }
}

/// The files of a replay.
struct Output {
    ports: Vec<Sink>,
    verdicts: BufWriter<File>,
    verdicts_file: PathBuf,
}

impl Output {
    fn create(dir: &Path, port_names: &[String], nanoseconds: bool) -> Result<Self, ReplayError> {
        let sink = |name: &String| Sink::create(dir.join(format!("{name}.pcap")), nanoseconds);
        let ports = port_names.iter().map(sink).collect::<Result<_, _>>()?;
        let verdicts_file = dir.join("verdicts.jsonl");
        match File::create(&verdicts_file) {
            Ok(file) => Ok(Self {
                ports,
                verdicts: BufWriter::new(file),
                verdicts_file,
            }),
            Err(source) => Err(ReplayError::Write {
                file: verdicts_file,
                source,
            }),
        }
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), ReplayError> {
        let written = serde_json::to_writer(&mut self.verdicts, line).map_err(std::io::Error::from);
        let written = written.and_then(|()| self.verdicts.write_all(b"\n"));
        written.map_err(|source| ReplayError::Write {
            file: self.verdicts_file.clone(),
            source,
        })
    }

    fn finish(mut self) -> Result<(), ReplayError> {
        let flushed = self.verdicts.flush();
        flushed.map_err(|source| ReplayError::Write {
            file: self.verdicts_file,
            source,
        })?;
        self.ports.into_iter().try_for_each(Sink::finish)
    }
}
