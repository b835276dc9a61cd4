//! Packets in a file that DPDK's `net_pcap` reads.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pcap_file::PcapError;
use pcap_file::pcap::{PcapPacket, PcapReader, PcapWriter};
use thiserror::Error;

/// Why a capture was not written or read.
#[derive(Debug, Error)]
#[error("{}: {source}", path.display())]
pub struct CaptureError {
    path: PathBuf,
    source: PcapError,
}

/// Writes frames, each at time 0.
///
/// # Errors
/// The file cannot be written.
pub fn write<Frame: AsRef<[u8]>>(
    path: &Path,
    frames: impl IntoIterator<Item = Frame>,
) -> Result<(), CaptureError> {
    let failed = |source| CaptureError {
        path: path.to_owned(),
        source,
    };
    let file = File::create(path).map_err(|error| failed(PcapError::IoError(error)))?;
    let mut writer = PcapWriter::new(BufWriter::new(file)).map_err(failed)?;
    for frame in frames {
        let frame = frame.as_ref();
        let packet = PcapPacket::new(Duration::ZERO, frame.len() as u32, frame);
        writer.write_packet(&packet).map_err(failed)?;
    }
    Ok(())
}

/// The frames of a capture, in order.
///
/// # Errors
/// The file cannot be read, or is no capture.
pub fn read(path: &Path) -> Result<Vec<Vec<u8>>, CaptureError> {
    let failed = |source| CaptureError {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(|error| failed(PcapError::IoError(error)))?;
    let mut reader = PcapReader::new(file).map_err(failed)?;
    let mut frames = Vec::new();
    while let Some(packet) = reader.next_packet() {
        frames.push(packet.map_err(failed)?.data.into_owned());
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.pcap");
        let frames = vec![vec![1; 60], vec![2; 1514]];
        write(&path, &frames).unwrap();
        assert_eq!(read(&path).unwrap(), frames);
    }
}
