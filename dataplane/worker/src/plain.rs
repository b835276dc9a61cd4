//! The straight way of plain packets between two hosts: what nearly every packet takes.
//!
//! A burst goes through two stages. The first reads each packet, decides by it alone whether it is
//! plain, and asks the cache for the table slots that it needs; the second looks up and writes the
//! new front, in place. What is not plain, and what the tables say something less common of (a
//! member or a node of this host, an address without a mapping, a sender that is not genuine), is
//! left as it came, and takes the long way of [`guest`](crate::guest) or
//! [`substrate`](crate::substrate), which says of every packet what becomes of it. Both ways do the
//! same to a packet that both could take; the order of a burst is kept.

use arrayvec::ArrayVec;
use tables::{Aim, Entry, GroupIndex, Key, PortIndex, Snapshot};
use wire::decode::plain as decode;
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
    fn remove_if(&mut self, at: usize, condition: bool) {
        self.0 &= !(u32::from(condition) << at);
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

/// The packets of a burst that are originals for a group's owner, and the groups.
pub(crate) struct Originals {
    packets: Subset,
    groups: [Option<GroupIndex>; BURST_PACKETS_MAX],
}

impl Originals {
    /// None yet.
    pub(crate) fn none() -> Self {
        Self {
            packets: Subset::default(),
            groups: [None; BURST_PACKETS_MAX],
        }
    }

    /// Re-heads those of `others` that are plain and for a group whose owner is on another host, with
    /// no member here. Apart from the loop of packets that are for no group, and with a stencil of its
    /// own, so that it costs them nothing.
    #[inline(never)]
    fn rehead<P: Packet>(
        &mut self,
        tables: &Snapshot,
        stencil: Stencil,
        plain: &[FromGuest<'_>],
        burst: &mut Burst<P>,
        others: &mut Subset,
    ) {
        for (at, read, destination) in plain {
            if !others.contains(*at) {
                continue;
            }
            let reheaded = destination.find().and_then(|owner| {
                let group = owner.group.filter(|group| has_owner(tables, *group))?;
                crosses(tables, owner)
                    .then(|| stencil.rehead(&mut burst[*at], read, &owner.prefix))??;
                Some(group)
            });
            self.groups[*at] = reheaded;
            self.packets.add_if(*at, reheaded.is_some());
            others.remove_if(*at, reheaded.is_some());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// The group that a packet is for.
    pub(crate) fn group(&self, at: usize) -> Option<GroupIndex> {
        self.groups[at]
    }
}

/// What the first stage leaves for the second of each plain packet.
type Plain<T> = ArrayVec<T, BURST_PACKETS_MAX>;

/// A guest's: where in the burst it is, what was read, and its destination, being looked up.
type FromGuest<'a> = (usize, encode::Plain, Aim<'a>);

/// One from the substrate: the same, with destination and source.
type FromSubstrate<'a> = (usize, decode::Plain, Aim<'a>, Aim<'a>);

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
    /// Re-heads the plain packets of a burst from a guest for the uplink. `originals` are those of
    /// them that are for a group's owner. Returns the others.
    /// Its second stage takes 16 % of a worker's time with one mapping and packets in the
    /// cache (2026-11-25, the two-core lab machine; docs/benchmarks.md).
    pub(crate) fn rehead_plain(
        &mut self,
        tables: &Snapshot,
        sender: &Sender<'_>,
        burst: &mut Burst<Io::Packet>,
        originals: &mut Originals,
    ) -> Subset {
        let Some(stencil) = sender.stencil(tables) else {
            return Subset::first(burst.len());
        };
        let mut plain = Plain::new();
        let mut others = self.read_from_guest(tables, sender, &stencil, burst, &mut plain);
        for (at, read, destination) in &plain {
            let packet = &mut burst[*at];
            let reheaded = destination.find().and_then(|owner| {
                is_elsewhere(tables, owner).then(|| stencil.rehead(packet, read, &owner.prefix))?
            });
            others.add_if(*at, reheaded.is_none());
        }
        if !others.is_empty() {
            originals.rehead(tables, stencil, &plain, burst, &mut others);
        }
        others
    }

    /// The first stage of a burst from a guest: 29 % of a worker's time, measured likewise.
    // A function by itself, as each stage: together they have more values than there are registers.
    #[inline(never)]
    fn read_from_guest<'a>(
        &self,
        tables: &'a Snapshot,
        sender: &Sender<'_>,
        stencil: &Stencil,
        burst: &Burst<Io::Packet>,
        plain: &mut Plain<FromGuest<'a>>,
    ) -> Subset {
        let (network, subnet) = (sender.node.network, &sender.node.subnet);
        let mut others = Subset::default();
        for (at, packet) in burst.iter().enumerate() {
            let read = stencil.read(packet.bytes(), |to| u8::from(!subnet.contains(to)));
            let Some(read) = read else {
                others.add_if(at, true);
                continue;
            };
            let destination = tables.mappings.aim(Key::new(network, read.destination));
            self.io.prefetch(destination.first_slot());
            // The new front reaches into a line that nobody has touched yet.
            packet.prefetch_before(encode::GROWTH_BYTES);
            plain.push((at, read, destination));
        }
        others
    }

    /// Restores the plain packets of a burst from the substrate for their nodes. `ports` says at
    /// which port each of them leaves. Returns the others.
    pub(crate) fn restore_plain(
        &mut self,
        tables: &Snapshot,
        burst: &mut Burst<Io::Packet>,
        ports: &mut [PortIndex; BURST_PACKETS_MAX],
    ) -> Subset {
        let mut plain = Plain::new();
        let mut others = self.read_from_substrate(tables, burst, &mut plain);
        for (at, read, destination, source) in &plain {
            let packet = &mut burst[*at];
            let restored = destination.find().and_then(|to| {
                let port = to.local_port().filter(|_| is_plainly_here(tables, to))?;
                let from = source
                    .find()
                    .filter(|from| speaks_from_afar(tables, from))?;
                if !read.is_genuine(packet.bytes(), &from.prefix, &to.prefix, from.generation) {
                    return None;
                }
                let receiver = tables.node(port)?;
                let source = source_mac(receiver, read.source);
                let local_id = || self.local_ids.take(port);
                let rules = &tables.fabric.rules;
                read.restore(packet, receiver.mac, source, local_id, rules)?;
                ports[*at] = port;
                Some(())
            });
            others.add_if(*at, restored.is_none());
        }
        others
    }

    /// The first stage of a burst from the substrate.
    #[inline(never)]
    fn read_from_substrate<'a>(
        &self,
        tables: &'a Snapshot,
        burst: &Burst<Io::Packet>,
        plain: &mut Plain<FromSubstrate<'a>>,
    ) -> Subset {
        let mut others = Subset::default();
        for (at, packet) in burst.iter().enumerate() {
            let Some(read) = decode::Plain::read(packet.bytes()) else {
                others.add_if(at, true);
                continue;
            };
            let aim = |address| tables.mappings.aim(Key::new(read.network, address));
            let (destination, source) = (aim(read.destination), aim(read.source));
            self.io.prefetch(destination.first_slot());
            self.io.prefetch(source.first_slot());
            plain.push((at, read, destination, source));
        }
        others
    }
}

/// Whether packets for an address cross the substrate, to one host.
#[inline(always)]
fn is_elsewhere(tables: &Snapshot, to: &Entry) -> bool {
    to.group.is_none() && crosses(tables, to)
}

/// Whether packets for an address cross the substrate, and none of them stays here.
#[inline(always)]
fn crosses(tables: &Snapshot, to: &Entry) -> bool {
    to.port.is_none() && to.owner != tables.host.index
}

/// Whether an address lives on this host and nowhere else.
#[inline(always)]
fn is_plainly_here(tables: &Snapshot, to: &Entry) -> bool {
    to.group.is_none() && to.owner == tables.host.index
}

/// Whether an address has an owner on another host.
#[inline(always)]
fn speaks_from_afar(tables: &Snapshot, from: &Entry) -> bool {
    let is_owned = |group| has_owner(tables, group);
    from.owner != tables.host.index && from.group.is_none_or(is_owned)
}

/// Whether somebody speaks for a group's address.
#[inline(always)]
fn has_owner(tables: &Snapshot, group: GroupIndex) -> bool {
    let group = tables.group(group);
    group.is_some_and(|group| group.owner.is_some())
}
