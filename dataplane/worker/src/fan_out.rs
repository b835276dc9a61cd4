//! Copies: what makes one packet several.
//!
//! The original goes its way as if there were no copies: it is never delayed for
//! them, its place in the queue is before theirs, and a copy that cannot be
//! made costs it nothing. Each copy that is due is a packet more in the balance,
//! with a fate of its own. Of several copies the last is not a copy but the
//! frame that they were made from, where that is nobody else's.

use arrayvec::ArrayVec;
use tables::group::{CopyTo, FanOut, MEMBERS_MAX};
use tables::{Group, GroupIndex, PortIndex, Snapshot};
use wire::address::Prefix96;
use wire::copy;
use wire::drop_reason::DropReason;
use wire::ethernet::{self, EtherType};
use wire::packet::Packet;

use crate::io::BurstIo;
use crate::path::Path;

/// The members that shall get a copy of one packet.
pub(crate) type Targets<'a> = ArrayVec<&'a CopyTo, MEMBERS_MAX>;

/// What the copies of one packet have in common.
pub(crate) struct Spread<'a> {
    pub(crate) tables: &'a Snapshot,
    pub(crate) index: GroupIndex,
    pub(crate) group: &'a Group,
    /// Where the packet came in.
    pub(crate) port: PortIndex,
    /// This host's outer source in the group's network.
    pub(crate) source: &'a Prefix96,
    pub(crate) now_ns: u64,
}

impl Spread<'_> {
    /// Whether this host makes the copies of what its own nodes send.
    pub(crate) fn is_ours_to_make(&self) -> bool {
        let owner = self.group.owner.as_ref().map(|owner| owner.host);
        self.group.fan_out == FanOut::Sender || owner == Some(self.tables.host.index)
    }
}

impl<Io: BurstIo> Path<Io> {
    /// The members on other hosts that can have a copy of a frame of `bytes`
    /// octets on the substrate. The others are counted.
    pub(crate) fn targets<'a>(&mut self, spread: &Spread<'a>, bytes: usize) -> Targets<'a> {
        let members = &spread.group.copies;
        let mut targets = Targets::new();
        for to in members
            .iter()
            .filter(|to| to.host != spread.tables.host.index)
        {
            if self.is_affordable(spread, to, bytes) {
                targets.push(to);
            }
        }
        targets
    }

    /// Counts a copy that is due; whether it is within its budget.
    pub(crate) fn is_affordable(&mut self, spread: &Spread<'_>, to: &CopyTo, bytes: usize) -> bool {
        self.counters.worker.copied.add(1);
        let affordable = self
            .replication
            .affords(spread.index, to, bytes, spread.now_ns);
        if !affordable {
            self.not_made(spread, to, DropReason::CopyBudget);
        }
        affordable
    }

    /// Makes copies of `frame`, which is on its own way to the substrate as it
    /// is, for all of `targets`. It may not be written to from then on.
    pub(crate) fn copies_of(
        &mut self,
        spread: &Spread<'_>,
        frame: &mut Io::Packet,
        targets: &Targets<'_>,
    ) -> ArrayVec<Io::Packet, MEMBERS_MAX> {
        let mut copies = ArrayVec::new();
        for to in targets {
            match self.io.copy_head(frame, copy::HEAD_BYTES) {
                Some(copy) => copies.push(self.addressed(spread, copy, to)),
                None => self.not_made(spread, to, DropReason::NoMbuf),
            }
        }
        copies
    }

    /// Sends `frame`, a frame for the substrate that is on no way of its own, to
    /// all of `targets`.
    pub(crate) fn spread(
        &mut self,
        spread: &Spread<'_>,
        mut frame: Io::Packet,
        mut targets: Targets<'_>,
    ) {
        let Some(last) = targets.pop() else {
            return;
        };
        let copies = self.copies_of(spread, &mut frame, &targets);
        for copy in copies {
            self.send(PortIndex::UPLINK, copy);
        }
        // Octets that others share may not be written to any more.
        let own = match frame.bytes_mut().is_empty() {
            false => Some(frame),
            true => self.io.copy_head(&mut frame, copy::HEAD_BYTES),
        };
        match own {
            Some(own) => {
                let copy = self.addressed(spread, own, last);
                self.send(PortIndex::UPLINK, copy);
            }
            None => self.not_made(spread, last, DropReason::NoMbuf),
        }
    }

    /// Makes the primary's copies of an original in its substrate form, without
    /// padding.
    pub(crate) fn copy_onward(&mut self, spread: &Spread<'_>, frame: &[u8]) {
        let mut targets = self.targets(spread, frame.len());
        self.leave_out_narrow(spread, frame, &mut targets);
        if targets.is_empty() {
            return;
        }
        let uplink = &spread.tables.uplink;
        let next_hop = uplink.next_hop_mac.ok_or(DropReason::NoNextHop);
        let ready =
            next_hop.and_then(|mac| Ok((mac, self.io.allocate(frame).ok_or(DropReason::NoMbuf)?)));
        match ready {
            Ok((next_hop, mut frame)) => {
                ethernet::write(frame.bytes_mut(), next_hop, uplink.mac, EtherType::IPV6);
                self.spread(spread, frame, targets);
            }
            Err(reason) => self.none_made(spread, &targets, reason),
        }
    }

    /// Takes off `targets` those to which the path is too narrow for `frame`, and
    /// counts them. Their sender cannot be told: the path is not its own.
    fn leave_out_narrow(&self, spread: &Spread<'_>, frame: &[u8], targets: &mut Targets<'_>) {
        let (paths, bytes) = (
            &spread.tables.path_mtus,
            frame.len() - ethernet::HEADER_BYTES,
        );
        if paths.fits_everywhere(bytes) {
            return;
        }
        targets.retain(|to| {
            let fits = paths.fits(bytes, to.host);
            if !fits {
                self.not_made(spread, to, DropReason::EncodeTooBig);
            }
            fits
        });
    }

    /// Makes a frame the copy for a member, and counts it as sent.
    fn addressed(&mut self, spread: &Spread<'_>, mut frame: Io::Packet, to: &CopyTo) -> Io::Packet {
        copy::readdress(frame.bytes_mut(), spread.source, &to.prefix);
        self.count_sent(spread, to, frame.frame_bytes());
        frame
    }

    /// Counts a copy that is on its way.
    pub(crate) fn count_sent(&self, spread: &Spread<'_>, to: &CopyTo, bytes: usize) {
        let group = self.counters.group(spread.index);
        if let Some(copies) = group.and_then(|group| group.copies.get(usize::from(to.slot))) {
            copies.sent.packets.add(1);
            copies.sent.bytes.add(bytes as u64);
        }
    }

    /// Counts the copies that cannot be made, all for one reason.
    #[cold]
    pub(crate) fn none_made(&self, spread: &Spread<'_>, targets: &Targets<'_>, reason: DropReason) {
        for to in targets {
            self.not_made(spread, to, reason);
        }
    }

    /// Counts a copy that cannot be made, at the port where the original came in.
    #[cold]
    pub(crate) fn not_made(&self, spread: &Spread<'_>, to: &CopyTo, reason: DropReason) {
        self.counters.port(spread.port).drop(reason, 1);
        self.counters.worker.copies_not_made.add(1);
        let group = self.counters.group(spread.index);
        if let Some(copies) = group.and_then(|group| group.copies.get(usize::from(to.slot))) {
            match reason {
                DropReason::CopyBudget => copies.over_budget.add(1),
                _ => copies.failed.add(1),
            }
        }
    }
}
