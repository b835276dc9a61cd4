//! Checksums that cover the addresses (RFC 7915 sections 4.5 and 5.5).
//!
//! The field is adjusted, never verified: a packet that was damaged on its way
//! arrives damaged. A fragment is adjusted if the field lies in it, be it the
//! first or not.

use super::{Ends, UdpZero};
use crate::{DropReason, checksum, ipv4, ipv6, protocol, udp};
use zerocopy::IntoBytes;

/// Where the checksum of a protocol lies whose pseudo-header has the addresses.
#[must_use]
#[inline]
pub const fn checksum_at(protocol: u8) -> Option<usize> {
    match protocol {
        protocol::TCP => Some(16),
        protocol::UDP | protocol::DCCP | protocol::UDP_LITE => Some(6),
        _ => None,
    }
}

/// A piece of a transport protocol's packet: what a fragment carries, or all.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// What it is.
    pub protocol: u8,
    /// Where it belongs, in units of 8 octets.
    pub offset_units: u16,
    /// It is not the last.
    pub more: bool,
}

impl Part {
    const fn is_whole(self) -> bool {
        self.offset_units == 0 && !self.more
    }

    /// Where in `bytes` octets the checksum lies; `Ok(None)` if it lies in
    /// another fragment or there is none, `Err` if the packet ends before it.
    #[inline]
    fn checksum_in(self, bytes: usize) -> Result<Option<usize>, Short> {
        let Some(at) = checksum_at(self.protocol) else {
            return Ok(None);
        };
        match at.checked_sub(usize::from(self.offset_units) * ipv4::OFFSET_UNIT_BYTES) {
            None => Ok(None),
            Some(at) if at + 2 <= bytes => Ok(Some(at)),
            Some(at) if self.more && at >= bytes => Ok(None),
            Some(_) => Err(Short),
        }
    }
}

/// The packet ends before its checksum.
struct Short;

fn field(payload: &mut [u8], at: usize) -> &mut [u8; 2] {
    payload[at..]
        .first_chunk_mut()
        .expect("the place was checked against the length")
}

/// Adjusts what a guest sends for IPv6.
///
/// # Errors
/// `EncodeMalformed` if the packet ends before its checksum, or its UDP length
/// is none; `PolicyDenied` for UDP without a checksum where `udp_zero` says so,
/// or where it is in fragments.
#[inline]
pub fn up(
    payload: &mut [u8],
    part: Part,
    ends: &Ends,
    udp_zero: UdpZero,
) -> Result<(), DropReason> {
    let bytes = payload.len();
    let at = part.checksum_in(bytes);
    let Some(at) = at.map_err(|Short| DropReason::EncodeMalformed)? else {
        return Ok(());
    };
    if part.protocol == protocol::UDP && *field(payload, at) == [0, 0] {
        if udp_zero == UdpZero::Drop || !part.is_whole() {
            return Err(DropReason::PolicyDenied);
        }
        return compute_udp(payload, ends).ok_or(DropReason::EncodeMalformed);
    }
    adjust(field(payload, at), part.protocol, ends.delta());
    Ok(())
}

/// Adjusts what a peer sends for IPv4.
///
/// # Errors
/// `DecodeMalformed` if the packet ends before its checksum, or is UDP without
/// one (RFC 8200 section 8.1).
#[inline]
pub fn down(payload: &mut [u8], part: Part, ends: &Ends) -> Result<(), DropReason> {
    let at = part.checksum_in(payload.len());
    let Some(at) = at.map_err(|Short| DropReason::DecodeMalformed)? else {
        return Ok(());
    };
    let field = field(payload, at);
    if part.protocol == protocol::UDP && *field == [0, 0] {
        return Err(DropReason::DecodeMalformed);
    }
    adjust(field, part.protocol, !ends.delta());
    Ok(())
}

/// Adjusts what an error quotes by `delta`, if the quote reaches that far. UDP
/// without a checksum stays without.
#[inline]
pub(super) fn quoted(payload: &mut [u8], part: Part, delta: u16) {
    if let Ok(Some(at)) = part.checksum_in(payload.len()) {
        let field = field(payload, at);
        if part.protocol != protocol::UDP || *field != [0, 0] {
            adjust(field, part.protocol, delta);
        }
    }
}

#[inline]
fn adjust(field: &mut [u8; 2], protocol: u8, delta: u16) {
    let sum = checksum::add(!u16::from_be_bytes(*field), delta);
    *field = present(!sum, protocol).to_be_bytes();
}

/// In UDP and UDP-Lite 0 means that there is no checksum.
const fn present(checksum: u16, protocol: u8) -> u16 {
    match (checksum, protocol) {
        (0, protocol::UDP | protocol::UDP_LITE) => 0xffff,
        _ => checksum,
    }
}

/// Gives a whole datagram its checksum over IPv6. `None` if its length is not
/// one that it can have.
fn compute_udp(payload: &mut [u8], ends: &Ends) -> Option<()> {
    let (header, data) = udp::parse(payload)?;
    let pseudo = ipv6::pseudo_header_sum(
        &ends.node_address,
        &ends.peer.address,
        header.total_bytes.get().into(),
        protocol::UDP,
    );
    let datagram = checksum::add(checksum::sum(header.as_bytes()), checksum::sum(data));
    let checksum = present(!checksum::add(pseudo, datagram), protocol::UDP);
    payload[6..8].copy_from_slice(&checksum.to_be_bytes());
    Some(())
}
