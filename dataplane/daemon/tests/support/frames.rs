//! Frames and captures.
#![allow(dead_code, reason = "each test binary uses its part of this")]

use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

use pcap_file::pcap::{PcapHeader, PcapReader, PcapWriter, RawPcapPacket};
use wire::ethernet::MacAddress;
use wire::ipv4::{Fields, Header};
use zerocopy::IntoBytes;

/// UDP from one virtual address to another, in its frame: TTL 64, DF.
pub fn udp(source: [u8; 4], destination: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len() as u16;
    let header = Header::new(&Fields {
        tos: 0,
        total_bytes: 20 + length,
        id: 0,
        dont_fragment: true,
        more_fragments: false,
        offset_units: 0,
        ttl: 64,
        protocol: 17,
        source: source.into(),
        destination: destination.into(),
    });
    let mac = |address: [u8; 4]| MacAddress::virtual_of(address.into()).0;
    let mut frame = [mac(destination), mac(source)].concat();
    frame.extend([8, 0]);
    frame.extend(header.as_bytes());
    frame.extend([0x9c, 0x40, 0, 53]);
    frame.extend(length.to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// Writes a capture: (microseconds, frame).
pub fn write(file: &Path, packets: &[(u64, Vec<u8>)]) {
    write_with(file, PcapHeader::default(), packets);
}

pub fn write_with(file: &Path, header: PcapHeader, packets: &[(u64, Vec<u8>)]) {
    let mut writer =
        PcapWriter::with_header(File::create(file).expect("a file"), header).expect("written");
    for (us, frame) in packets {
        let length = frame.len() as u32;
        let packet = RawPcapPacket {
            ts_sec: (us / 1_000_000) as u32,
            ts_frac: (us % 1_000_000) as u32,
            incl_len: length,
            orig_len: length,
            data: Cow::Borrowed(frame),
        };
        writer.write_raw_packet(&packet).expect("written");
    }
}

/// Reads a capture: (microseconds, frame).
pub fn read(file: &Path) -> Vec<(u64, Vec<u8>)> {
    let mut reader =
        PcapReader::new(File::open(file).expect("the capture is there")).expect("pcap");
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_raw_packet() {
        let packet = packet.expect("whole");
        let us = u64::from(packet.ts_sec) * 1_000_000 + u64::from(packet.ts_frac);
        packets.push((us, packet.data.into_owned()));
    }
    packets
}
