//! Ports over devices in memory and over capture files.

mod support;

use std::fs::File;
use std::slice::from_ref;
use std::time::Duration;

use dpdk::pool::DATA_ROOM_BYTES_DEFAULT;
use dpdk::port::data_room;
use dpdk::{Mbuf, Mempool, Port, PortOptions};
use pcap_file::pcap::{PcapPacket, PcapReader, PcapWriter};
use support::{Burst, EAL, frame, one_queue, pool};
use wire::packet::Packet;

#[test]
fn a_burst_comes_back_over_net_ring_as_it_went() {
    let pool = pool("loop", 255);
    let (port, mut rx, mut tx) =
        Port::start(&EAL, "net_ring1", &one_queue(), from_ref(&pool)).unwrap();
    let mut burst: Burst = (0..32)
        .map(|seed| Mbuf::from_bytes(&pool, &frame(seed, 60)).unwrap())
        .collect();
    assert_eq!((tx[0].burst(&mut burst), burst.len()), (32, 0));

    assert_eq!(rx[0].burst(&mut burst), 32);
    for (seed, mbuf) in burst.iter().enumerate() {
        assert_eq!(mbuf.bytes(), frame(seed as u8, 60));
    }
    assert_eq!(rx[0].burst(&mut burst), 0, "there is no room");
    let statistics = port.statistics().read();
    assert_eq!((statistics.ipackets, statistics.opackets), (32, 32));
    assert_eq!(statistics.losses, Default::default());
}

#[test]
fn what_a_full_device_does_not_take_stays_in_order() {
    let pool = pool("stuck", 2047);
    let (_port, mut rx, mut tx) =
        Port::start(&EAL, "net_ring2", &one_queue(), from_ref(&pool)).unwrap();
    let mut sent = 0;
    let mut burst = Burst::new();
    while burst.is_empty() {
        let next = u64::try_from(sent).unwrap();
        burst.extend((next..next + 32).map(|n| Mbuf::from_bytes(&pool, &n.to_be_bytes()).unwrap()));
        sent += tx[0].burst(&mut burst);
    }
    let first = u64::from_be_bytes(burst[0].bytes().try_into().unwrap());
    assert_eq!(first, u64::try_from(sent).unwrap());
    burst.clear();

    let mut received = 0;
    while rx[0].burst(&mut burst) > 0 {
        received += burst.drain(..).count();
    }
    assert_eq!(received, sent);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_port_ends_with_its_last_queue_and_can_be_started_again() {
    let pool = pool("again", 63);
    for _ in 0..3 {
        let (port, rx, mut tx) =
            Port::start(&EAL, "net_null1", &one_queue(), from_ref(&pool)).unwrap();
        let error = Port::start(&EAL, "net_null1", &one_queue(), from_ref(&pool)).unwrap_err();
        assert_eq!(error.to_string(), "device 'net_null1' is open already");
        drop((port, rx));
        let mut burst = Burst::from_iter([Mbuf::from_bytes(&pool, &frame(0, 60)).unwrap()]);
        assert_eq!(tx[0].burst(&mut burst), 1);
    }
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn frames_come_from_one_capture_file_and_go_to_another() {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (
        directory.path().join("in.pcap"),
        directory.path().join("out.pcap"),
    );
    let frames: Vec<Vec<u8>> = (0..50)
        .map(|seed| frame(seed, 60 + usize::from(seed) * 29))
        .collect();
    let mut writer = PcapWriter::new(File::create(&from).unwrap()).unwrap();
    for data in &frames {
        writer
            .write_packet(&PcapPacket::new(Duration::ZERO, data.len() as u32, data))
            .unwrap();
    }
    drop(writer);

    let pool = pool("pcap", 255);
    let device = format!(
        "net_pcap1,rx_pcap={},tx_pcap={}",
        from.display(),
        to.display()
    );
    let (port, mut rx, mut tx) = Port::start(&EAL, &device, &one_queue(), from_ref(&pool)).unwrap();
    assert!(port.capabilities().chained_tx);
    let mut burst = Burst::new();
    while rx[0].burst(&mut burst) > 0 {
        tx[0].burst(&mut burst);
        assert!(burst.is_empty());
    }
    assert_eq!(port.statistics().read().ipackets, 50);
    drop((port, rx, tx));
    assert_eq!(pool.in_use(), 0);

    let mut reader = PcapReader::new(File::open(&to).unwrap()).unwrap();
    let mut written = Vec::new();
    while let Some(packet) = reader.next_packet() {
        written.push(packet.unwrap().data.into_owned());
    }
    assert_eq!(written, frames);
}

#[test]
fn a_frame_in_several_buffers_arrives_flat_or_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let from = directory.path().join("long.pcap");
    let mut writer = PcapWriter::new(File::create(&from).unwrap()).unwrap();
    for len in [100, 3000, 200] {
        writer
            .write_packet(&PcapPacket::new(
                Duration::ZERO,
                len,
                &frame(1, len as usize),
            ))
            .unwrap();
    }
    drop(writer);

    let pool = pool("long", 63);
    let device = format!("net_pcap2,rx_pcap={}", from.display());
    let (port, mut rx, _tx) = Port::start(&EAL, &device, &one_queue(), from_ref(&pool)).unwrap();
    let mut burst = Burst::new();
    rx[0].burst(&mut burst);
    let lengths: Vec<usize> = burst.iter().map(Mbuf::packet_len).collect();
    assert_eq!(
        (lengths, port.statistics().read().losses.rx_chained),
        (vec![100, 200], 1)
    );
    drop(burst);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_device_that_cannot_be_had_gives_a_sentence() {
    let pool = pool("wrong", 63);
    let start = |device: &str, options: &PortOptions| {
        Port::start(&EAL, device, options, from_ref(&pool))
            .unwrap_err()
            .to_string()
    };
    for (device, sentence) in [
        ("eth0", "'eth0' names no device: write a PCI address"),
        (
            "net_af_packet9",
            "does not say which network interface to use: add ,iface=NAME",
        ),
        ("net_af_packet9,iface=nowhere9", "interface 'nowhere9'"),
        ("net_afxdp9", "DPDK cannot attach device 'net_afxdp9'"),
        (
            "net_null9,speed=fast",
            "DPDK cannot attach device 'net_null9,speed=fast'",
        ),
        (
            "ffff:1f:1f.7",
            "no DPDK driver runs PCI device ffff:1f:1f.7: bind it with",
        ),
    ] {
        let message = start(device, &one_queue());
        assert!(message.contains(sentence), "{device}: {message}");
    }

    let two_queues = PortOptions {
        rx_queues: 1,
        tx_queues: 20_000,
        ..one_queue()
    };
    let message = start("net_null8", &two_queues);
    assert!(message.contains("1 and 20000 are wanted"), "{message}");
    let error = Port::start(&EAL, "net_null8", &one_queue(), &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "device 'net_null8': 0 pools were given for 1 receive queues"
    );
}

#[test]
fn an_mtu_that_buffers_or_rings_cannot_hold_is_refused_with_what_would() {
    let pool = pool("mtu", 63);
    for (device, mtu, mtu_max, remedy) in [
        ("net_null7", 2035, 2034, "a data room of 2177"),
        (
            "net_af_packet7,iface=lo",
            1969,
            1968,
            "add ,framesz=4096,blocksz=4096",
        ),
        (
            "net_af_packet7,iface=lo,framesz=1024",
            1500,
            944,
            "add ,framesz=2048,blocksz=4096",
        ),
    ] {
        let options = PortOptions { mtu, ..one_queue() };
        let message = Port::start(&EAL, device, &options, from_ref(&pool))
            .unwrap_err()
            .to_string();
        let wanted = format!("device '{device}' carries an MTU of at most {mtu_max}, not {mtu}: ");
        assert!(
            message.starts_with(&wanted) && message.contains(remedy),
            "{message}"
        );
    }
    let large = Mempool::create(&EAL, "mtu-xdp", 4096, 0, DATA_ROOM_BYTES_DEFAULT, None).unwrap();
    let options = PortOptions {
        mtu: 1779,
        ..one_queue()
    };
    let error = Port::start(&EAL, "net_af_xdp7,iface=lo", &options, from_ref(&large)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("at most 1778, not 1779: it needs buffers with a data room of 2177"),
        "{error}"
    );
}

#[test]
fn af_xdp_is_not_given_a_pool_that_is_too_small() {
    let pool = pool("small", 63);
    let error =
        Port::start(&EAL, "net_af_xdp8,iface=lo", &one_queue(), from_ref(&pool)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("needs a pool of at least 4096 buffers"),
        "{error}"
    );
}

#[test]
fn the_data_room_asked_for_holds_the_frames_and_what_the_driver_insists_on() {
    for (device, mtu, bytes) in [
        ("net_null9", 1500, DATA_ROOM_BYTES_DEFAULT),
        ("net_null9", 9000, 9000 + 14 + 128),
        ("net_af_xdp9,iface=lo", 1600, DATA_ROOM_BYTES_DEFAULT),
        ("net_af_xdp9,iface=lo", 1779, 1779 + 14 + 256 + 128),
        ("net_af_packet9,iface=lo", 1500, DATA_ROOM_BYTES_DEFAULT),
        (
            "net_af_packet9,iface=lo,framesz=16384",
            9000,
            16384 - 32 + 128,
        ),
    ] {
        assert_eq!(data_room(device, mtu).unwrap(), bytes, "{device}");
    }
    assert!(data_room("eth0", 1500).is_err());
}
