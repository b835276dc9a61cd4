//! What a router of the substrate says about a packet that it could not forward
//! (RFC 4443, section 4), and the guest's packet that it quotes.
//!
//! Whether the quoted packet was one of ours is the caller's to judge.

use crate::{
    decode::{Ipv6Facts, Overlay, write_ipv4},
    encode::HeadingRules,
    icmpv4, icmpv6, ipv4, ipv6,
};

/// What happened to the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// 2/0: the next link takes packets of at most `mtu` octets.
    TooBig {
        /// As the router says.
        mtu: u32,
    },
    /// 1/x: its destination cannot be reached.
    Unreachable {
        /// Why (RFC 4443 section 3.1).
        code: u8,
    },
    /// 3/x, 4/x, and errors that we do not know.
    Other,
}

/// An ICMPv6 error with a right checksum that quotes an overlay packet.
#[derive(Clone, Copy, Debug)]
pub struct SubstrateError<'a> {
    /// What happened.
    pub trouble: Trouble,
    /// The header of the quoted packet.
    pub quoted: Ipv6Facts,
    /// What its label and its Fragment header say.
    pub overlay: Overlay,
    /// As much of its payload as is quoted.
    payload: &'a [u8],
}

impl<'a> SubstrateError<'a> {
    /// The error in the IPv6 packet at the front of `ip`, which `facts` tell of.
    /// `None` if it is no error, its checksum is wrong, or the quoted packet none
    /// that one of our hosts can have sent for a guest.
    #[must_use]
    pub fn parse(facts: &Ipv6Facts, ip: &'a [u8], rules: &HeadingRules) -> Option<Self> {
        let message = ip.get(ipv6::HEADER_BYTES..)?;
        let message = message.get(..usize::from(facts.payload_bytes))?;
        let (header, quoted) = icmpv6::parse(message)?;
        if !header.is_error() || !icmpv6::verify(&facts.source, &facts.destination, message) {
            return None;
        }
        let trouble = match (header.kind, header.code) {
            (icmpv6::PACKET_TOO_BIG, _) => Trouble::TooBig { mtu: header.rest() },
            (icmpv6::UNREACHABLE, code) => Trouble::Unreachable { code },
            _ => Trouble::Other,
        };
        let quoted_facts = Ipv6Facts::parse_quoted(quoted)?;
        let overlay = Overlay::parse(&quoted_facts, quoted, rules).ok()?;
        let payload = quoted.get(usize::from(overlay.head_bytes)..)?;
        let payload_bytes = payload.len().min(overlay.payload_bytes.into());
        Some(Self {
            trouble,
            quoted: quoted_facts,
            overlay,
            payload: &payload[..payload_bytes],
        })
    }

    /// Writes the quoted packet as its guest sent it, as far as an ICMPv4 error
    /// quotes it; returns how many octets that are. TTL and DF come from the
    /// label. An ID that did not cross is 0.
    pub fn restore_quoted(
        &self,
        out: &mut [u8; icmpv4::QUOTED_BYTES_MAX],
        rules: &HeadingRules,
    ) -> usize {
        let (head, rest) = out.split_at_mut(ipv4::HEADER_BYTES);
        if let Some(head) = head.first_chunk_mut() {
            let id = self.overlay.id.unwrap_or(0);
            write_ipv4(head, &self.quoted, &self.overlay, id, rules);
        }
        let payload_bytes = self.payload.len().min(rest.len());
        rest[..payload_bytes].copy_from_slice(&self.payload[..payload_bytes]);
        ipv4::HEADER_BYTES + payload_bytes
    }
}
