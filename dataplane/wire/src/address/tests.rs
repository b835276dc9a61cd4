//! Section 1 as claims.

use super::*;
use crate::samples::{NET, any_layout, locators, prefixes};
use proptest::prelude::*;

const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 3);

fn address(text: &str) -> [u8; 16] {
    text.parse::<Ipv6Addr>().unwrap().octets()
}

#[test]
fn the_vectors_of_section_1_come_out() {
    let [r, s] = prefixes(Layout::Neutral56);
    assert_eq!(r.with(A), address("fd00:aa:bb:cc31:112:3456:a00:2"));
    assert_eq!(s.with(B), address("fd00:aa:bb:dd30:f012:3456:a00:3"));
}

#[test]
fn the_control_address_is_that_of_section_1() {
    let [r, _] = locators(Layout::Neutral56);
    let control = Layout::Neutral56.control_address(&r);
    assert_eq!(control.to_string(), "fd00:aa:bb:cc99:3500::1");
    assert_eq!(
        Layout::Neutral56.network_of(&control.octets()),
        NetworkId::HOST.get()
    );
}

#[test]
fn a_network_id_is_neither_the_hosts_nor_the_reserved_one() {
    assert_eq!(NetworkId::new(0), None);
    assert_eq!(NetworkId::new(0xff_ffff), None);
    assert_eq!(NetworkId::new(0x100_0001), None);
    assert_eq!(NetworkId::new(1).map(NetworkId::get), Some(1));
    assert_eq!(NetworkId::new(0xff_fffe), Some(NetworkId::MAX));
}

#[test]
fn a_residue_of_ffff_is_refused_although_its_sum_is_right() {
    // H and NET that already sum to 0xffff: the residue is 0
    let zero = address("fd00:02ff:0:0:0:0:a00:2");
    assert!(Layout::Neutral56.is_canonical(&zero));
    let mut ffff = zero;
    ffff[7..9].fill(0xff);
    assert_eq!(checksum::sum(&ffff[..12]), 0xffff);
    assert!(!Layout::Neutral56.is_canonical(&ffff));
    assert!(!Layout::Neutral56.is_canonical(&[0; 16]));
}

#[test]
fn a_locator_reads_as_a_route() {
    let network = "fd00:aa:0:100::".parse().unwrap();
    let locator = Locator::new(network, Layout::Neutral56).unwrap();
    assert_eq!(locator.to_string(), "fd00:aa:0:100::/56");
    assert_eq!(locator.network(), network);
    let locator = Locator::new(network, Layout::Fixed72).unwrap();
    assert_eq!(locator.to_string(), "fd00:aa:0:100::/72");
}

#[test]
fn a_wrong_locator_is_refused_with_a_remedy() {
    let message = |text: &str| {
        Locator::new(text.parse().unwrap(), Layout::Neutral56)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message("fd00:aa::1"),
        "locator fd00:aa::1 has bits set behind its first 56; clear them, or change the layout"
    );
    for outside in ["::", "fe80::", "ff02::", "4000::", "1fff::", "fb00::"] {
        assert_eq!(
            message(outside),
            format!(
                "locator {outside} lies neither in 2000::/3 nor in fc00::/7; take one from a prefix that is yours"
            )
        );
    }
    for inside in ["2000::", "3fff::", "fc00::", "fdff::"] {
        assert!(Locator::new(inside.parse().unwrap(), Layout::Neutral56).is_ok());
    }
}

#[test]
fn a_fabric_prefix_contains_what_it_covers() {
    let fabric: FabricPrefix = "fd00:aa::/31".parse().unwrap();
    assert_eq!(fabric.to_string(), "fd00:aa::/31");
    assert!(fabric.contains(&address("fd00:ab:ffff::1")));
    assert!(!fabric.contains(&address("fd00:ac::")));
    let all: FabricPrefix = "::/0".parse().unwrap();
    assert!(all.contains(&address("ff02::1")));
    let one: FabricPrefix = "fd00::1/128".parse().unwrap();
    assert!(one.contains(&address("fd00::1")) && !one.contains(&address("fd00::")));
    for wrong in [
        "fd00:aa::",
        "fd00:aa::/129",
        "fd00:aa::1/64",
        "10.0.0.0/8",
        "/",
        "",
    ] {
        let error = wrong.parse::<FabricPrefix>().unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("\"{wrong}\" is not an IPv6 prefix")),
            "{error}"
        );
    }
}

#[test]
fn a_layout_reads_as_it_is_shown() {
    for layout in [Layout::Neutral56, Layout::Fixed72] {
        assert_eq!(layout.to_string().parse(), Ok(layout));
    }
    let error = "neutral64".parse::<Layout>().unwrap_err().to_string();
    assert_eq!(
        error,
        "\"neutral64\" is not an address layout; use neutral56 or fixed72"
    );
}

/// Any locator in fc00::/7.
fn locator(layout: Layout) -> impl Strategy<Value = Locator> {
    any::<u128>().prop_map(move |bits| {
        let bits = bits >> 7 | 0b111_1110 << 121;
        let mask = u128::MAX << (128 - layout.locator_bits());
        Locator::new(Ipv6Addr::from_bits(bits & mask), layout).unwrap()
    })
}

proptest! {
    #[test]
    fn the_first_96_bits_of_a_neutral_address_sum_to_ffff(
        locator in locator(Layout::Neutral56), net in 0u32..1 << 24, host: u32,
    ) {
        let address = Layout::Neutral56.prefix96(&locator, net).with(host.into());
        prop_assert_eq!(checksum::sum(&address[..12]), 0xffff);
        prop_assert!(Layout::Neutral56.is_canonical(&address));
    }

    #[test]
    fn parse_back(
        (layout, locator) in any_layout().prop_flat_map(|layout| (Just(layout), locator(layout))),
        net in 0u32..1 << 24, host: u32,
    ) {
        let address = layout.prefix96(&locator, net).with(host.into());
        prop_assert!(locator.contains(&address));
        prop_assert_eq!(layout.locator_of(&address), locator);
        prop_assert_eq!(layout.network_of(&address), net);
        prop_assert_eq!(virtual_of(&address), Ipv4Addr::from(host));
    }

    #[test]
    fn only_the_one_residue_is_canonical(locator in locator(Layout::Neutral56), net in 0u32..1 << 24, n: u16) {
        let mut address = Layout::Neutral56.prefix96(&locator, net).with(A);
        let own = address;
        address[7..9].copy_from_slice(&n.to_be_bytes());
        prop_assert_eq!(Layout::Neutral56.is_canonical(&address), address == own);
        prop_assert!(Layout::Fixed72.is_canonical(&address));
    }

    #[test]
    fn a_locator_contains_what_shares_its_bits_and_nothing_else(
        (layout, locator) in any_layout().prop_flat_map(|layout| (Just(layout), locator(layout))),
        host: u128, bit in 0u32..128,
    ) {
        let mask = u128::MAX << (128 - layout.locator_bits());
        let address = locator.network().to_bits() | host & !mask;
        prop_assert!(locator.contains(&address.to_be_bytes()));
        let flipped = address ^ 1 << bit;
        prop_assert_eq!(locator.contains(&flipped.to_be_bytes()), mask >> bit & 1 == 0);
    }
}

#[test]
fn the_network_lies_in_octets_9_to_11_of_both_layouts() {
    for layout in [Layout::Neutral56, Layout::Fixed72] {
        let [r, _] = prefixes(layout);
        assert_eq!(r.0[9..], [0x12, 0x34, 0x56]);
        assert_eq!(layout.network_of(&r.with(A)), NET);
    }
}
