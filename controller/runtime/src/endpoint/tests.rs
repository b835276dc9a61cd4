use smoltcp::wire::Ipv6Repr;

use super::*;
use crate::fixture::{CONTROL, CONTROL_PORT, FAR, PEER, US, echo_request};

fn endpoint() -> Endpoint {
    Endpoint::new(EndpointConfig {
        control_address: CONTROL,
        control_port: CONTROL_PORT,
        peers: [PEER].into(),
        uplink_address: US,
        mtu_bytes: 1600,
        seed: 1,
    })
}

fn answers(endpoint: &mut Endpoint, packet: &[u8]) -> usize {
    let mut packets = 0;
    endpoint.input(packet, 0, &mut |_| packets += 1);
    packets
}

#[test]
fn a_panic_in_the_stack_is_counted_and_the_next_ping_answered() {
    let mut endpoint = endpoint();
    let ping = &echo_request(FAR, CONTROL, b"still there?")[14..];
    endpoint.guarded(|stack| {
        stack.device.receive_next(ping);
        panic!("as smoltcp does now and then");
    });
    assert_eq!(endpoint.restarts(), 1);
    assert_eq!(answers(&mut endpoint, ping), 1);
}

#[test]
fn only_ping_and_the_peers_datagrams_get_past_the_filter() {
    const LOOPBACK: Ipv6Addr = Ipv6Addr::LOCALHOST;
    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let (icmp, udp, tcp) = (IpProtocol::Icmpv6, IpProtocol::Udp, IpProtocol::Tcp);
    const ECHO: [u8; 8] = [128, 0, 0, 0, 0, 0, 0, 0];
    const UNREACHABLE: [u8; 8] = [1, 0, 0, 0, 0, 0, 0, 0];
    let [high, low] = CONTROL_PORT.to_be_bytes();
    let datagram = [high, low, high, low, 0, 8, 0, 0];
    let mut segment = [0; 20];
    segment[2..4].copy_from_slice(&CONTROL_PORT.to_be_bytes());
    segment[12] = 5 << 4;
    let other_port = [high, low, 0, 53, 0, 8, 0, 0];
    #[rustfmt::skip]
    let table: [(Ipv6Addr, Ipv6Addr, IpProtocol, &[u8], bool); 24] = [
        (FAR,      CONTROL, icmp,                   &ECHO,        true),
        (FAR,      US,      icmp,                   &ECHO,        true),
        (PEER,     CONTROL, udp,                    &datagram,    true),
        (PEER,     CONTROL, udp,                    &other_port,  false),
        (PEER,     CONTROL, udp,                    &datagram[..7], false),
        (FAR,      CONTROL, udp,                    &datagram,    false),
        (PEER,     US,      udp,                    &datagram,    false),
        (PEER,     CONTROL, tcp,                    &segment,     true),
        (FAR,      CONTROL, tcp,                    &segment,     false),
        (PEER,     US,      tcp,                    &segment,     false),
        (PEER,     CONTROL, tcp,                    &segment[..19], false),
        (PEER,     CONTROL, tcp,                    &ECHO,        false),
        (FAR,      US,      tcp,                    &ECHO,        false),
        (FAR,      FAR,     icmp,                   &ECHO,        false),
        (FAR,      CONTROL, icmp,                   &UNREACHABLE, false),
        (FAR,      CONTROL, icmp,                   &ECHO[..7],   false),
        (FAR,      CONTROL, icmp,                   &[],          false),
        (FAR,      CONTROL, IpProtocol::HopByHop,   &ECHO,        false),
        (FAR,      CONTROL, IpProtocol::Ipv6Route,  &ECHO,        false),
        (FAR,      CONTROL, IpProtocol::Ipv6Frag,   &ECHO,        false),
        (CONTROL,  US,      icmp,                   &ECHO,        false),
        (LOOPBACK, CONTROL, icmp,                   &ECHO,        false),
        (GROUP,    CONTROL, icmp,                   &ECHO,        false),
        (Ipv6Addr::UNSPECIFIED, CONTROL, icmp,      &ECHO,        false),
    ];
    let endpoint = endpoint();
    for (src_addr, dst_addr, next_header, payload, accepted) in table {
        let mut bytes = vec![0; 40 + payload.len()];
        let header = Ipv6Repr {
            src_addr,
            dst_addr,
            next_header,
            payload_len: payload.len(),
            hop_limit: 64,
        };
        let mut packet = Ipv6Packet::new_unchecked(&mut bytes[..]);
        header.emit(&mut packet);
        packet.payload_mut().copy_from_slice(payload);
        let packet = Ipv6Packet::new_unchecked(&bytes[..]);
        assert_eq!(endpoint.accepts(&packet), accepted, "{header} {payload:?}");
    }
}

/// The one UDP packet among those that an endpoint sends.
fn sent_datagram(endpoint: &mut Endpoint) -> Vec<u8> {
    let mut packets = Vec::new();
    endpoint.poll(0, &mut |packet| packets.push(packet.to_vec()));
    assert_eq!(packets.len(), 1, "one packet is sent");
    packets.remove(0)
}

#[test]
fn a_datagram_reaches_the_other_endpoint_whole_and_names_its_sender() {
    let mut us = endpoint();
    let mut them = Endpoint::new(EndpointConfig {
        control_address: PEER,
        peers: [CONTROL].into(),
        ..us.config.clone()
    });
    for bytes in [0, 1, DATAGRAM_BYTES_MAX] {
        let datagram: Vec<u8> = (0..bytes).map(|i| i as u8).collect();
        us.send_datagram(PEER, &datagram);
        let packet = sent_datagram(&mut us);
        assert_eq!(Ipv6Packet::new_unchecked(&packet).traffic_class(), 48 << 2);
        assert!(them.accepts(&Ipv6Packet::new_unchecked(&packet)));
        them.input(&packet, 0, &mut |_| panic!("no answer is due"));
        let mut received = vec![7; 3];
        assert_eq!(them.receive_datagram(&mut received), Some(CONTROL));
        assert_eq!(received, datagram);
        assert_eq!(them.receive_datagram(&mut received), None);
    }
}

#[test]
fn all_datagrams_of_a_round_leave_in_one_poll() {
    let mut us = endpoint();
    for _ in 0..100 {
        us.send_datagram(PEER, b"heartbeat");
    }
    let mut packets = 0;
    us.poll(0, &mut |_| packets += 1);
    assert_eq!(packets, 100);
    for _ in 0..=DATAGRAMS_MAX {
        us.send_datagram(PEER, b"heartbeat");
    }
    assert_eq!(us.datagrams_full(), 1);
}

/// Carries what waits in two endpoints to the other, until nothing waits.
fn settle(a: &mut Endpoint, b: &mut Endpoint, now_ms: u64) {
    let (mut to_a, mut to_b) = (Vec::new(), Vec::new());
    loop {
        a.poll(now_ms, &mut |packet| to_b.push(packet.to_vec()));
        b.poll(now_ms, &mut |packet| to_a.push(packet.to_vec()));
        if to_a.is_empty() && to_b.is_empty() {
            return;
        }
        for packet in std::mem::take(&mut to_b) {
            b.input(&packet, now_ms, &mut |answer| to_a.push(answer.to_vec()));
        }
        for packet in std::mem::take(&mut to_a) {
            a.input(&packet, now_ms, &mut |answer| to_b.push(answer.to_vec()));
        }
    }
}

#[test]
fn a_connection_carries_octets_both_ways_and_ends() {
    let mut us = endpoint();
    let mut them = Endpoint::new(EndpointConfig {
        control_address: PEER,
        peers: [CONTROL].into(),
        ..us.config.clone()
    });
    let ours = us.connect(PEER).expect("the first connection");
    assert_eq!(us.write(ours, b"early"), Some(0));
    for now_ms in 0..20 {
        settle(&mut us, &mut them, now_ms);
    }
    let (theirs, from) = them.accept().expect("the connection came");
    assert_eq!(from, CONTROL);
    let sent: Vec<u8> = (0..100_000).map(|i| (i % 251) as u8).collect();
    let (mut given, mut received) = (0, Vec::new());
    let mut now_ms = 20;
    while received.len() < sent.len() {
        now_ms += 1;
        assert!(now_ms < 2_000, "only {} octets arrive", received.len());
        given += us.write(ours, &sent[given..]).expect("open");
        settle(&mut us, &mut them, now_ms);
        them.read(theirs, &mut received).expect("open");
    }
    assert_eq!(received, sent);
    us.close(ours);
    while them.read(theirs, &mut received).is_some() {
        now_ms += 1;
        assert!(now_ms < 5_000, "the end does not arrive");
        settle(&mut us, &mut them, now_ms);
    }
    assert_eq!(received.len(), sent.len());
    assert_eq!(us.read(ours, &mut received), None, "it was given back");
}

#[test]
fn the_number_of_connections_is_bounded() {
    let mut us = endpoint();
    for _ in 0..STREAMS_MAX {
        us.connect(PEER).expect("room");
    }
    assert_eq!(us.connect(PEER), None);
}
