//! A packet on the substrate becomes a copy for another host (section 5).
//!
//! Only the outer addresses and the C flag change. TTL, DF, E and HASH of the
//! label, the inner addresses and the payload are the original's, so that the
//! receiver restores the same IPv4 packet and judges the same sender.

use crate::{address::Prefix96, ethernet, ipv6};

/// Where the label's second octet lies in a frame; C is in it.
const LABEL_MIDDLE: usize = ethernet::HEADER_BYTES + 2;
/// C: bit 10 of the label's 20.
const COPY: u8 = 1 << 2;
const HOP_LIMIT_AT: usize = ethernet::HEADER_BYTES + 7;
const SOURCE_AT: usize = ethernet::HEADER_BYTES + 8;
const DESTINATION_AT: usize = ethernet::HEADER_BYTES + 24;
/// Octets of a [`Prefix96`].
const PREFIX_BYTES: usize = 12;

/// The octets at the front of a frame that [`readdress`] and
/// [`ethernet::write`] write: what a copy needs for itself if it shares the rest
/// with the original.
pub const HEAD_BYTES: usize = ethernet::HEADER_BYTES + ipv6::HEADER_BYTES;

/// Makes the IPv6 packet in `frame` a copy from the host of `source` to the host
/// of `destination`. The Ethernet header is left to the caller.
///
/// # Panics
/// If the frame is shorter than [`HEAD_BYTES`].
#[inline]
pub fn readdress(frame: &mut [u8], source: &Prefix96, destination: &Prefix96) {
    frame[LABEL_MIDDLE] |= COPY;
    // It begins a way of its own.
    frame[HOP_LIMIT_AT] = 255;
    frame[SOURCE_AT..][..PREFIX_BYTES].copy_from_slice(&source.0);
    frame[DESTINATION_AT..][..PREFIX_BYTES].copy_from_slice(&destination.0);
}

/// Marks the IPv6 packet in `frame` as a copy, and changes nothing else.
///
/// # Panics
/// If the frame is shorter than [`HEAD_BYTES`].
pub fn mark(frame: &mut [u8]) {
    frame[LABEL_MIDDLE] |= COPY;
}

/// Whether the IPv6 packet in `frame` is a copy.
///
/// # Panics
/// If the frame is shorter than [`HEAD_BYTES`].
#[inline]
#[must_use]
pub fn is_copy(frame: &[u8]) -> bool {
    frame[LABEL_MIDDLE] & COPY != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Ipv6Facts, Overlay};
    use crate::encode::{DscpRule, HeadingRules, KeepId};
    use crate::label::Label;
    use proptest::prelude::*;
    use zerocopy::IntoBytes;

    const RULES: HeadingRules = HeadingRules {
        dscp: DscpRule::Copy,
        keep_id: KeepId::Off,
        experimental_allowed: true,
    };

    #[test]
    fn a_marked_frame_differs_in_the_flag_alone() {
        let head = ipv6::Header::new(0xb8, 0x4_0100, 8, 17, 9, [0xfd; 16], [0xfc; 16]);
        let original = [&[0xee; 14], head.as_bytes(), &[7; 8]].concat();
        let mut marked = original.clone();
        mark(&mut marked);
        assert_eq!((is_copy(&original), is_copy(&marked)), (false, true));
        let differs = (0..original.len()).filter(|at| original[*at] != marked[*at]);
        assert_eq!(differs.collect::<Vec<_>>(), [LABEL_MIDDLE]);
        marked[LABEL_MIDDLE] ^= COPY;
        assert_eq!(marked, original);
    }

    proptest! {
        #[test]
        fn a_copy_differs_in_its_outer_hosts_and_the_flag_and_in_nothing_else(
            bits in 0x1000_u32..1 << 20, hop_limit: u8, tos: u8,
            addresses: [u8; 32], source: [u8; 12], destination: [u8; 12],
            payload in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let (from, to) = addresses.split_at(16);
            let [from, to]: [[u8; 16]; 2] = [from, to].map(|half| half.try_into().unwrap());
            let head = ipv6::Header::new(tos, bits, payload.len() as u16, 17, hop_limit, from, to);
            let original = [&[0xee; 14], head.as_bytes(), &payload].concat();
            let mut copy = original.clone();
            readdress(&mut copy, &Prefix96(source), &Prefix96(destination));

            let read = |frame: &[u8]| {
                let facts = Ipv6Facts::parse(&frame[14..]).unwrap();
                (facts, Overlay::parse(&facts, &frame[14..], &RULES).unwrap())
            };
            let ((before, overlay), (after, copied)) = (read(&original), read(&copy));
            let label = Label { copy: true, ..overlay.label };
            prop_assert_eq!(copied, Overlay { label, ..overlay });
            prop_assert_eq!((is_copy(&original), is_copy(&copy)), (overlay.label.copy, true));
            prop_assert_eq!((&after.source[..12], &after.source[12..]), (&source[..], &before.source[12..]));
            prop_assert_eq!((&after.destination[..12], &after.destination[12..]), (&destination[..], &before.destination[12..]));
            prop_assert_eq!((after.traffic_class, after.payload_bytes, after.hop_limit), (tos, before.payload_bytes, 255));
            prop_assert_eq!(&copy[HEAD_BYTES..], &original[HEAD_BYTES..]);
            prop_assert_eq!(&copy[..14], &original[..14]);
        }
    }
}
