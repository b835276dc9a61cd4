//! The Internet checksum (RFC 1071).
//!
//! The sum does not depend on the order of the octets, so it is taken over
//! native 32-bit words and turned once at the end.

/// The one's complement sum of `octets` as 16-bit network-order words, not
/// complemented. An odd last octet counts as if a zero followed.
#[must_use]
#[inline]
pub fn sum(octets: &[u8]) -> u16 {
    let (words, rest) = octets.as_chunks::<4>();
    let mut sum: u64 = words
        .iter()
        .map(|word| u64::from(u32::from_ne_bytes(*word)))
        .sum();
    if !rest.is_empty() {
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        sum += u64::from(u32::from_ne_bytes(last));
    }
    u16::from_be(fold(sum))
}

/// Adds the upper half to the lower, with its carry, until 16 bits remain. Zero
/// stays zero, and no other sum becomes zero.
#[must_use]
#[inline]
pub const fn fold(sum: u64) -> u16 {
    let (sum, carry) = (sum as u32).overflowing_add((sum >> 32) as u32);
    let sum = sum + carry as u32;
    add(sum as u16, (sum >> 16) as u16)
}

/// One's complement addition of two sums.
#[must_use]
#[inline]
pub const fn add(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    sum + carry as u16
}

/// A checksum field after words that sum to `removed` were exchanged for words
/// that sum to `added` (RFC 1624, equation 3).
///
/// Where nothing but zeros is left it gives 0 instead of 0xffff; that cannot
/// happen where a pseudo-header is part of the sum.
#[must_use]
#[inline]
pub const fn exchange(field: u16, removed: u16, added: u16) -> u16 {
    !add(add(!field, !removed), added)
}

/// The value of the checksum field of an IPv4 or ICMPv4 message whose
/// checksum field is zero.
#[must_use]
#[inline]
pub fn of(octets: &[u8]) -> u16 {
    !sum(octets)
}

/// The value of the checksum field of an IPv4 header, options included,
/// whose checksum field is zero.
#[must_use]
#[inline]
pub fn ipv4_header(header: &[u8]) -> u16 {
    of(header)
}

/// Whether octets that contain their own checksum agree with it.
#[must_use]
#[inline]
pub fn verify(octets: &[u8]) -> bool {
    sum(octets) == 0xffff
}

/// Whether an IPv4 header without options agrees with its checksum. It is not all zeros, since it
/// begins with a version.
///
/// Such a sum is 0xffff folded, and so a multiple of 0xffff unfolded: one multiplication tells. The
/// words are written out, as over [`sum`]'s slices a packet takes four instructions more.
#[must_use]
#[inline(always)]
pub(crate) fn verify_plain_header(header: &[u8; 20]) -> bool {
    let word = |at: usize| {
        let octets = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        u64::from(u32::from_ne_bytes(octets))
    };
    (word(0) + word(4) + word(8) + word(12) + word(16)).is_multiple_of(0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 1071 section 4.1, word by word.
    fn by_the_book(octets: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in octets.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    proptest! {
        #[test]
        fn the_sum_is_that_of_the_rfc(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(sum(&octets), by_the_book(&octets));
        }

        #[test]
        fn a_header_with_its_checksum_verifies(mut header in any::<[u8; 20]>()) {
            header[10..12].fill(0);
            let checksum = ipv4_header(&header);
            header[10..12].copy_from_slice(&checksum.to_be_bytes());
            prop_assert!(verify(&header));
            header[3] ^= 0x10;
            prop_assert!(!verify(&header));
        }

        #[test]
        fn sums_of_parts_add_to_the_sum(octets in prop::collection::vec(any::<u8>(), 0..200), at in 0usize..100) {
            let (front, back) = octets.split_at((at * 2).min(octets.len() & !1));
            prop_assert_eq!(add(sum(front), sum(back)), sum(&octets));
        }

        #[test]
        fn an_exchange_gives_what_computing_it_again_gives(
            mut octets in prop::collection::vec(any::<u8>(), 1..50).prop_map(|half| [half.clone(), half].concat()),
            new: [u8; 2],
        ) {
            let field = of(&octets);
            let old = [octets[0], octets[1]];
            octets[..2].copy_from_slice(&new);
            prop_assume!(octets.iter().any(|&octet| octet != 0));
            prop_assert_eq!(exchange(field, sum(&old), sum(&new)), of(&octets));
        }

        #[test]
        fn fold_is_the_remainder_but_never_zero_for_a_sum(sum in 1u64..) {
            prop_assert_eq!(u64::from(fold(sum)), (sum - 1) % 0xffff + 1);
        }
    }

    proptest! {
        #[test]
        fn a_plain_header_is_verified_like_any_other(
            mut header: [u8; 20],
            is_right: bool,
        ) {
            header[0] = 0x45;
            if is_right {
                header[10..12].fill(0);
                let field = ipv4_header(&header);
                header[10..12].copy_from_slice(&field.to_be_bytes());
            }
            prop_assert_eq!(verify_plain_header(&header), verify(&header));
        }
    }
}
