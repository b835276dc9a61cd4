//! An IPv4 header, read as RFC 791 draws it.

use std::net::Ipv4Addr;

use super::u16_at;
use crate::checksum;

/// A header that passed checks 4 to 8 of docs/wire.md section 11.
pub(super) struct Ipv4<'a> {
    pub(super) tos: u8,
    pub(super) id: u16,
    pub(super) dont_fragment: bool,
    pub(super) more_fragments: bool,
    /// In units of 8 octets.
    pub(super) offset: u16,
    pub(super) ttl: u8,
    pub(super) protocol: u8,
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    /// Options included.
    pub(super) header: &'a [u8],
    /// Without padding.
    pub(super) payload: &'a [u8],
}

/// Checks 4 to 8.
pub(super) fn parse(ip: &[u8]) -> Result<Ipv4<'_>, &'static str> {
    if ip.len() < 20 {
        return Err("encode_malformed");
    }
    let header_bytes = usize::from(ip[0] & 0x0f) * 4;
    let total_bytes = usize::from(u16_at(ip, 2));
    if ip[0] >> 4 != 4 || header_bytes < 20 || header_bytes > total_bytes || total_bytes > ip.len()
    {
        return Err("encode_malformed");
    }
    let (header, payload) = ip[..total_bytes].split_at(header_bytes);
    if checksum::sum(header) != 0xffff {
        return Err("encode_ip_checksum");
    }
    let flags = u16_at(header, 6);
    if flags & 0x8000 != 0 {
        return Err("encode_reserved_flag");
    }
    check_options(&header[20..])?;
    let address =
        |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
    let (source, destination) = (address(12), address(16));
    let all = Ipv4Addr::BROADCAST;
    if matches!(source.octets()[0], 0 | 127 | 224..)
        || matches!(destination.octets()[0], 0 | 127 | 240..) && destination != all
    {
        return Err("encode_martian");
    }
    Ok(Ipv4 {
        tos: header[1],
        id: u16_at(header, 4),
        dont_fragment: flags & 0x4000 != 0,
        more_fragments: flags & 0x2000 != 0,
        offset: flags & 0x1fff,
        ttl: header[8],
        protocol: header[9],
        source,
        destination,
        header,
        payload,
    })
}

/// Check 7: in order, the first offender names the drop.
fn check_options(mut options: &[u8]) -> Result<(), &'static str> {
    while let Some(&kind) = options.first() {
        match kind {
            0 => return Ok(()),
            1 => options = &options[1..],
            131 | 137 => return Err("encode_source_route"),
            _ => {
                let length = options.get(1).map_or(0, |length| usize::from(*length));
                if length < 2 || length > options.len() {
                    return Err("encode_malformed");
                }
                options = &options[length..];
            }
        }
    }
    Ok(())
}

impl Ipv4<'_> {
    /// Whether it is a part of a packet.
    pub(super) fn is_fragment(&self) -> bool {
        self.more_fragments || self.offset > 0
    }

    /// The whole packet with another TTL, its checksum computed again if that changed.
    pub(super) fn with_ttl(&self, ttl: u8) -> Vec<u8> {
        let mut header = self.header.to_vec();
        if ttl != self.ttl {
            header[8] = ttl;
            header[10..12].fill(0);
            let sum = checksum::of(&header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        header.extend(self.payload);
        header
    }
}
