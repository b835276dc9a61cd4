//! The Internet checksum, word by word as RFC 1071 section 4.1 has it.

/// The one's complement sum of the octets as 16-bit words; a last odd one is followed by zero.
pub(crate) fn sum(octets: &[u8]) -> u16 {
    let mut sum = 0u32;
    for pair in octets.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// What a checksum field must hold over octets in which it is zero.
pub(crate) fn of(octets: &[u8]) -> u16 {
    !sum(octets)
}
