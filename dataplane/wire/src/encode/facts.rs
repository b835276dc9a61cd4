//! The checked header of a guest's packet.

use crate::{DropReason, checksum, ipv4, label::flow_hash, protocol};
use std::net::Ipv4Addr;
use zerocopy::IntoBytes;

const OPTION_END: u8 = 0;
const OPTION_NOP: u8 = 1;
const OPTION_LOOSE_SOURCE_ROUTE: u8 = 131;
const OPTION_STRICT_SOURCE_ROUTE: u8 = 137;

/// The checked IPv4 header of a guest's packet: all that local delivery and
/// re-heading need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Facts {
    /// The length of header and options in octets, 20 to 60.
    pub header_bytes: u8,
    /// DSCP and ECN.
    pub tos: u8,
    /// The length of header, options and payload in octets.
    pub total_bytes: u16,
    /// What fragments of one packet have in common.
    pub id: u16,
    /// Routers must not fragment the packet.
    pub dont_fragment: bool,
    /// Not the last fragment.
    pub more_fragments: bool,
    /// Where the payload belongs, in units of 8 octets.
    pub offset_units: u16,
    /// As the guest set it; 0 is possible.
    pub ttl: u8,
    /// Not checked against the forbidden ones.
    pub protocol: u8,
    /// Neither zero nor loopback, multicast or reserved.
    pub source: Ipv4Addr,
    /// A unicast or group address, or the limited broadcast.
    pub destination: Ipv4Addr,
    /// HASH of the flow label; the same for all packets of a flow.
    pub flow_hash: u8,
}

impl Ipv4Facts {
    /// Checks the header at the front of `ip`, behind whose packet there may
    /// be Ethernet padding.
    ///
    /// What section 2 is silent about passes through unchanged: DF together
    /// with MF, a fragment that ends beyond 65535, and MF with a payload that
    /// is not a multiple of 8.
    ///
    /// # Errors
    /// The first of these that applies: `EncodeMalformed` (truncated, version,
    /// IHL, total length), `EncodeIpChecksum`, `EncodeReservedFlag`,
    /// `EncodeMalformed` or `EncodeSourceRoute` (options), `EncodeMartian`
    /// (source 0/8, 127/8, 224/4 or 240/4; destination 0/8, 127/8 or 240/4
    /// except the limited broadcast).
    // Always inlined, as what it calls: a result that goes through memory is written field by field
    // and read back in words, and the processor waits for such a word until the fields are in the
    // cache (three times 15 cycles a packet, 2026-11-25).
    #[inline(always)]
    pub fn parse(ip: &[u8]) -> Result<Self, DropReason> {
        let packet = ipv4::parse(ip).ok_or(DropReason::EncodeMalformed)?;
        let header = packet.header;
        let header_bytes = header.header_bytes();
        // two sums, because that of the fixed part needs no loop
        let sums = [header.as_bytes(), packet.options].map(checksum::sum);
        if checksum::add(sums[0], sums[1]) != 0xffff {
            return Err(DropReason::EncodeIpChecksum);
        }
        if header.reserved_flag() {
            return Err(DropReason::EncodeReservedFlag);
        }
        if !packet.options.is_empty() {
            check_options(packet.options)?;
        }
        let (source, destination) = (header.source(), header.destination());
        if matches!(source.octets()[0], 0 | 127 | 224..)
            || matches!(destination.octets()[0], 0 | 127 | 240..) && !destination.is_broadcast()
        {
            return Err(DropReason::EncodeMartian);
        }
        let (protocol, is_fragment) = (
            header.protocol,
            header.more_fragments() || header.offset_units() != 0,
        );
        Ok(Self {
            header_bytes,
            tos: header.tos,
            total_bytes: header.total_bytes.get(),
            id: header.id.get(),
            dont_fragment: header.dont_fragment(),
            more_fragments: header.more_fragments(),
            offset_units: header.offset_units(),
            ttl: header.ttl,
            protocol,
            source,
            destination,
            flow_hash: {
                let identity = flow_identity(protocol, is_fragment, packet.payload);
                flow_hash(source, destination, protocol, identity)
            },
        })
    }

    /// The length of what follows header and options, in octets.
    #[must_use]
    #[inline]
    pub const fn payload_bytes(&self) -> u16 {
        self.total_bytes - self.header_bytes as u16
    }

    /// Whether this is a fragment, first or later, of a larger packet.
    #[must_use]
    #[inline]
    pub const fn is_fragment(&self) -> bool {
        self.more_fragments || self.offset_units != 0
    }

    /// The length of the options, which re-heading strips, in octets.
    #[must_use]
    #[inline]
    pub const fn options_bytes(&self) -> u8 {
        self.header_bytes - ipv4::HEADER_BYTES as u8
    }
}

/// What tells flows between the same two addresses apart; 0 where nothing does, and for every
/// fragment, since later ones do not carry it.
#[inline(always)]
fn flow_identity(protocol: u8, is_fragment: bool, payload: &[u8]) -> u32 {
    match payload.first_chunk() {
        Some(octets) if !is_fragment && protocol::begins_with_flow_identity(protocol) => {
            u32::from_be_bytes(*octets)
        }
        _ => 0,
    }
}

/// Walks the list once; options are rare and never carried.
#[cold]
fn check_options(mut options: &[u8]) -> Result<(), DropReason> {
    loop {
        options = match *options {
            [] | [OPTION_END, ..] => return Ok(()),
            [OPTION_NOP, ref rest @ ..] => rest,
            [OPTION_LOOSE_SOURCE_ROUTE | OPTION_STRICT_SOURCE_ROUTE, ..] => {
                return Err(DropReason::EncodeSourceRoute);
            }
            [_, len, ..] if len >= 2 => options
                .get(usize::from(len)..)
                .ok_or(DropReason::EncodeMalformed)?,
            _ => return Err(DropReason::EncodeMalformed),
        }
    }
}
