//! A guest's packet that is too big for a path: told so, or cut (docs/wire.md
//! section 4).
//!
//! Each fragment is re-headed by itself, with a Fragment header and the guest's
//! ID; no host puts them together again but the receiving guest. `rte_ip_frag`
//! does something else: it makes IPv4 packets, whose headers re-heading would
//! throw away, chained to a shared payload, which af_packet and af_xdp do not
//! send. Here each fragment but the last is a fresh buffer that gets its head in
//! its headroom, and the last is the packet itself.

use wire::drop_reason::DropReason;
use wire::encode::{self, Ipv4Facts, Piece};
use wire::ethernet::{self, EtherType};
use wire::packet::Packet;

use crate::guest::{Crossing, Sender};
use crate::icmp::Refusal;
use crate::io::BurstIo;
use crate::path::Path;

/// Not all fragments of a packet were made.
pub(crate) struct Broken<P> {
    /// Those that were, and that are on their way.
    pub(crate) made: u64,
    pub(crate) reason: DropReason,
    /// What is left of it.
    pub(crate) packet: P,
}

impl<Io: BurstIo> Path<Io> {
    /// Ends a guest's packet that exceeds the `path_mtu` octets which its way
    /// takes: tells the guest, or has `each` fragment of it sent, in order.
    #[cold]
    pub(crate) fn too_big(
        &mut self,
        sender: &Sender<'_>,
        crossing: &Crossing<'_>,
        packet: Io::Packet,
        path_mtu: u16,
        each: impl FnMut(&mut Self, Io::Packet),
    ) {
        if crossing.facts.dont_fragment {
            let growth = crossing.growth_bytes();
            let refusal = Refusal::too_big(path_mtu.saturating_sub(growth));
            return self.refuse(sender, refusal, packet);
        }
        match self.cut(crossing, packet, path_mtu, each) {
            Ok(fragments) => {
                let counters = &self.counters.worker;
                counters.icmp.fragmented.add(1);
                // One of them is the packet that came in.
                counters.generated.add(fragments - 1);
                self.count_options(crossing.facts);
            }
            Err(broken) => {
                self.counters.worker.generated.add(broken.made);
                self.drop_packet(sender.port, broken.reason, broken.packet);
            }
        }
    }

    /// Cuts a guest's packet into fragments that a path of `path_mtu` octets
    /// takes, and has `each` sent; returns how many they are.
    pub(crate) fn cut(
        &mut self,
        crossing: &Crossing<'_>,
        packet: Io::Packet,
        path_mtu: u16,
        each: impl FnMut(&mut Self, Io::Packet),
    ) -> Result<u64, Broken<Io::Packet>> {
        let head = |packet: &mut Io::Packet, piece| head(crossing, packet, piece);
        self.cut_into(crossing.facts, packet, path_mtu, head, each)
    }

    /// The same for a packet whose fragments get the head that `head` gives a
    /// packet with the payload of one and nothing else.
    pub(crate) fn cut_into(
        &mut self,
        facts: &Ipv4Facts,
        mut packet: Io::Packet,
        path_mtu: u16,
        head: impl Fn(&mut Io::Packet, Piece) -> Result<(), DropReason>,
        mut each: impl FnMut(&mut Self, Io::Packet),
    ) -> Result<u64, Broken<Io::Packet>> {
        let payload_at = ethernet::HEADER_BYTES + usize::from(facts.header_bytes);
        packet.truncate(ethernet::HEADER_BYTES + usize::from(facts.total_bytes));
        let unit = encode::fragment_unit_bytes(path_mtu);
        let (mut made, mut start) = (0, 0);
        loop {
            let rest = facts.payload_bytes() - start;
            if rest <= unit {
                packet.remove_front(payload_at + usize::from(start));
                let piece = Piece { start, bytes: rest };
                return match head(&mut packet, piece) {
                    Ok(()) => {
                        each(self, packet);
                        Ok(made + 1)
                    }
                    Err(reason) => Err(Broken {
                        made,
                        reason,
                        packet,
                    }),
                };
            }
            let octets = packet.bytes().get(payload_at + usize::from(start)..);
            let octets = octets.and_then(|octets| octets.get(..unit.into()));
            let piece = Piece { start, bytes: unit };
            let fragment = octets.and_then(|octets| self.io.allocate(octets));
            let headed = fragment
                .ok_or(DropReason::NoMbuf)
                .and_then(|mut fragment| head(&mut fragment, piece).map(|()| fragment));
            match headed {
                Ok(fragment) => each(self, fragment),
                Err(reason) => {
                    return Err(Broken {
                        made,
                        reason,
                        packet,
                    });
                }
            }
            made += 1;
            start += unit;
        }
    }
}

/// Makes a packet that holds the payload of one fragment a frame for the
/// substrate.
fn head<P: Packet>(
    crossing: &Crossing<'_>,
    packet: &mut P,
    piece: Piece,
) -> Result<(), DropReason> {
    let uplink = &crossing.tables.uplink;
    let next_hop = uplink.next_hop_mac.ok_or(DropReason::NoNextHop)?;
    // One that no receiver could put together: it begins beyond 65,535.
    let facts = piece
        .facts(crossing.facts)
        .ok_or(DropReason::EncodeTooBig)?;
    let rules = &crossing.tables.fabric.rules;
    encode::head_fragment(packet, &facts, &crossing.heading, rules)?;
    ethernet::write(packet.bytes_mut(), next_hop, uplink.mac, EtherType::IPV6);
    Ok(())
}
