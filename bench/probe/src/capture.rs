//! What crossed a wire: packets of a capture file, read with nothing of the code under test.
//!
//! The offsets below are spelled out on purpose. If this read packets with the codec that wrote
//! them, an error in the codec would cancel itself out.

use std::fs::File;
use std::io::BufReader;
use std::net::Ipv4Addr;
use std::path::Path;

use pcap_file::DataLink;
use pcap_file::pcap::PcapReader;

const ETHERNET_BYTES: usize = 14;

/// Why a capture cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened.
    #[error("{file}: {source}")]
    Open {
        /// The capture.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no classic pcap file.
    #[error("{file}: not a pcap file, or cut off in the middle: {source}")]
    Format {
        /// The capture.
        file: String,
        /// What the reader says.
        source: pcap_file::PcapError,
    },
    /// Taken on something other than one Ethernet interface.
    #[error(
        "{file}: captured on {found:?}, expected Ethernet: capture on one interface, not on `any`"
    )]
    NotEthernet {
        /// The capture.
        file: String,
        /// The link type in its header.
        found: DataLink,
    },
    /// A frame is not there as a whole.
    #[error("{file}: frame {index} holds {held} of {bytes} bytes: capture without a snap length")]
    Truncated {
        /// The capture.
        file: String,
        /// The frame's position, from 0.
        index: usize,
        /// Bytes in the file.
        held: usize,
        /// Bytes on the wire.
        bytes: u32,
    },
}

/// A captured packet, as far as the checks need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// IPv4, with a sound header.
    Ipv4(Ipv4<'a>),
    /// IPv6, with a sound header.
    Ipv6(Ipv6<'a>),
    /// Anything else, ARP for one.
    Other,
}

/// An IPv4 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4<'a> {
    /// From header to end, without Ethernet padding.
    pub total_bytes: usize,
    /// Part of a fragmented packet.
    pub is_fragment: bool,
    /// Time to live.
    pub ttl: u8,
    /// The inner protocol.
    pub protocol: u8,
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Everything behind the header.
    pub payload: &'a [u8],
}

/// An IPv6 packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6<'a> {
    /// From header to end, without Ethernet padding.
    pub total_bytes: usize,
    /// The 20 bits of the flow label.
    pub flow_label: u32,
    /// The first next header.
    pub next_header: u8,
    /// Source address.
    pub source: [u8; 16],
    /// Destination address.
    pub destination: [u8; 16],
    /// Everything behind the header.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads an Ethernet frame.
    pub fn read(frame: &'a [u8]) -> Self {
        let Some((ethernet, packet)) = frame.split_first_chunk::<ETHERNET_BYTES>() else {
            return Self::Other;
        };
        match [ethernet[12], ethernet[13]] {
            [0x08, 0x00] => Ipv4::read(packet).map_or(Self::Other, Self::Ipv4),
            [0x86, 0xdd] => Ipv6::read(packet).map_or(Self::Other, Self::Ipv6),
            _ => Self::Other,
        }
    }
}

impl<'a> Ipv4<'a> {
    fn read(packet: &'a [u8]) -> Option<Self> {
        let head = packet.first_chunk::<20>()?;
        let header_bytes = usize::from(head[0] & 0x0f) * 4;
        let total_bytes = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if head[0] >> 4 != 4 || header_bytes < head.len() {
            return None;
        }
        Some(Self {
            total_bytes,
            is_fragment: u16::from_be_bytes([head[6], head[7]]) & 0x3fff != 0,
            ttl: head[8],
            protocol: head[9],
            source: octets_at(head, 12).into(),
            destination: octets_at(head, 16).into(),
            payload: packet.get(header_bytes..total_bytes)?,
        })
    }

    /// The payload of a UDP datagram that is no fragment.
    pub fn udp_payload(&self) -> Option<&'a [u8]> {
        (self.protocol == 17 && !self.is_fragment)
            .then(|| self.payload.get(8..))
            .flatten()
    }
}

impl<'a> Ipv6<'a> {
    fn read(packet: &'a [u8]) -> Option<Self> {
        let head = packet.first_chunk::<40>()?;
        if head[0] >> 4 != 6 {
            return None;
        }
        let payload_bytes = usize::from(u16::from_be_bytes([head[4], head[5]]));
        Some(Self {
            total_bytes: head.len() + payload_bytes,
            flow_label: u32::from_be_bytes(octets_at(head, 0)) & 0xf_ffff,
            next_header: head[6],
            source: octets_at(head, 8),
            destination: octets_at(head, 24),
            payload: packet.get(head.len()..head.len() + payload_bytes)?,
        })
    }

    /// The time to live that the flow label carries.
    pub fn label_ttl(&self) -> u8 {
        (self.flow_label >> 12) as u8
    }
}

/// The `N` octets at `at` of a header that is known to hold them.
fn octets_at<const N: usize>(head: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|index| head[at + index])
}

/// Calls `visit` with every packet of a capture.
pub fn for_each_packet(path: &Path, mut visit: impl FnMut(Packet<'_>)) -> Result<(), Error> {
    for_each_frame(path, |frame| visit(Packet::read(frame)))
}

/// Calls `visit` with every frame of a capture.
pub fn for_each_frame(path: &Path, mut visit: impl FnMut(&[u8])) -> Result<(), Error> {
    let file = path.display().to_string();
    let open = File::open(path).map_err(|source| Error::Open {
        file: file.clone(),
        source,
    })?;
    let mut reader = PcapReader::new(BufReader::new(open)).map_err(|source| Error::Format {
        file: file.clone(),
        source,
    })?;
    let found = reader.header().datalink;
    if found != DataLink::ETHERNET {
        return Err(Error::NotEthernet { file, found });
    }
    let mut index = 0;
    while let Some(packet) = reader.next_packet() {
        let packet = packet.map_err(|source| Error::Format {
            file: file.clone(),
            source,
        })?;
        let (held, bytes) = (packet.data.len(), packet.orig_len);
        if held != bytes as usize {
            return Err(Error::Truncated {
                file,
                index,
                held,
                bytes,
            });
        }
        visit(&packet.data);
        index += 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn arbitrary_frames_never_panic(frame: Vec<u8>) {
            let _ = Packet::read(&frame);
        }

        #[test]
        fn arbitrary_ip_headers_never_panic(mut frame in prop::collection::vec(any::<u8>(), 14..120), v6: bool) {
            frame[12..14].copy_from_slice(if v6 { &[0x86, 0xdd] } else { &[0x08, 0x00] });
            let _ = Packet::read(&frame);
        }
    }
}
