use proptest::prelude::*;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv6Packet, Icmpv6Repr, IpAddress, TcpControl, TcpPacket, TcpRepr, TcpSeqNumber, UdpPacket,
    UdpRepr,
};

use super::*;
use crate::fixture::{
    CONTROL, CONTROL_PORT, FAR, PEER, ROUTER_MAC, SILENCE, US, US_MAC, echo_request, exchange,
    host, ipv6, raw_icmp,
};

/// The one frame of `sent` as an IPv6 packet, after a look at its Ethernet header.
fn to_the_next_hop(sent: &[Vec<u8>]) -> Ipv6Packet<&[u8]> {
    let [frame] = sent else {
        panic!("{} frames instead of one", sent.len())
    };
    let ethernet = EthernetFrame::new_checked(&frame[..]).expect("a whole header");
    assert_eq!(ethernet.dst_addr().0, ROUTER_MAC.0);
    assert_eq!(ethernet.src_addr().0, US_MAC.0);
    assert_eq!(ethernet.ethertype(), EthernetProtocol::Ipv6);
    let packet = Ipv6Packet::new_checked(ethernet.payload()).expect("a whole packet");
    assert_eq!(packet.total_len(), frame.len() - 14);
    packet
}

fn assert_answers(destination: Ipv6Addr, data: &[u8]) {
    let sent = exchange(
        &mut host(Some(ROUTER_MAC)),
        &echo_request(FAR, destination, data),
        0,
    );
    let packet = to_the_next_hop(&sent);
    assert_eq!((packet.src_addr(), packet.dst_addr()), (destination, FAR));
    assert_eq!(packet.traffic_class(), 0);
    let icmp = Icmpv6Packet::new_checked(packet.payload()).expect("a whole message");
    let checksums = ChecksumCapabilities::default();
    assert_eq!(
        Icmpv6Repr::parse(&destination, &FAR, &icmp, &checksums),
        Ok(Icmpv6Repr::EchoReply {
            ident: 7,
            seq_no: 9,
            data
        })
    );
}

#[test]
fn ping_is_answered_at_both_addresses_up_to_the_mtu() {
    let data: Vec<u8> = (0..1552).map(|i| (i % 251) as u8).collect();
    for destination in [CONTROL, US] {
        for bytes in [0, 1, 56, 1400, 1552] {
            assert_answers(destination, &data[..bytes]);
        }
    }
}

#[test]
fn a_ping_in_a_padded_frame_is_answered_without_the_padding() {
    let mut frame = echo_request(FAR, CONTROL, b"");
    frame.resize(100, 0xa5);
    let sent = exchange(&mut host(Some(ROUTER_MAC)), &frame, 0);
    assert_eq!(to_the_next_hop(&sent).payload().len(), 8);
}

#[test]
fn without_a_next_hop_an_answer_is_counted_and_not_sent() {
    let mut host = host(None);
    assert_eq!(
        exchange(&mut host, &echo_request(FAR, CONTROL, b"?"), 0),
        SILENCE
    );
    assert_eq!(host.counters().no_next_hop, 1);
}

#[test]
fn a_refused_connection_is_answered_as_control_traffic() {
    let syn = TcpRepr {
        src_port: CONTROL_PORT,
        dst_port: 179,
        control: TcpControl::Syn,
        seq_number: TcpSeqNumber(5),
        ack_number: None,
        window_len: 1000,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    };
    let mut segment = vec![0; syn.buffer_len()];
    let (source, destination) = (IpAddress::Ipv6(PEER), IpAddress::Ipv6(CONTROL));
    let checksums = ChecksumCapabilities::default();
    let mut tcp = TcpPacket::new_unchecked(&mut segment[..]);
    syn.emit(&mut tcp, &source, &destination, &checksums);
    let frame = ipv6(PEER, CONTROL, 64, IpProtocol::Tcp, &segment);

    let sent = exchange(&mut host(Some(ROUTER_MAC)), &frame, 0);
    let packet = to_the_next_hop(&sent);
    assert_eq!(packet.traffic_class() >> 2, 48, "DSCP CS6");
    assert!(
        TcpPacket::new_checked(packet.payload())
            .expect("a whole segment")
            .rst()
    );
}

#[test]
fn a_datagram_to_another_port_is_not_for_us_and_makes_no_error() {
    let datagram = UdpRepr {
        src_port: 1,
        dst_port: 2,
    };
    let mut bytes = vec![0; datagram.header_len() + 4];
    let (source, destination) = (IpAddress::Ipv6(PEER), IpAddress::Ipv6(CONTROL));
    let mut udp = UdpPacket::new_unchecked(&mut bytes[..]);
    let checksums = ChecksumCapabilities::default();
    datagram.emit(
        &mut udp,
        &source,
        &destination,
        4,
        |data| data.fill(1),
        &checksums,
    );
    let mut host = host(Some(ROUTER_MAC));
    let sent = exchange(
        &mut host,
        &ipv6(PEER, CONTROL, 64, IpProtocol::Udp, &bytes),
        0,
    );
    assert_eq!(sent, SILENCE);
    assert_eq!(host.counters().not_for_us, 1);
    assert_eq!(host.counters().unsent_errors, 0);
}

#[test]
fn frames_between_others_are_not_for_us() {
    let ping = echo_request(FAR, CONTROL, b"?");
    let with = |at: usize, octets: &[u8]| {
        let mut frame = ping.clone();
        frame[at..at + octets.len()].copy_from_slice(octets);
        frame
    };
    let frames = [
        ("to another station", with(0, &ROUTER_MAC.0)),
        ("broadcast", with(0, &[0xff; 6])),
        ("from a group", with(6, &[0x33, 0x33, 0, 0, 0, 1])),
        ("from ourselves", with(6, &US_MAC.0)),
        ("IPv4", with(12, &[0x08, 0x00])),
        ("with a VLAN tag", with(12, &[0x81, 0x00])),
        ("shorter than a header", ping[..13].to_vec()),
        ("empty", Vec::new()),
    ];
    for (why, frame) in frames {
        let mut host = host(Some(ROUTER_MAC));
        assert_eq!(exchange(&mut host, &frame, 0), SILENCE, "{why}");
        assert_eq!(host.counters().not_for_us, 1, "{why}");
    }
}

#[test]
fn headers_that_contradict_the_frame_are_malformed() {
    let ping = echo_request(FAR, CONTROL, b"?");
    let mut version_4 = ping.clone();
    version_4[14] = 0x40;
    let mut too_long = ping.clone();
    too_long[19] += 1;
    for frame in [
        version_4,
        too_long,
        ping[..53].to_vec(),
        ping[..14].to_vec(),
    ] {
        let mut host = host(Some(ROUTER_MAC));
        assert_eq!(exchange(&mut host, &frame, 0), SILENCE);
        assert_eq!(host.counters().malformed, 1);
    }
}

/// Every kind of frame that some code of ours reads past the Ethernet header.
fn believable_frames() -> impl Strategy<Value = Vec<u8>> {
    let next_headers = prop_oneof![Just(58), Just(6), Just(17), Just(0), Just(43), Just(44)];
    let destinations = prop_oneof![Just(CONTROL), Just(US)];
    let types = prop_oneof![Just(128_u8), 133..=137_u8, any::<u8>()];
    let payloads = prop::collection::vec(any::<u8>(), 0..200);
    let valid = any::<bool>();
    (destinations, next_headers, types, payloads, valid).prop_map(
        |(destination, next_header, icmp_type, mut payload, valid)| {
            if let (58, Some(first)) = (next_header, payload.first_mut()) {
                *first = icmp_type;
                if valid && payload.len() >= 4 {
                    payload[1] = 0;
                    return raw_icmp(FAR, destination, &payload);
                }
            }
            ipv6(
                FAR,
                destination,
                255,
                IpProtocol::from(next_header),
                &payload,
            )
        },
    )
}

fn arbitrary_frames() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        believable_frames()
    ]
}

proptest! {
    #[test]
    fn no_frames_make_the_host_panic_lose_count_or_leave_its_pinned_next_hop(
        frames in prop::collection::vec((arbitrary_frames(), 0..100_000_u64), 0..20)
    ) {
        let mut host = host(Some(ROUTER_MAC));
        let mut sent = 0;
        for (frame, now_ms) in &frames {
            host.input(frame, *now_ms, &mut |_| sent += 1);
            host.poll(*now_ms, &mut |_| sent += 1);
        }
        let counters = host.counters();
        prop_assert_eq!(counters.received, frames.len() as u64);
        prop_assert_eq!(
            counters.received,
            counters.not_for_us + counters.malformed + counters.discovery
                + counters.discovery_refused + counters.endpoint
        );
        prop_assert_eq!(counters.sent, sent);
        prop_assert_eq!(counters.stack_restarts, 0);
        prop_assert_eq!(host.next_hop_mac(), Some(ROUTER_MAC));
    }

    #[test]
    fn a_host_that_must_ask_survives_any_frames(
        frames in prop::collection::vec((arbitrary_frames(), 0..100_000_u64), 0..20)
    ) {
        let mut host = host(None);
        for (frame, now_ms) in &frames {
            host.input(frame, *now_ms, &mut |_| {});
            host.poll(*now_ms, &mut |_| {});
            prop_assert!(host.deadline_ms(*now_ms).is_some());
        }
    }
}
