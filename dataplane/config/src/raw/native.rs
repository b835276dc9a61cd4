//! `[network.native]`, `[[network.native.peer]]` and `[[network.native.prefix]]`

use crate::reader::Section;
use crate::source::{At, Span};

#[derive(Debug)]
pub(crate) struct Native {
    pub span: Span,
    pub udp_zero_checksum: Option<At<String>>,
    pub lowest_ipv6_mtu: Option<At<i64>>,
    pub peers: Vec<Peer>,
    pub prefixes: Vec<PeerPrefix>,
}

#[derive(Debug)]
pub(crate) struct Peer {
    pub address: Option<At<String>>,
    pub ipv6: Option<At<String>>,
}

#[derive(Debug)]
pub(crate) struct PeerPrefix {
    pub addresses: Option<At<String>>,
    pub ipv6: Option<At<String>>,
}

pub(super) fn native(mut section: Section<'_>) -> Native {
    let native = Native {
        span: section.span,
        udp_zero_checksum: section.optional("udp_zero_checksum"),
        lowest_ipv6_mtu: section.optional("lowest_ipv6_mtu"),
        peers: section
            .sections("peer", "[[network.native.peer]]")
            .into_iter()
            .map(peer)
            .collect(),
        prefixes: section
            .sections("prefix", "[[network.native.prefix]]")
            .into_iter()
            .map(prefix)
            .collect(),
    };
    section.finish();
    native
}

fn peer(mut section: Section<'_>) -> Peer {
    let peer = Peer {
        address: section.required("address", "address = \"10.0.0.200\", what nodes call it"),
        ipv6: section.required("ipv6", "ipv6 = \"2001:db8:7::80\", its own address"),
    };
    section.finish();
    peer
}

fn prefix(mut section: Section<'_>) -> PeerPrefix {
    let prefix = PeerPrefix {
        addresses: section.required(
            "addresses",
            "addresses = \"198.18.0.0/15\", what nodes call those behind it",
        ),
        ipv6: section.required("ipv6", "ipv6 = \"2001:db8:64::/96\""),
    };
    section.finish();
    prefix
}
