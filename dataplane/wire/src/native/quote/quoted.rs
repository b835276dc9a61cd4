//! What is known of a packet that an error quotes, and its other header.

use crate::{
    checksum, fragment, ipv4, ipv6,
    native::{
        Ends, Translation,
        chain::{Chain, Fragment},
        down::FRAGMENTABLE_BYTES_MAX,
        icmp,
        transport::{self, Part},
    },
    protocol,
};
use std::net::Ipv4Addr;
use zerocopy::IntoBytes;

/// The header of a quoted packet, of either family.
#[derive(Clone, Copy)]
pub(super) struct Quoted {
    /// Its length with all that is skipped, in octets.
    pub(super) head_bytes: usize,
    /// Of what comes of it in IPv4, or was in IPv4, in octets.
    pub(super) total_bytes: u16,
    /// Of the whole packet's payload, in octets.
    pub(super) payload_bytes: u16,
    tos: u8,
    /// Where the packet is part of a larger one.
    pub(super) piece: Option<Fragment>,
    dont_fragment: bool,
    id: u16,
    ttl: u8,
    protocol: u8,
    /// The first octet of the payload, if it is quoted and begins a packet.
    first: Option<u8>,
    /// Sender and receiver; unspecified if it was IPv6.
    pub(super) ipv4: [Ipv4Addr; 2],
}

impl Quoted {
    /// The IPv4 header at the front of a quote. `None` if it is cut short, or
    /// longer than its packet.
    pub(super) fn of_ipv4(quote: &[u8]) -> Option<Self> {
        let header = ipv4::peek(quote)?;
        let head_bytes = usize::from(header.header_bytes());
        let total_bytes = header.total_bytes.get();
        let payload = quote.get(head_bytes..)?;
        let part = header.more_fragments() || header.offset_units() != 0;
        Some(Self {
            head_bytes,
            total_bytes,
            payload_bytes: total_bytes.checked_sub(head_bytes as u16)?,
            tos: header.tos,
            piece: part.then(|| Fragment {
                offset_units: header.offset_units(),
                more_fragments: header.more_fragments(),
                id: header.id.get(),
            }),
            dont_fragment: header.dont_fragment(),
            id: header.id.get(),
            ttl: header.ttl,
            protocol: header.protocol,
            first: payload
                .first()
                .copied()
                .filter(|_| header.offset_units() == 0),
            ipv4: [header.source(), header.destination()],
        })
    }

    /// The IPv6 header at the front of a quote and those behind it, likewise.
    pub(super) fn of_ipv6(quote: &[u8]) -> Option<Self> {
        let header = ipv6::peek(quote)?;
        let chain = Chain::walk(header.next_header, quote).ok()?;
        let head_bytes = usize::from(chain.head_bytes);
        let skipped = chain.head_bytes - ipv6::HEADER_BYTES as u16;
        let payload_bytes = header.payload_bytes.get().checked_sub(skipped)?;
        let total_bytes = payload_bytes.checked_add(ipv4::HEADER_BYTES as u16)?;
        let begins = chain.fragment.is_none_or(|piece| piece.offset_units == 0);
        Some(Self {
            head_bytes,
            total_bytes,
            payload_bytes,
            tos: header.traffic_class(),
            piece: chain.fragment,
            dont_fragment: chain.fragment.is_none() && total_bytes > FRAGMENTABLE_BYTES_MAX,
            id: chain.fragment.map_or(0, |piece| piece.id),
            ttl: header.hop_limit,
            protocol: chain.protocol,
            first: quote.get(head_bytes).copied().filter(|_| begins),
            ipv4: [Ipv4Addr::UNSPECIFIED; 2],
        })
    }

    /// The next header of what was IPv4. `None` for what is never translated,
    /// and for an error within an error (section 4.3).
    pub(super) fn next_header(&self) -> Option<u8> {
        match (self.protocol, self.first) {
            (protocol::ICMPV4, None) => Some(protocol::ICMPV6),
            (protocol::ICMPV4, Some(kind)) => icmp::icmpv6_query(kind).map(|_| protocol::ICMPV6),
            (other, _) => (!protocol::is_forbidden(other, true)).then_some(other),
        }
    }

    /// The protocol of what was IPv6, likewise.
    pub(super) fn ipv4_protocol(&self) -> Option<u8> {
        match (self.protocol, self.first) {
            (protocol::ICMPV6, None) => Some(protocol::ICMPV4),
            (protocol::ICMPV6, Some(kind)) => icmp::icmpv4_query(kind).map(|_| protocol::ICMPV4),
            (protocol::ICMPV4, _) => None,
            (other, _) => (!protocol::is_forbidden(other, true)).then_some(other),
        }
    }

    /// Adjusts what is quoted of the payload. `delta` is what the sum over the
    /// addresses gains, `pseudo` what that of ICMP gains besides its type.
    pub(super) fn translate_payload(
        &self,
        payload: &mut [u8],
        delta: u16,
        pseudo: impl FnOnce() -> u16,
    ) {
        match self.protocol {
            protocol::ICMPV4 | protocol::ICMPV6 => self.translate_echo(payload, pseudo),
            protocol => {
                let part = Part {
                    protocol,
                    offset_units: self.piece.map_or(0, |piece| piece.offset_units),
                    // Whatever follows, the quote may end here.
                    more: true,
                };
                transport::quoted(payload, part, delta);
            }
        }
    }

    fn translate_echo(&self, payload: &mut [u8], pseudo: impl FnOnce() -> u16) {
        let kind = self.first.and_then(|kind| match self.protocol {
            protocol::ICMPV4 => icmp::icmpv6_query(kind),
            _ => icmp::icmpv4_query(kind),
        });
        let Some(kind) = kind else {
            return;
        };
        let old = payload[0];
        payload[0] = kind;
        // What the checksum of a fragment covers is not known here.
        let part = self.piece.is_some_and(|piece| piece.is_part());
        if let &mut [_, code, high, low, ..] = payload
            && !part
        {
            let word = |kind| u16::from_be_bytes([kind, code]);
            let field = u16::from_be_bytes([high, low]);
            let added = checksum::add(word(kind), pseudo());
            let field = checksum::exchange(field, word(old), added);
            payload[2..4].copy_from_slice(&field.to_be_bytes());
        }
    }

    /// Writes the header of a packet that the peer sent, its hop limit not lowered.
    pub(super) fn write_ipv6(
        &self,
        out: &mut [u8],
        next_header: u8,
        ends: &Ends,
        rules: &Translation,
    ) {
        let (head, extension) = out.split_at_mut(ipv6::HEADER_BYTES);
        let header = ipv6::Header::new(
            rules.dscp.to_substrate(self.tos),
            0,
            self.payload_bytes.saturating_add(extension.len() as u16),
            match extension.len() {
                0 => next_header,
                _ => protocol::FRAGMENT,
            },
            self.ttl,
            ends.peer.address,
            ends.node_address,
        );
        head.copy_from_slice(header.as_bytes());
        if let Some(piece) = self.piece {
            let (offset, more) = (piece.offset_units, piece.more_fragments);
            let header = fragment::Header::new(next_header, offset, more, piece.id.into());
            extension.copy_from_slice(header.as_bytes());
        }
    }

    /// Writes the header of a packet that the node sent, its TTL not lowered.
    pub(super) fn write_ipv4(
        &self,
        out: &mut [u8],
        protocol: u8,
        ends: &Ends,
        rules: &Translation,
    ) {
        let header = ipv4::Header::new(&ipv4::Fields {
            tos: rules.dscp.to_guest(self.tos),
            total_bytes: self.total_bytes,
            id: self.id,
            dont_fragment: self.dont_fragment,
            more_fragments: self.piece.is_some_and(|piece| piece.more_fragments),
            offset_units: self.piece.map_or(0, |piece| piece.offset_units),
            ttl: self.ttl,
            protocol,
            source: ends.node,
            destination: ends.peer.dummy,
        });
        out.copy_from_slice(header.as_bytes());
    }
}
