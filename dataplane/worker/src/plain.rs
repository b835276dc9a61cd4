//! The straight way of plain packets between two hosts: what nearly every packet takes.
//!
//! A burst goes through two stages. The first reads each packet, decides by it alone whether it is
//! plain, and asks the cache for the table slots that it needs; the second looks up and writes the
//! new front, in place. What is not plain, and what the tables say something less common of (a
//! group, a node of this host, an address without a mapping, a sender that is not genuine), is left
//! as it came, and takes the long way of [`guest`](crate::guest) or
//! [`substrate`](crate::substrate), which says of every packet what becomes of it. Both ways do the
//! same to a packet that both could take; the order of a burst is kept.

use arrayvec::ArrayVec;
use tables::{Aim, Entry, Key, PortIndex, Snapshot};
use wire::decode;
use wire::encode::plain::{self as encode, Links, Stencil};
use wire::packet::Packet;

use crate::guest::{Sender, source_mac};
use crate::io::{BURST_PACKETS_MAX, Burst, BurstIo};
use crate::path::Path;

/// Some packets of a burst, a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subset(u32);

const _: () = assert!(BURST_PACKETS_MAX <= u32::BITS as usize);

impl Subset {
    /// The first `count` packets.
    fn first(count: usize) -> Self {
        Self(((1_u64 << count) - 1) as u32)
    }

    #[inline(always)]
    fn add_if(&mut self, at: usize, condition: bool) {
        self.0 |= u32::from(condition) << at;
    }

    #[inline(always)]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline(always)]
    pub(crate) fn contains(self, at: usize) -> bool {
        self.0 >> at & 1 != 0
    }
}

/// A guest's plain packet, its destination being looked up.
type FromGuest<'a> = (encode::Plain, Aim<'a>);

/// A plain packet from the substrate, its destination and its source being looked up.
type FromSubstrate<'a> = (decode::plain::Plain, Aim<'a>, Aim<'a>);

impl Sender<'_> {
    /// What its plain packets have in common; `None` while none can leave.
    fn stencil(&self, tables: &Snapshot) -> Option<Stencil> {
        let links = Links {
            node: self.node.mac,
            uplink: tables.uplink.mac,
            next_hop: tables.uplink.next_hop_mac?,
        };
        // The destination's prefix is the packet's own.
        let heading = self.heading(&self.node.prefix, 0, false);
        let path_mtu = tables.path_mtus.smallest();
        Stencil::new(
            links,
            self.node.address,
            &heading,
            path_mtu,
            &tables.fabric.rules,
        )
    }
}

impl<Io: BurstIo> Path<Io> {
    /// Re-heads the plain packets of a burst from a guest for the uplink. Returns the others.
    #[inline]
    pub(crate) fn rehead_plain(
        &mut self,
        tables: &Snapshot,
        sender: &Sender<'_>,
        burst: &mut Burst<Io::Packet>,
    ) -> Subset {
        let Some(stencil) = sender.stencil(tables) else {
            return Subset::first(burst.len());
        };
        let (network, subnet) = (sender.node.network, sender.node.subnet);
        let mut read: ArrayVec<Option<FromGuest<'_>>, BURST_PACKETS_MAX> = ArrayVec::new();
        for packet in burst.iter() {
            let plain = stencil.read(packet.bytes(), |to| u8::from(!subnet.contains(to)));
            read.push(plain.map(|plain| {
                let destination = tables.mappings.aim(Key::new(network, plain.destination));
                self.io.prefetch(destination.first_slot());
                (plain, destination)
            }));
        }

        let mut others = Subset::default();
        for (at, (packet, read)) in burst.iter_mut().zip(&read).enumerate() {
            let reheaded = read.as_ref().and_then(|(plain, destination)| {
                let owner = destination.find().filter(|to| is_elsewhere(tables, to))?;
                stencil.rehead(packet, plain, &owner.prefix)
            });
            others.add_if(at, reheaded.is_none());
        }
        others
    }

    /// Restores the plain packets of a burst from the substrate for their nodes, and says at which
    /// port each leaves. Returns the others, whose port is the uplink.
    #[inline]
    pub(crate) fn restore_plain(
        &mut self,
        tables: &Snapshot,
        burst: &mut Burst<Io::Packet>,
    ) -> (Subset, ArrayVec<PortIndex, BURST_PACKETS_MAX>) {
        let mut read: ArrayVec<Option<FromSubstrate<'_>>, BURST_PACKETS_MAX> = ArrayVec::new();
        for packet in burst.iter() {
            let plain = decode::plain::Plain::read(packet.bytes());
            read.push(plain.map(|plain| {
                let aim = |address| tables.mappings.aim(Key::new(plain.network, address));
                let (destination, source) = (aim(plain.destination), aim(plain.source));
                self.io.prefetch(destination.first_slot());
                self.io.prefetch(source.first_slot());
                (plain, destination, source)
            }));
        }

        let (mut others, mut ports) = (Subset::default(), ArrayVec::new());
        for (at, (packet, read)) in burst.iter_mut().zip(&read).enumerate() {
            let restored = read.as_ref().and_then(|(plain, destination, source)| {
                let to = destination.find()?;
                let port = to.local_port().filter(|_| is_plainly_here(tables, to))?;
                let from = source
                    .find()
                    .filter(|from| speaks_from_afar(tables, from))?;
                if !plain.is_genuine(packet.bytes(), &from.prefix, &to.prefix, from.generation) {
                    return None;
                }
                let receiver = tables.node(port)?;
                let source = source_mac(receiver, plain.source);
                let local_id = || self.local_ids.take(port);
                plain.restore(packet, receiver.mac, source, local_id, &tables.fabric.rules)?;
                Some(port)
            });
            others.add_if(at, restored.is_none());
            ports.push(restored.unwrap_or(PortIndex::UPLINK));
        }
        (others, ports)
    }
}

/// Whether packets for an address cross the substrate, to one host.
#[inline(always)]
fn is_elsewhere(tables: &Snapshot, to: &Entry) -> bool {
    to.group.is_none() && to.port.is_none() && to.owner != tables.host.index
}

/// Whether an address lives on this host and nowhere else.
#[inline(always)]
fn is_plainly_here(tables: &Snapshot, to: &Entry) -> bool {
    to.group.is_none() && to.owner == tables.host.index
}

/// Whether an address has an owner on another host.
#[inline(always)]
fn speaks_from_afar(tables: &Snapshot, from: &Entry) -> bool {
    let has_owner = |group| {
        tables
            .group(group)
            .is_none_or(|group| group.owner.is_some())
    };
    from.owner != tables.host.index && from.group.is_none_or(has_owner)
}
