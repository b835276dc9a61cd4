//! The Fragment header of IPv6 (RFC 8200 section 4.5).

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    network_endian::{U16, U32},
};

/// The length of the header.
pub const HEADER_BYTES: usize = 8;

/// The header as it lies in memory.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Header {
    /// What follows.
    pub next_header: u8,
    reserved: u8,
    offset_reserved_more: U16,
    /// What fragments of one packet have in common.
    pub id: U32,
}

impl Header {
    /// A header. `offset_units` counts in 8 octets and has 13 bits.
    #[must_use]
    #[inline]
    pub fn new(next_header: u8, offset_units: u16, more_fragments: bool, id: u32) -> Self {
        Self {
            next_header,
            reserved: 0,
            offset_reserved_more: U16::new(offset_units << 3 | u16::from(more_fragments)),
            id: U32::new(id),
        }
    }

    /// Where the payload belongs, in units of 8 octets.
    #[must_use]
    #[inline]
    pub fn offset_units(&self) -> u16 {
        self.offset_reserved_more.get() >> 3
    }

    /// Not the last fragment.
    #[must_use]
    #[inline]
    pub fn more_fragments(&self) -> bool {
        self.offset_reserved_more.get() & 1 != 0
    }

    /// Whether the reserved octet and the two reserved bits are zero.
    #[must_use]
    #[inline]
    pub fn reserved_is_zero(&self) -> bool {
        self.reserved == 0 && self.offset_reserved_more.get() & 0b110 == 0
    }
}

/// The header at the front of `octets`, and what follows. `None` if they are too few.
#[must_use]
#[inline]
pub fn parse(octets: &[u8]) -> Option<(&Header, &[u8])> {
    Header::ref_from_prefix(octets).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smoltcp::wire::Ipv6FragmentHeader;

    proptest! {
        #[test]
        fn parse_back(next_header: u8, offset_units in 0u16..0x2000, more: bool, id: u32) {
            let octets = Header::new(next_header, offset_units, more, id);
            let (header, rest) = parse(octets.as_bytes()).unwrap();
            prop_assert_eq!(header.next_header, next_header);
            prop_assert_eq!(header.offset_units(), offset_units);
            prop_assert_eq!((header.more_fragments(), header.id.get()), (more, id));
            prop_assert!(header.reserved_is_zero() && rest.is_empty());

            // the oracle's view begins behind the next header and the reserved octet
            let oracle = Ipv6FragmentHeader::new_checked(&octets.as_bytes()[2..]).unwrap();
            prop_assert_eq!(oracle.frag_offset(), offset_units);
            prop_assert_eq!((oracle.more_frags(), oracle.ident()), (more, id));
        }

        #[test]
        fn parse_arbitrary_bytes(octets in prop::collection::vec(any::<u8>(), 0..16)) {
            match parse(&octets) {
                Some((header, rest)) => {
                    prop_assert_eq!(header.reserved_is_zero(), octets[1] == 0 && octets[3] & 6 == 0);
                    prop_assert_eq!(rest, &octets[HEADER_BYTES..]);
                }
                None => prop_assert!(octets.len() < HEADER_BYTES),
            }
        }
    }
}
