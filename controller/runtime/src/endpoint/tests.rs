use smoltcp::wire::Ipv6Repr;

use super::*;
use crate::fixture::{CONTROL, FAR, US, echo_request};

fn endpoint() -> Endpoint {
    Endpoint::new(EndpointConfig {
        control_address: CONTROL,
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
fn only_ping_and_control_get_past_the_filter() {
    const LOOPBACK: Ipv6Addr = Ipv6Addr::LOCALHOST;
    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    let (icmp, udp, tcp) = (IpProtocol::Icmpv6, IpProtocol::Udp, IpProtocol::Tcp);
    const ECHO: [u8; 8] = [128, 0, 0, 0, 0, 0, 0, 0];
    const UNREACHABLE: [u8; 8] = [1, 0, 0, 0, 0, 0, 0, 0];
    #[rustfmt::skip]
    let table: [(Ipv6Addr, Ipv6Addr, IpProtocol, &[u8], bool); 17] = [
        (FAR,      CONTROL, icmp,                   &ECHO,        true),
        (FAR,      US,      icmp,                   &ECHO,        true),
        (FAR,      CONTROL, udp,                    &ECHO,        true),
        (FAR,      CONTROL, tcp,                    &ECHO,        true),
        (FAR,      US,      udp,                    &ECHO,        false),
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
