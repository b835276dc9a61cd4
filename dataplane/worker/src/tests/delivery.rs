//! Packets that arrive.

use tables::PortIndex;
use wire::ethernet::MacAddress;

use super::host::*;

/// Ethernet destination and source of a frame.
fn macs(frame: &[u8]) -> (MacAddress, MacAddress) {
    let mac = |at: usize| MacAddress(std::array::from_fn(|i| frame[at + i]));
    (mac(0), mac(6))
}

#[test]
fn a_packet_to_another_host_crosses_the_substrate_and_arrives_as_it_was_sent() {
    let (mut r, mut s) = (Host::new(snapshot(0)), Host::new(snapshot(1)));
    for payload_bytes in [0, 1, 100, 1472] {
        let sent = a_to_g(payload_bytes).build();
        let across = r.forwards(A, &sent, UPLINK);
        assert_eq!(macs(&across), (NEXT_HOP_MAC, UPLINK_MAC));
        assert_eq!(&across[12..14], [0x86, 0xdd]);
        assert_eq!(across[20], 17, "next header is the inner protocol");
        assert_eq!(across[22..38], overlay_address(0, Z, [10, 0, 0, 2]));
        assert_eq!(across[38..54], overlay_address(1, Z, [10, 0, 0, 3]));
        assert_eq!(across[54..], sent[34..], "the payload is not touched");
        assert_eq!(across.len(), sent.len() + 20);

        let arrived = s.forwards(UPLINK, &across, G);
        assert_eq!(arrived[14..], sent[14..], "TTL and all");
        let virtual_mac = |last| MacAddress([2, 0x55, 10, 0, 0, last]);
        assert_eq!(macs(&arrived), (virtual_mac(3), virtual_mac(2)));
    }
}

#[test]
fn a_packet_on_the_same_host_is_delivered_without_reheading() {
    let mut r = Host::new(snapshot(0));
    let mut packet = Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 0, 4], 64);
    packet.ttl = 1;
    packet.options = vec![7, 7, 4, 0, 0, 0, 0, 0]; // record route, not filled in
    let sent = packet.build();
    let arrived = r.forwards(A, &sent, C);
    assert_eq!(arrived[14..], sent[14..]);
    assert!(r.sent(UPLINK).is_empty());
}

#[test]
fn ethernet_padding_does_not_travel() {
    let (mut r, mut s) = (Host::new(snapshot(0)), Host::new(snapshot(1)));
    let sent = a_to_g(0).build();
    let padded = [&sent[..], &[0; 18]].concat();
    let mut across = r.forwards(A, &padded, UPLINK);
    assert_eq!(across.len(), 14 + 40 + 8);
    across.extend([0xee; 6]);
    assert_eq!(s.forwards(UPLINK, &across, G)[14..], sent[14..]);
    let local = Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 0, 4], 0).build();
    assert_eq!(
        r.forwards(A, &[&local[..], &[0; 18]].concat(), C).len(),
        local.len()
    );
}

#[test]
fn tenants_with_the_same_addresses_never_see_each_other() {
    let (mut r, mut s) = (Host::new(snapshot(0)), Host::new(snapshot(1)));
    let frame = a_to_g(8).build();
    for (port, net, guest) in [(A, Z, PortIndex(1)), (YA, Y, PortIndex(2))] {
        let across = r.forwards(port, &frame, UPLINK);
        assert_eq!(across[38..54], overlay_address(1, net, [10, 0, 0, 3]));
        assert_eq!(s.forwards(UPLINK, &across, guest)[14..], frame[14..]);
        for other in (1..=3).map(PortIndex).filter(|other| *other != guest) {
            assert!(s.sent(other).is_empty());
        }
    }
}

#[test]
fn one_virtual_router_between_subnets_takes_one_from_the_ttl() {
    let (mut r, mut s) = (Host::new(snapshot(0)), Host::new(snapshot(1)));
    let gateway = MacAddress([2, 0x55, 10, 0, 1, 1]);

    let local = Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 1, 6], 9);
    let arrived = r.forwards(A, &local.build(), OTHER_SUBNET);
    let expected = Ipv4Frame { ttl: 63, ..local }.build();
    assert_eq!(arrived[14..], expected[14..]);
    assert_eq!(macs(&arrived).1, gateway);

    let remote = Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 1, 7], 9);
    let across = r.forwards(A, &remote.build(), UPLINK);
    let arrived = s.forwards(UPLINK, &across, PortIndex(3));
    assert_eq!(arrived[14..], Ipv4Frame { ttl: 63, ..remote }.build()[14..]);
    assert_eq!(macs(&arrived).1, gateway);
}

#[test]
fn a_packet_without_an_identification_of_its_own_gets_the_next_of_its_port() {
    let (mut r, mut s) = (Host::new(snapshot(0)), Host::new(snapshot(1)));
    let packet = Ipv4Frame {
        flags_and_offset: 0,
        id: 0x7777,
        ..a_to_g(8)
    };
    for id in 1..=3 {
        let across = r.forwards(A, &packet.build(), UPLINK);
        let arrived = s.forwards(UPLINK, &across, G);
        assert_eq!(
            arrived[14..],
            Ipv4Frame {
                id,
                ..packet.clone()
            }
            .build()[14..]
        );
    }
}

#[test]
fn a_fragment_keeps_its_identification_and_place() {
    let (mut r, mut s) = (Host::new(snapshot(0)), Host::new(snapshot(1)));
    let fragment = Ipv4Frame {
        flags_and_offset: 0x2000 | 185,
        id: 0xbeef,
        tos: 2,
        ..a_to_g(8)
    };
    let across = r.forwards(A, &fragment.build(), UPLINK);
    assert_eq!(across.len(), fragment.build().len() + 28);
    assert_eq!(s.forwards(UPLINK, &across, G)[14..], fragment.build()[14..]);
}

#[test]
fn options_do_not_cross_but_are_counted() {
    let (mut r, mut s) = (Host::new(snapshot(0)), Host::new(snapshot(1)));
    let packet = Ipv4Frame {
        options: vec![1, 1, 1, 0],
        ..a_to_g(8)
    };
    let across = r.forwards(A, &packet.build(), UPLINK);
    assert_eq!(r.counters.worker.options_stripped.get(), 1);
    let without = Ipv4Frame {
        options: vec![],
        ..packet
    };
    assert_eq!(s.forwards(UPLINK, &across, G)[14..], without.build()[14..]);

    let too_big = Ipv4Frame {
        options: vec![1, 1, 1, 0],
        payload: vec![0; usize::from(MTU)],
        ..a_to_g(8)
    };
    let reason = wire::drop_reason::DropReason::EncodeTooBig;
    r.refuses_and_tells(A, &too_big.build(), reason);
    let stripped = r.counters.worker.options_stripped.get();
    assert_eq!(stripped, 1, "what was dropped was not stripped");
}

#[test]
fn a_published_change_takes_effect_at_the_next_burst() {
    let mut r = Host::new(snapshot(0));
    let frame = a_to_g(8).build();
    r.forwards(A, &frame, UPLINK);
    let key = tables::Key::new(network(Z), [10, 0, 0, 3].into());
    let current = (*r.publisher.current()).clone();
    let mappings = current
        .mappings
        .with(&[tables::mappings::Change::Remove(key)]);
    r.publisher.publish(tables::Snapshot {
        mappings,
        ..current
    });
    r.refuses(A, &frame, wire::drop_reason::DropReason::EncodeNoMapping);
    assert_eq!(r.publisher.observer().versions().collect::<Vec<_>>(), [2]);
}
