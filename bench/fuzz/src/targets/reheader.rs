//! Re-heading there and back: what the guest sent, less what the norm says is lost.

use wire::address::Layout;
use wire::decode::{self, Ipv6Facts, Overlay};
use wire::encode::{self, DscpRule, Heading, HeadingRules, Ipv4Facts, KeepId};
use wire::packet::{HeapPacket, Packet};
use wire::{checksum, ethernet};

use crate::Target;
use crate::choices::Choices;
use crate::frames;

pub(crate) const TARGET: Target = Target {
    name: "reheader",
    claim: "a packet that is re-headed and restored is the packet that was sent, but for options, \
            an ID that does not travel, and TTL",
    run,
};

fn run(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let rules = HeadingRules {
        dscp: choices.pick(&[DscpRule::Copy, DscpRule::Fixed(10)]),
        keep_id: choices.pick(&[KeepId::Off, KeepId::Df0, KeepId::All]),
        experimental_allowed: choices.one_in(2),
    };
    let layout = choices.pick(&[Layout::Neutral56, Layout::Fixed72]);
    let mut sent = frames::ipv4(&mut choices, [10, 0, 0, 2].into());
    if choices.one_in(4) {
        choices.spoil(&mut sent);
    }
    let Ok(facts) = Ipv4Facts::parse(&sent) else {
        return;
    };
    let virtual_routers = u8::from(choices.one_in(2));
    if facts.ttl <= virtual_routers
        || encode::forbidden_protocol(facts.protocol, rules.experimental_allowed)
    {
        return;
    }
    let locator = |host: u16| {
        let address = std::net::Ipv6Addr::new(0xfd00, 0xaa, 0, host, 0, 0, 0, 0);
        wire::address::Locator::new(address, layout).expect("a locator")
    };
    let prefixes = [0x100, 0x200].map(|host| layout.prefix96(&locator(host), 0x12_3456));
    let heading = Heading {
        source: &prefixes[0],
        destination: &prefixes[1],
        virtual_routers,
        generation: choices.octet(),
        copy: choices.one_in(2),
    };
    let mut packet = HeapPacket::new(&[&[0; ethernet::HEADER_BYTES][..], &sent].concat());
    encode::reheader(&mut packet, &facts, &heading, &rules).expect("the headroom is enough");
    let across = &packet.bytes()[ethernet::HEADER_BYTES..];
    let read = Ipv6Facts::parse(across).expect("what is sent can be read");
    let overlay = Overlay::parse(&read, across, &rules).expect("what is sent is genuine");
    assert_eq!(overlay.label.copy, heading.copy);
    assert_eq!(overlay.label.generation, heading.generation & 3);
    let payload = &across[usize::from(overlay.head_bytes)..];
    let header_bytes = usize::from(facts.header_bytes);
    let total_bytes = usize::from(facts.total_bytes);
    assert_eq!(payload, &sent[header_bytes..total_bytes], "the payload");

    decode::restore(&mut packet, &read, &overlay, || 0xbeef, &rules);
    let back = &packet.bytes()[ethernet::HEADER_BYTES..];
    let expected = expected(&sent, header_bytes, total_bytes, virtual_routers, &rules);
    assert_eq!(back, expected, "what comes back");
}

/// Sections 2 and 3, over the octets themselves.
fn expected(
    sent: &[u8],
    header_bytes: usize,
    total_bytes: usize,
    virtual_routers: u8,
    rules: &HeadingRules,
) -> Vec<u8> {
    let mut header = sent[..20].to_vec();
    header[0] = 0x45;
    if matches!(rules.dscp, DscpRule::Fixed(_)) {
        header[1] &= 3;
    }
    let total = (20 + total_bytes - header_bytes) as u16;
    header[2..4].copy_from_slice(&total.to_be_bytes());
    let dont_fragment = header[6] & 0x40 != 0;
    let is_fragment = header[6] & 0x3f != 0 || header[7] != 0;
    let id_travels = is_fragment
        || header[9] == 51
        || rules.keep_id == KeepId::All
        || rules.keep_id == KeepId::Df0 && !dont_fragment;
    match (id_travels, dont_fragment) {
        (true, _) => {}
        (false, true) => header[4..6].fill(0),
        (false, false) => header[4..6].copy_from_slice(&[0xbe, 0xef]),
    }
    header[8] -= virtual_routers;
    header[10..12].fill(0);
    let sum = checksum::of(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header.extend(&sent[header_bytes..total_bytes]);
    header
}
