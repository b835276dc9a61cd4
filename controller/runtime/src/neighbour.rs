//! Neighbour discovery on the uplink, as far as a host needs it: who the next hop
//! is, and answers for our own addresses (RFC 4861).
//!
//! The host sends everything to one configured next hop, so there is one neighbour
//! and no cache. It answers solicitations for its `[uplink] address` and for the
//! link-local address of its MAC, those of duplicate address detection included.
//! Not done: duplicate address detection of our own (the address is the operator's
//! to assign), router discovery, redirects.

mod address;
mod message;
mod resolution;

use std::net::Ipv6Addr;

use smoltcp::wire::Ipv6Packet;
use wire::ethernet::MacAddress;

use address::{ALL_NODES, group_mac, is_unicast, link_local, solicited_node};
use message::{Envelope, Message};
use resolution::{Ask, Event, State};

/// The next hop, and our own addresses on its link.
#[derive(Debug)]
pub struct Neighbour {
    mac: MacAddress,
    /// `[uplink] address`, then the link-local one.
    addresses: [Ipv6Addr; 2],
    next_hop: Ipv6Addr,
    state: State,
}

impl Neighbour {
    /// A host at `mac` and `address` that sends to `next_hop`, whose link address is
    /// `next_hop_mac` or else asked for.
    ///
    /// # Panics
    /// If an address is not unicast: the configuration refuses that.
    pub fn new(
        mac: MacAddress,
        address: Ipv6Addr,
        next_hop: Ipv6Addr,
        next_hop_mac: Option<MacAddress>,
    ) -> Self {
        assert!(is_unicast(address), "{address} cannot be a host's address");
        assert!(is_unicast(next_hop), "{next_hop} cannot be a next hop");
        let addresses = [address, link_local(mac)];
        Self {
            mac,
            addresses,
            next_hop,
            state: State::start(next_hop_mac),
        }
    }

    /// The next hop's link address, if known. It stays while it is being probed.
    pub const fn next_hop_mac(&self) -> Option<MacAddress> {
        self.state.mac()
    }

    /// Whether `address` is one of ours on the uplink, or the group in which we are
    /// asked for one of ours.
    pub fn listens_to(&self, address: Ipv6Addr) -> bool {
        self.addresses
            .iter()
            .any(|&own| address == own || address == solicited_node(own))
            || address == ALL_NODES
    }

    /// Takes a neighbour discovery packet that came from `source_mac`. False if it
    /// must be discarded silently: RFC 4861 section 7.1, or not what we listen to.
    pub fn input(
        &mut self,
        source_mac: MacAddress,
        packet: &Ipv6Packet<&[u8]>,
        now_ms: u64,
        out: &mut dyn FnMut(&[u8]),
    ) -> bool {
        match Message::parse(packet) {
            None => false,
            // Somebody else speaks for us, or we hear ourselves.
            Some(Message::Solicitation {
                sender: Some(sender),
                ..
            }) if self.addresses.contains(&sender) => false,
            Some(Message::Solicitation {
                target,
                sender,
                sender_mac,
            }) => {
                if let (Some(mac), true) = (sender_mac, sender == Some(self.next_hop)) {
                    self.step(Event::Solicited(mac), now_ms, out);
                }
                if !self.addresses.contains(&target) {
                    return false;
                }
                self.answer(target, sender, sender_mac.unwrap_or(source_mac), out);
                true
            }
            Some(Message::Advertisement { target, claim }) => {
                if target != self.next_hop {
                    return false;
                }
                self.step(Event::Advertised(claim), now_ms, out);
                true
            }
        }
    }

    /// Sends what is due.
    pub fn poll(&mut self, now_ms: u64, out: &mut dyn FnMut(&[u8])) {
        self.step(Event::Timer, now_ms, out);
    }

    /// When [`Neighbour::poll`] next has something to do.
    pub const fn deadline_ms(&self) -> Option<u64> {
        self.state.deadline_ms()
    }

    fn step(&mut self, event: Event, now_ms: u64, out: &mut dyn FnMut(&[u8])) {
        let (state, ask) = self.state.step(event, now_ms);
        self.state = state;
        let Some(ask) = ask else { return };
        let group = solicited_node(self.next_hop);
        let (destination, destination_mac) = match ask {
            Ask::Group => (group, group_mac(group)),
            Ask::Owner(mac) => (self.next_hop, mac),
        };
        let [address, link_local] = self.addresses;
        // A router answers to the source: it must be of the scope it is asked in.
        let source = if self.next_hop.is_unicast_link_local() {
            link_local
        } else {
            address
        };
        let envelope = Envelope {
            source_mac: self.mac,
            destination_mac,
            source,
            destination,
        };
        out(&envelope.solicitation(self.next_hop));
    }

    /// RFC 4861 section 7.2.4: to the one who asked; to all nodes if it has no
    /// address yet.
    fn answer(
        &self,
        target: Ipv6Addr,
        sender: Option<Ipv6Addr>,
        sender_mac: MacAddress,
        out: &mut dyn FnMut(&[u8]),
    ) {
        let (destination, destination_mac) = match sender {
            Some(sender) => (sender, sender_mac),
            None => (ALL_NODES, group_mac(ALL_NODES)),
        };
        let source_mac = self.mac;
        let envelope = Envelope {
            source_mac,
            destination_mac,
            source: target,
            destination,
        };
        out(&envelope.advertisement(target, sender.is_some()));
    }
}

#[cfg(test)]
mod tests;
