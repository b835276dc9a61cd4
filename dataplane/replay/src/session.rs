//! One replay: inputs merged by time, through the worker, into files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use config::Config;
use tables::PortIndex;

use super::capture::{Capture, Captured, Sink};
use super::host::{Host, Outcome};
use super::verdict::Line;
use super::{Input, ReplayError};

/// Runs `inputs` through a host with this configuration; writes `PORT.pcap` for
/// every port, and `verdicts.jsonl`, into `out`. Returns how many packets went
/// in.
///
/// # Errors
/// A file that cannot be read or written, a capture that is none of Ethernet, a port that the host
/// does not have.
pub fn replay(config: &Config, inputs: &[Input], out: &Path) -> Result<u64, ReplayError> {
    let mut host = Host::new(config);
    let mut merge = Merge::open(&host, config, inputs)?;
    let mut output = Output::create(out, host.port_names(), merge.nanoseconds)?;
    let mut indices = vec![0; host.port_names().len()];
    let mut count = 0;
    while let Some((port, packet)) = merge.next()? {
        let index = &mut indices[port.index()];
        let outcome = host.handle(port, packet.time, &packet.frame);
        output.packet(&host, port, *index, &packet, &outcome)?;
        *index += 1;
        count += 1;
    }
    output.finish()?;
    Ok(count)
}

/// The inputs as one, by time.
struct Merge {
    inputs: Vec<(PortIndex, Capture, Option<Captured>)>,
    /// Whether any input has stamps finer than microseconds.
    nanoseconds: bool,
}

impl Merge {
    fn open(host: &Host, config: &Config, inputs: &[Input]) -> Result<Self, ReplayError> {
        let open = |input: &Input| {
            let port = host.port(&input.port);
            let port = port.ok_or_else(|| ReplayError::NoSuchPort {
                port: input.port.clone(),
                host: config.host.name.clone(),
                known: host.port_names().join(", "),
            })?;
            let mut capture = Capture::open(&input.file)?;
            let first = capture.next()?;
            Ok((port, capture, first))
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

    /// Writes down what became of one packet.
    fn packet(
        &mut self,
        host: &Host,
        port: PortIndex,
        index: u64,
        packet: &Captured,
        outcome: &Outcome,
    ) -> Result<(), ReplayError> {
        let name = |port: PortIndex| host.port_names()[port.index()].as_str();
        let mut out = Vec::new();
        for (port, frame) in &outcome.out {
            let sink = &mut self.ports[port.index()];
            out.push((name(*port), sink.packets));
            sink.write(packet.time, frame)?;
        }
        self.line(&Line {
            port: name(port),
            index,
            verdict: outcome.verdict,
            reason: outcome.reason.map(|reason| reason.name()),
            out: &out,
        })
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
