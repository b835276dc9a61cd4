//! Captures in and out: pcap and pcapng are read, pcap is written.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, BufWriter, Chain, Cursor, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapReader, PcapWriter, RawPcapPacket};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::{Block, PcapNgReader};
use pcap_file::{DataLink, TsResolution};

use super::ReplayError;

/// A captured frame. A capture that was cut at its snap length gives the frame
/// as far as it goes.
pub(super) struct Captured {
    /// Since the epoch.
    pub(super) time: Duration,
    pub(super) frame: Vec<u8>,
}

/// A capture, read frame by frame.
pub(super) struct Capture {
    file: PathBuf,
    reader: Reader,
    /// Frames read so far.
    frames: u64,
    /// The time of the last one: some blocks of pcapng have none.
    time: Duration,
}

/// The file, its first octets read ahead, so that a pipe will do as well.
type Input = BufReader<Chain<Cursor<[u8; 4]>, File>>;

enum Reader {
    Pcap(PcapReader<Input>),
    PcapNg(PcapNgReader<Input>),
}

/// The first octets of a pcapng file.
const PCAPNG_MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

impl Capture {
    pub(super) fn open(file: &Path) -> Result<Self, ReplayError> {
        let read = |source| ReplayError::Read {
            file: file.to_owned(),
            source,
        };
        let bad = |what: String| ReplayError::Capture {
            file: file.to_owned(),
            what,
        };
        let mut input = File::open(file).map_err(read)?;
        let mut magic = [0; 4];
        input
            .read_exact(&mut magic)
            .map_err(|error| match error.kind() {
                ErrorKind::UnexpectedEof => bad("it is shorter than a header".to_owned()),
                _ => read(error),
            })?;
        let input = BufReader::new(Cursor::new(magic).chain(input));
        let reader = if magic == PCAPNG_MAGIC {
            Reader::PcapNg(PcapNgReader::new(input).map_err(|e| bad(e.to_string()))?)
        } else {
            let reader = PcapReader::new(input).map_err(|e| bad(e.to_string()))?;
            check_link(reader.header().datalink).map_err(bad)?;
            Reader::Pcap(reader)
        };
        Ok(Self {
            file: file.to_owned(),
            reader,
            frames: 0,
            time: Duration::ZERO,
        })
    }

    /// Whether the time stamps are in nanoseconds.
    pub(super) fn is_nanoseconds(&self) -> bool {
        match &self.reader {
            Reader::Pcap(reader) => reader.header().ts_resolution == TsResolution::NanoSecond,
            Reader::PcapNg(_) => true,
        }
    }

    /// The next frame; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Captured>, ReplayError> {
        let next = match &mut self.reader {
            Reader::Pcap(reader) => next_pcap(reader),
            Reader::PcapNg(reader) => next_pcapng(reader, self.time),
        };
        match next {
            Ok(captured) => {
                self.frames += u64::from(captured.is_some());
                self.time = captured
                    .as_ref()
                    .map_or(self.time, |captured| captured.time);
                Ok(captured)
            }
            Err(what) => Err(ReplayError::Capture {
                file: self.file.clone(),
                what: format!(
                    "it ends after {} frames in something else: {what}",
                    self.frames
                ),
            }),
        }
    }
}

fn check_link(link: DataLink) -> Result<(), String> {
    match link {
        DataLink::ETHERNET => Ok(()),
        other => Err(format!(
            "its link type is {other:?}; only Ethernet (1) can be replayed"
        )),
    }
}

fn next_pcap(reader: &mut PcapReader<Input>) -> Result<Option<Captured>, String> {
    let unit_ns = match reader.header().ts_resolution {
        TsResolution::MicroSecond => 1_000,
        TsResolution::NanoSecond => 1,
    };
    // Raw: the checked form refuses frames that were cut at the snap length.
    let Some(packet) = reader.next_raw_packet() else {
        return Ok(None);
    };
    let packet = packet.map_err(|error| error.to_string())?;
    let time = Duration::from_secs(packet.ts_sec.into())
        + Duration::from_nanos(u64::from(packet.ts_frac) * unit_ns);
    Ok(Some(Captured {
        time,
        frame: packet.data.into_owned(),
    }))
}

/// All three kinds of packet blocks. `last` is the time of the frame before, for
/// the kind that has none.
fn next_pcapng(
    reader: &mut PcapNgReader<Input>,
    last: Duration,
) -> Result<Option<Captured>, String> {
    loop {
        let Some(block) = reader.next_block() else {
            return Ok(None);
        };
        let (interface, ticks, frame) = match block.map_err(|error| error.to_string())? {
            Block::EnhancedPacket(packet) => (
                packet.interface_id,
                Some(packet.timestamp.as_nanos()),
                packet.data.into_owned(),
            ),
            Block::Packet(packet) => (
                packet.interface_id.into(),
                Some(packet.timestamp.into()),
                packet.data.into_owned(),
            ),
            Block::SimplePacket(packet) => (0, None, packet.data.into_owned()),
            _ => continue,
        };
        let described = reader.interfaces().get(interface as usize);
        let described = described.ok_or_else(|| {
            format!("a packet names interface {interface}, which is not described")
        })?;
        check_link(described.linktype)?;
        let time = ticks.map(|ticks| Duration::from_nanos(nanoseconds(ticks, described)));
        return Ok(Some(Captured {
            time: time.unwrap_or(last),
            frame,
        }));
    }
}

/// The reader takes ticks for nanoseconds; an interface says what they are
/// (pcapng, option `if_tsresol`; microseconds without it).
fn nanoseconds(ticks: u128, interface: &InterfaceDescriptionBlock<'_>) -> u64 {
    let resolution = interface.options.iter().find_map(|option| match option {
        InterfaceDescriptionOption::IfTsResol(resolution) => Some(*resolution),
        _ => None,
    });
    let resolution = resolution.unwrap_or(6);
    let exponent = u32::from(resolution & 0x7f);
    let ticks_per_second = if resolution & 0x80 == 0 {
        10_u128.checked_pow(exponent)
    } else {
        2_u128.checked_pow(exponent)
    };
    let ticks_per_second = ticks_per_second.unwrap_or(u128::MAX);
    let ns = ticks.saturating_mul(1_000_000_000) / ticks_per_second;
    u64::try_from(ns).unwrap_or(u64::MAX)
}

/// The longest frame that a capture may hold: what tcpdump writes, and more than
/// an IP packet can be.
const SNAP_BYTES: u32 = 262_144;

/// What a port would transmit.
pub(super) struct Sink {
    file: PathBuf,
    writer: PcapWriter<BufWriter<File>>,
    resolution: TsResolution,
    pub(super) packets: u64,
}

impl Sink {
    pub(super) fn create(file: PathBuf, nanoseconds: bool) -> Result<Self, ReplayError> {
        let resolution = if nanoseconds {
            TsResolution::NanoSecond
        } else {
            TsResolution::MicroSecond
        };
        let header = PcapHeader {
            snaplen: SNAP_BYTES,
            ts_resolution: resolution,
            ..PcapHeader::default()
        };
        let create = || {
            if let Some(dir) = file.parent() {
                std::fs::create_dir_all(dir)?;
            }
            let output = BufWriter::new(File::create(&file)?);
            PcapWriter::with_header(output, header).map_err(std::io::Error::other)
        };
        match create() {
            Ok(writer) => Ok(Self {
                file,
                writer,
                resolution,
                packets: 0,
            }),
            Err(source) => Err(ReplayError::Write { file, source }),
        }
    }

    /// Appends a frame.
    pub(super) fn write(&mut self, time: Duration, frame: &[u8]) -> Result<(), ReplayError> {
        let ts_frac = match self.resolution {
            TsResolution::MicroSecond => time.subsec_micros(),
            TsResolution::NanoSecond => time.subsec_nanos(),
        };
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let packet = RawPcapPacket {
            ts_sec: time.as_secs() as u32,
            ts_frac,
            incl_len: length,
            orig_len: length,
            data: Cow::Borrowed(frame),
        };
        self.packets += 1;
        let written = self.writer.write_raw_packet(&packet).map(|_| ());
        written.map_err(|error| self.failed(std::io::Error::other(error)))
    }

    /// Brings everything to the file.
    pub(super) fn finish(self) -> Result<(), ReplayError> {
        let Self { file, writer, .. } = self;
        let flushed = writer.into_writer().flush();
        flushed.map_err(|source| ReplayError::Write { file, source })
    }

    fn failed(&self, source: std::io::Error) -> ReplayError {
        ReplayError::Write {
            file: self.file.clone(),
            source,
        }
    }
}
