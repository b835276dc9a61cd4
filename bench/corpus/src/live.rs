//! The corpus as captures for live ports, and what the counters must then show.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pcap_file::pcap::{PcapHeader, PcapWriter, RawPcapPacket};
use serde::Serialize;

use crate::case::{File, Verdict};
use crate::outcome::Ids;

/// What the counters of a host must rise by.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// Frames that are sent to it.
    pub sent: u64,
    /// By port, frames that are sent to it there.
    pub received: BTreeMap<String, u64>,
    /// By port and reason, packets.
    pub drops: BTreeMap<String, BTreeMap<String, u64>>,
    /// By port, frames that leave, without those that the controller sends.
    pub transmitted: BTreeMap<String, u64>,
    /// Frames for the controller.
    pub punted: u64,
    /// Why cases are left out, and how many.
    pub left_out: BTreeMap<String, u64>,
}

/// Writes `NETWORK-NODE.pcap` and `uplink.pcap` with every case of these files that an interface
/// carries, in order, and `expected.json`.
///
/// # Errors
/// A sentence, if a file cannot be written.
pub fn write(files: &[File], directory: &Path) -> Result<Expected, String> {
    let mut expected = Expected::default();
    let mut frames: BTreeMap<String, Vec<&[u8]>> = BTreeMap::new();
    for file in files {
        for port in file.world.ports() {
            frames.entry(port.to_owned()).or_default();
        }
        for case in &file.cases {
            if let Some(why) = &case.not_live {
                *expected.left_out.entry(why.clone()).or_default() += 1;
                continue;
            }
            let port = &case.rx.port;
            expected.sent += 1;
            *expected.received.entry(port.clone()).or_default() += 1;
            frames
                .entry(port.clone())
                .or_default()
                .push(&case.rx.frame.octets);
            match &case.verdict {
                Verdict::Drop(reason) => {
                    let drops = expected.drops.entry(port.clone()).or_default();
                    *drops.entry(reason.clone()).or_default() += 1;
                }
                Verdict::Punt => expected.punted += 1,
                Verdict::Transmit | Verdict::Deliver | Verdict::Buffer => {}
            }
            for (port, _) in case.out(&file.world, &mut Ids::default())? {
                *expected.transmitted.entry(port).or_default() += 1;
            }
        }
    }
    fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    for (port, frames) in &frames {
        let path = directory.join(format!("{}.pcap", port.replace('/', "-")));
        write_capture(&path, frames).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let path = directory.join("expected.json");
    let text = serde_json::to_string_pretty(&expected).map_err(|error| error.to_string())?;
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(expected)
}

/// Writes a capture, the frames a second apart, so that no rate limit comes between them.
///
/// # Errors
/// What the system says.
pub fn write_capture(path: &Path, frames: &[&[u8]]) -> Result<(), String> {
    let file = fs::File::create(path).map_err(|error| error.to_string())?;
    let header = PcapHeader {
        snaplen: 1 << 18,
        ..PcapHeader::default()
    };
    let mut writer = PcapWriter::with_header(file, header).map_err(|error| error.to_string())?;
    for (ts_sec, frame) in (1..).zip(frames) {
        let length = frame.len() as u32;
        let packet = RawPcapPacket {
            ts_sec,
            ts_frac: 0,
            incl_len: length,
            orig_len: length,
            data: Cow::Borrowed(*frame),
        };
        writer
            .write_raw_packet(&packet)
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}
