use std::path::PathBuf;
use std::time::Duration;

use pcap_file::pcap::{PcapPacket, PcapWriter};
use tempfile::TempDir;

use super::*;

const Z: u32 = 0x12_3456;
const DIRECTION: Direction = Direction {
    network: Z,
    from: Ipv4Addr::new(10, 0, 0, 2),
    to: Ipv4Addr::new(10, 0, 0, 3),
};

fn ipv4(payload: &[u8]) -> Vec<u8> {
    let total = (20 + payload.len()) as u16;
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    frame.extend([0x45, 0]);
    frame.extend(total.to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 3]);
    frame.extend(payload);
    frame
}

fn ipv6(next_header: u8, ttl: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd];
    frame.extend((6 << 28 | u32::from(ttl) << 12).to_be_bytes());
    frame.extend((payload.len() as u16).to_be_bytes());
    frame.extend([next_header, 255]);
    for node in [2, 3] {
        frame.extend([
            0xfd, 0, 0, 0xaa, 0, 0, 1, 0, 0, 0x12, 0x34, 0x56, 10, 0, 0, node,
        ]);
    }
    frame.extend(payload);
    frame
}

fn pcap(directory: &TempDir, name: &str, frames: &[Vec<u8>]) -> PathBuf {
    let path = directory.path().join(name);
    let mut writer = PcapWriter::new(std::fs::File::create(&path).unwrap()).unwrap();
    for frame in frames {
        writer
            .write_packet(&PcapPacket::new(Duration::ZERO, frame.len() as u32, frame))
            .unwrap();
    }
    path
}

fn comparison(substrate: &[Vec<u8>], guest: &[Vec<u8>]) -> Comparison {
    let directory = tempfile::tempdir().unwrap();
    let substrate = pcap(&directory, "substrate", substrate);
    compare(&substrate, &pcap(&directory, "guest", guest), DIRECTION).unwrap()
}

#[test]
fn equal_payloads_pair_up_and_cost_twenty_bytes() {
    let report = comparison(
        &[
            ipv6(17, 64, b"same payload one"),
            ipv6(17, 64, b"same payload one"),
        ],
        &[ipv4(b"same payload one"), ipv4(b"same payload one")],
    );
    let expected = Comparison {
        ipv6_packets: 2,
        compared: 2,
        overhead_bytes_min: Some(20),
        overhead_bytes_max: Some(20),
        ..Comparison::default()
    };
    assert_eq!(report, expected);
}

#[test]
fn one_changed_octet_is_a_different_payload_and_a_missing_one() {
    let report = comparison(&[ipv6(17, 64, b"paylOad")], &[ipv4(b"payload")]);
    assert_eq!(
        (report.compared, report.different, report.missing),
        (1, 1, 1)
    );
}

#[test]
fn another_next_header_and_another_time_to_live_are_seen() {
    let report = comparison(&[ipv6(6, 63, b"payload")], &[ipv4(b"payload")]);
    assert_eq!((report.next_header_different, report.ttl_different), (1, 1));
}

#[test]
fn ipv4_on_the_substrate_is_seen() {
    assert_eq!(comparison(&[ipv4(b"stray")], &[]).ipv4_packets, 1);
}

#[test]
fn another_tenants_datagram_at_a_guest_is_foreign() {
    let directory = tempfile::tempdir().unwrap();
    let datagram = |tenant| {
        let mut udp = vec![0; 8 + 64];
        Stamp {
            tenant,
            flow: 0,
            sequence: 5,
        }
        .write(&mut udp[8..]);
        ipv4(&udp)
    };
    let file = pcap(
        &directory,
        "guest",
        &[datagram(Z), datagram(0x65_4321), ipv4(b"else")],
    );
    assert_eq!(
        tenants(&file, Z).unwrap(),
        Tenants {
            packets: 3,
            stamped: 2,
            foreign: 1
        }
    );
}

#[test]
fn a_capture_that_was_cut_short_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cut");
    let mut writer = PcapWriter::new(std::fs::File::create(&path).unwrap()).unwrap();
    writer
        .write_packet(&PcapPacket::new(Duration::ZERO, 1500, &[0; 64]))
        .unwrap();
    drop(writer);
    let error = tenants(&path, Z).unwrap_err().to_string();
    assert!(error.contains("frame 0 holds 64 of 1500 bytes"), "{error}");
}
