//! Ethernet II.

use std::{fmt, net::Ipv4Addr, str::FromStr};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned, network_endian::U16};

/// The length of the header; there is never a VLAN tag behind it here.
pub const HEADER_BYTES: usize = 14;

/// What the payload of a frame is.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned,
)]
#[repr(transparent)]
pub struct EtherType(U16);

impl EtherType {
    /// IPv4.
    pub const IPV4: Self = Self(U16::new(0x0800));
    /// ARP.
    pub const ARP: Self = Self(U16::new(0x0806));
    /// IPv6.
    pub const IPV6: Self = Self(U16::new(0x86dd));

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

impl From<u16> for EtherType {
    fn from(number: u16) -> Self {
        Self(U16::new(number))
    }
}

impl fmt::Debug for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#06x}", self.get())
    }
}

/// A 48-bit Ethernet address.
#[derive(
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    FromBytes,
    IntoBytes,
    KnownLayout,
    Immutable,
    Unaligned,
)]
#[repr(transparent)]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// All stations.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// The MAC of a virtual address: locally administered 02:55, then its four
    /// octets. Equal on every host, so that a move changes no ARP entry.
    #[must_use]
    #[inline]
    pub const fn virtual_of(address: Ipv4Addr) -> Self {
        let [a, b, c, d] = address.octets();
        Self([0x02, 0x55, a, b, c, d])
    }

    /// The stations that an IPv4 group's packets are for (RFC 1112 section 6.4), or all of them.
    #[must_use]
    pub const fn of_group(address: Ipv4Addr) -> Self {
        match address.octets() {
            [224..240, b, c, d] => Self([0x01, 0x00, 0x5e, b & 0x7f, c, d]),
            _ => Self::BROADCAST,
        }
    }

    /// Whether this names a group of stations; broadcast is one.
    #[must_use]
    #[inline]
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 != 0
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a MAC address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadMacAddress(String);

impl fmt::Display for BadMacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is not a MAC address; write six two-digit hexadecimal octets, as in 02:55:0a:00:00:02",
            self.0
        )
    }
}

impl std::error::Error for BadMacAddress {}

impl FromStr for MacAddress {
    type Err = BadMacAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let octet = |part: &str| match part.as_bytes() {
            [high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                u8::from_str_radix(part, 16).ok()
            }
            _ => None,
        };
        let octets: Option<Vec<u8>> = text.split(':').map(octet).collect();
        octets
            .and_then(|octets| octets.try_into().ok())
            .map(Self)
            .ok_or_else(|| BadMacAddress(text.to_owned()))
    }
}

/// The header as it lies in memory.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// The station or group that the frame is for.
    pub destination: MacAddress,
    /// The station that sent it.
    pub source: MacAddress,
    /// What follows.
    pub ether_type: EtherType,
}

/// The header of a frame, and what follows. `None` if the frame is too short.
#[must_use]
#[inline]
pub fn parse(frame: &[u8]) -> Option<(&Header, &[u8])> {
    Header::ref_from_prefix(frame).ok()
}

/// Writes a header to the front of `frame`.
///
/// # Panics
/// If `frame` is shorter than [`HEADER_BYTES`].
#[inline]
pub fn write(frame: &mut [u8], destination: MacAddress, source: MacAddress, ether_type: EtherType) {
    let frame: &mut [u8; HEADER_BYTES] = frame
        .first_chunk_mut()
        .expect("the frame has room for a header");
    // Each piece straight to where it belongs, never by way of a header on the stack.
    frame[..6].copy_from_slice(&destination.0);
    frame[6..12].copy_from_slice(&source.0);
    frame[12..].copy_from_slice(ether_type.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::wire::{EthernetAddress, EthernetFrame, EthernetProtocol};

    proptest! {
        #[test]
        fn parse_back(destination: [u8; 6], source: [u8; 6], number: u16) {
            let mut frame = [0; HEADER_BYTES + 1];
            let ether_type = EtherType::from(number);
            write(&mut frame, MacAddress(destination), MacAddress(source), ether_type);
            let (header, payload) = parse(&frame).unwrap();
            prop_assert_eq!(header.destination, MacAddress(destination));
            prop_assert_eq!(header.source, MacAddress(source));
            prop_assert_eq!(header.ether_type, ether_type);
            prop_assert_eq!(payload, [0]);

            let oracle = EthernetFrame::new_checked(&frame[..]).unwrap();
            prop_assert_eq!(oracle.dst_addr(), EthernetAddress(destination));
            prop_assert_eq!(oracle.src_addr(), EthernetAddress(source));
            prop_assert_eq!(oracle.ethertype(), EthernetProtocol::from(number));
        }

        #[test]
        fn parse_arbitrary_bytes(frame in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert_eq!(parse(&frame).is_some(), frame.len() >= HEADER_BYTES);
        }

        #[test]
        fn a_mac_address_reads_as_it_is_shown(octets: [u8; 6]) {
            let mac = MacAddress(octets);
            prop_assert_eq!(mac.to_string().parse(), Ok(mac));
            prop_assert_eq!(mac.to_string().to_uppercase().parse(), Ok(mac));
        }

        #[test]
        fn arbitrary_text_is_no_mac_address(text in "[0-9a-f:+ -]{0,20}") {
            if let Ok(mac) = text.parse::<MacAddress>() {
                prop_assert_eq!(mac.to_string(), text);
            }
        }
    }

    #[test]
    fn the_mac_of_a_group_holds_its_last_23_bits() {
        for (address, mac) in [
            ([224, 0, 0, 1], "01:00:5e:00:00:01"),
            ([239, 129, 2, 3], "01:00:5e:01:02:03"),
            ([255, 255, 255, 255], "ff:ff:ff:ff:ff:ff"),
            ([10, 0, 0, 255], "ff:ff:ff:ff:ff:ff"),
        ] {
            let found = MacAddress::of_group(address.into());
            assert_eq!(found.to_string(), mac, "{address:?}");
        }
    }

    #[test]
    fn a_virtual_mac_is_local_unicast_and_holds_the_address() {
        let mac = MacAddress::virtual_of(Ipv4Addr::new(10, 0, 0, 2));
        assert_eq!(mac.to_string(), "02:55:0a:00:00:02");
        assert!(!mac.is_multicast());
        assert!(MacAddress::BROADCAST.is_multicast());
    }

    #[test]
    fn a_bad_mac_address_is_quoted_with_an_example() {
        let error = "02:55:a:0:0:2".parse::<MacAddress>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"02:55:a:0:0:2\" is not a MAC address; write six two-digit hexadecimal octets, as in 02:55:0a:00:00:02"
        );
    }
}
