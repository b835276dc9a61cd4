//! The two neighbour discovery messages that we speak: solicitation and
//! advertisement, RFC 4861 sections 4.3, 4.4 and 7.1.
//!
//! The bytes are smoltcp's to know; here is which of them are believed. Router
//! solicitations, router advertisements and redirects are refused: who the next hop
//! is stands in the configuration.

use std::net::Ipv6Addr;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    EthernetAddress, EthernetFrame, EthernetProtocol, Icmpv6Packet, Icmpv6Repr, IpProtocol,
    Ipv6Packet, Ipv6Repr, NdiscNeighborFlags, NdiscRepr, RawHardwareAddress,
};
use wire::ethernet::MacAddress;

use super::address::{is_unicast, solicited_node};
use super::resolution::Claim;

/// Octets of every frame that we emit: Ethernet 14, IPv6 40, message 24, link
/// address option 8.
pub const FRAME_BYTES: usize = 86;

/// Neighbour discovery is believed only if no router forwarded it (RFC 4861
/// section 7.1).
const HOP_LIMIT: u8 = 255;

/// A message that passed every check of RFC 4861 sections 7.1.1 and 7.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// "Who has `target`?"
    Solicitation {
        /// The address that is asked for.
        target: Ipv6Addr,
        /// Who asks; `None` if it is about to claim `target` (duplicate address
        /// detection, RFC 4862 section 5.4).
        sender: Option<Ipv6Addr>,
        /// The sender's link address, if it says so.
        sender_mac: Option<MacAddress>,
    },
    /// "`target` is here."
    Advertisement {
        /// The address that is spoken of.
        target: Ipv6Addr,
        /// Where, and how surely.
        claim: Claim,
    },
}

impl Message {
    /// Reads a checked IPv6 packet with next header 58. `None` if it is another
    /// message, or one that must be discarded silently.
    pub fn parse(packet: &Ipv6Packet<&[u8]>) -> Option<Self> {
        let (source, destination) = (packet.src_addr(), packet.dst_addr());
        if packet.hop_limit() != HOP_LIMIT || source.is_multicast() {
            return None;
        }
        let icmp = Icmpv6Packet::new_checked(packet.payload()).ok()?;
        let checksums = ChecksumCapabilities::default();
        match Icmpv6Repr::parse(&source, &destination, &icmp, &checksums).ok()? {
            Icmpv6Repr::Ndisc(NdiscRepr::NeighborSolicit {
                target_addr,
                lladdr,
            }) => {
                let sender_mac = lladdr.map(station).transpose().ok()?;
                let claims = source.is_unspecified();
                if !is_unicast(target_addr)
                    || claims
                        && (sender_mac.is_some() || destination != solicited_node(target_addr))
                {
                    return None;
                }
                Some(Self::Solicitation {
                    target: target_addr,
                    sender: (!claims).then_some(source),
                    sender_mac,
                })
            }
            Icmpv6Repr::Ndisc(NdiscRepr::NeighborAdvert {
                flags,
                target_addr,
                lladdr,
            }) => {
                let solicited = flags.contains(NdiscNeighborFlags::SOLICITED);
                if !is_unicast(target_addr) || solicited && destination.is_multicast() {
                    return None;
                }
                Some(Self::Advertisement {
                    target: target_addr,
                    claim: Claim {
                        mac: lladdr.map(station).transpose().ok()?,
                        solicited,
                        overrides: flags.contains(NdiscNeighborFlags::OVERRIDE),
                    },
                })
            }
            _ => None,
        }
    }
}

/// A link address option that names no single station makes its message unbelievable.
struct NoStation;

fn station(option: RawHardwareAddress) -> Result<MacAddress, NoStation> {
    let octets: [u8; 6] = option.as_bytes().try_into().map_err(|_| NoStation)?;
    let mac = MacAddress(octets);
    if mac.is_multicast() || octets == [0; 6] {
        Err(NoStation)
    } else {
        Ok(mac)
    }
}

/// Where a frame goes from and to, on both layers.
#[derive(Clone, Copy, Debug)]
pub struct Envelope {
    /// Our link address.
    pub source_mac: MacAddress,
    /// The receiver's, or a group's.
    pub destination_mac: MacAddress,
    /// One of our addresses.
    pub source: Ipv6Addr,
    /// The receiver's address, or a group.
    pub destination: Ipv6Addr,
}

impl Envelope {
    /// The frame that asks who has `target`.
    pub fn solicitation(&self, target: Ipv6Addr) -> [u8; FRAME_BYTES] {
        let lladdr = Some(EthernetAddress(self.source_mac.0).into());
        self.frame(NdiscRepr::NeighborSolicit {
            target_addr: target,
            lladdr,
        })
    }

    /// The frame that says that we have `target`; `solicited` unless it goes to all.
    pub fn advertisement(&self, target: Ipv6Addr, solicited: bool) -> [u8; FRAME_BYTES] {
        let mut flags = NdiscNeighborFlags::OVERRIDE;
        flags.set(NdiscNeighborFlags::SOLICITED, solicited);
        let lladdr = Some(EthernetAddress(self.source_mac.0).into());
        self.frame(NdiscRepr::NeighborAdvert {
            flags,
            target_addr: target,
            lladdr,
        })
    }

    fn frame(&self, message: NdiscRepr<'_>) -> [u8; FRAME_BYTES] {
        let mut bytes = [0; FRAME_BYTES];
        let mut ethernet = EthernetFrame::new_unchecked(&mut bytes[..]);
        ethernet.set_src_addr(EthernetAddress(self.source_mac.0));
        ethernet.set_dst_addr(EthernetAddress(self.destination_mac.0));
        ethernet.set_ethertype(EthernetProtocol::Ipv6);

        let message = Icmpv6Repr::Ndisc(message);
        let mut ipv6 = Ipv6Packet::new_unchecked(ethernet.payload_mut());
        Ipv6Repr {
            src_addr: self.source,
            dst_addr: self.destination,
            next_header: IpProtocol::Icmpv6,
            payload_len: message.buffer_len(),
            hop_limit: HOP_LIMIT,
        }
        .emit(&mut ipv6);
        let mut icmp = Icmpv6Packet::new_unchecked(ipv6.payload_mut());
        let checksums = ChecksumCapabilities::default();
        message.emit(&self.source, &self.destination, &mut icmp, &checksums);
        bytes
    }
}
