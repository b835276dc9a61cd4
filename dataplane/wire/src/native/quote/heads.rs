//! Room for other headers in front of a quoted payload, and for the padding
//! that extensions need behind it (RFC 4884).

use crate::{DropReason, ethernet, native::icmp::Head, packet::Packet};

/// What extensions follow is padded to at least this (RFC 4884 section 4).
const EXTENDED_QUOTE_BYTES_MIN: usize = 128;
/// What will stand in front of a quoted payload.
pub(super) struct Heads {
    /// IP and ICMP, in octets.
    pub(super) outer: usize,
    /// IP of the quoted packet.
    pub(super) quoted: usize,
    /// What the length of a quote is told in, in octets.
    pub(super) quote_unit: usize,
    /// The longest packet that may come of it, in octets.
    pub(super) packet_bytes_max: usize,
}

impl Heads {
    /// The length of all of them, in octets.
    pub(super) const fn bytes(&self) -> usize {
        self.outer + self.quoted
    }

    /// Gives the frame, whose quote begins at `quote_at` with a header of
    /// `quoted_head_bytes`, room for these heads in front of the quoted payload.
    /// `told_bytes` is where extensions begin in the quote; 0 if there are none.
    /// Returns the new length of the quote, in units; 0 likewise.
    pub(super) fn take_place<P: Packet>(
        &self,
        packet: &mut P,
        quote_at: usize,
        quoted_head_bytes: usize,
        told_bytes: usize,
        head: &Head,
    ) -> Result<u8, DropReason> {
        let payload_at = quote_at + quoted_head_bytes;
        let quote_bytes = packet.bytes().len() - quote_at;
        let datagram_bytes = told_bytes
            .checked_sub(quoted_head_bytes)
            .filter(|_| told_bytes <= quote_bytes);
        let (padding, length) = match datagram_bytes {
            None => (0, 0),
            Some(bytes) => {
                let quote = self.quoted + bytes;
                let padded = quote
                    .max(EXTENDED_QUOTE_BYTES_MIN)
                    .next_multiple_of(self.quote_unit);
                let room = self.packet_bytes_max - self.outer;
                match u8::try_from(padded / self.quote_unit) {
                    Ok(length) if head.extensible && padded <= room => (padded - quote, length),
                    // There is no place for extensions: the quote is all.
                    _ => {
                        packet.truncate(payload_at + bytes);
                        (0, 0)
                    }
                }
            }
        };
        let front = ethernet::HEADER_BYTES + self.bytes();
        match (front + padding).checked_sub(payload_at) {
            Some(growth) => packet.prepend(growth).ok_or(DropReason::NoMbuf)?,
            None => packet.remove_front(payload_at - front - padding),
        }
        if padding > 0 {
            let bytes = datagram_bytes.unwrap_or(0);
            let octets = &mut packet.bytes_mut()[front..];
            octets.copy_within(padding..padding + bytes, 0);
            octets[bytes..bytes + padding].fill(0);
        }
        packet.truncate(ethernet::HEADER_BYTES + self.packet_bytes_max);
        Ok(length)
    }
}
