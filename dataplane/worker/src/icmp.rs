//! What a guest is told by ICMP about packets that it sent: by the virtual router
//! of its subnet, and at most so often.
//!
//! An error is a packet more: what it answers ends under its own reason.

use tables::{LocalNode, PortIndex};
use wire::drop_reason::DropReason;
use wire::ethernet::{self, EtherType, MacAddress};
use wire::icmpv4;
use wire::ipv4;
use wire::packet::Packet;

use crate::guest::Sender;
use crate::io::BurstIo;
use crate::path::Path;

/// The longest frame of an error.
pub(crate) const FRAME_BYTES_MAX: usize = ethernet::HEADER_BYTES + icmpv4::ERROR_PACKET_BYTES_MAX;

/// Between two errors to one guest, in the long run: 100 a second.
const ERROR_COST_NS: u64 = 10_000_000;

/// How far a guest may run ahead of that: 50 errors at once.
const BURST_NS: u64 = 49 * ERROR_COST_NS;

/// Why a guest's packet ends, and what the guest is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: DropReason,
    pub(crate) answer: Option<icmpv4::Error>,
}

impl From<DropReason> for Refusal {
    /// Silence.
    #[inline]
    fn from(reason: DropReason) -> Self {
        Self {
            reason,
            answer: None,
        }
    }
}

impl Refusal {
    /// Its TTL does not reach past the virtual router (section 9).
    pub(crate) const TTL: Self = Self {
        reason: DropReason::EncodeTtl,
        answer: Some(icmpv4::Error::TimeExceeded),
    };

    /// It may not be cut, and the path takes less (section 4).
    pub(crate) const fn too_big(next_hop_mtu: u16) -> Self {
        Self {
            reason: DropReason::EncodeTooBig,
            answer: Some(icmpv4::Error::FragmentationNeeded { next_hop_mtu }),
        }
    }
}

/// How many errors each guest of a worker had of late: a token bucket, kept as
/// the moment at which it is full again.
pub(crate) struct Allowances {
    /// By port.
    full_ns: Box<[u64]>,
}

impl Allowances {
    pub(crate) fn new(ports: usize) -> Self {
        Self {
            full_ns: vec![0; ports].into(),
        }
    }

    /// Whether the guest behind `port` may have an error now; if so it counts.
    pub(crate) fn take(&mut self, port: PortIndex, now_ns: u64) -> bool {
        let Some(full_ns) = self.full_ns.get_mut(port.index()) else {
            return false;
        };
        if *full_ns > now_ns.saturating_add(BURST_NS) {
            return false;
        }
        *full_ns = (*full_ns).max(now_ns).saturating_add(ERROR_COST_NS);
        true
    }
}

impl<Io: BurstIo> Path<Io> {
    /// Ends a guest's packet, and tells the guest if there is something to tell.
    #[cold]
    pub(crate) fn refuse(
        &mut self,
        sender: &Sender<'_>,
        refusal: impl Into<Refusal>,
        packet: Io::Packet,
    ) {
        let Refusal { reason, answer } = refusal.into();
        if let Some(error) = answer {
            self.answer(sender, error, &packet);
        }
        self.drop_packet(sender.port, reason, packet);
    }

    /// Tells a guest about a packet, which is as it sent it.
    fn answer(&mut self, sender: &Sender<'_>, error: icmpv4::Error, packet: &Io::Packet) {
        let Some((ethernet, quoted)) = ethernet::parse(packet.bytes()) else {
            return;
        };
        // RFC 1122 section 3.2.2: nor if the frame was for more than one station.
        if ethernet.destination.is_multicast() || !icmpv4::may_answer(quoted) {
            return;
        }
        if !self.may_tell(sender.port) {
            return;
        }
        // Padding of the frame is no part of the packet.
        let bytes = ipv4::peek(quoted).map_or(0, |header| usize::from(header.total_bytes.get()));
        let quoted = &quoted[..bytes.min(quoted.len())];
        let mut frame = [0; FRAME_BYTES_MAX];
        let bytes = write_error(&mut frame, sender.node, error, quoted);
        // Without a buffer the guest hears it the next time.
        if let Some(told) = self.io.allocate(&frame[..bytes]) {
            self.counters.worker.generated.add(1);
            self.counters.worker.icmp.errors.add(1);
            self.send(sender.port, told);
        }
    }

    /// Whether the guest behind `port` may have an error now; counted if not.
    pub(crate) fn may_tell(&mut self, port: PortIndex) -> bool {
        let may = self.allowances.take(port, self.io.now_ns());
        if !may {
            self.counters.worker.icmp.errors_limited.add(1);
        }
        may
    }
}

/// Writes the frame that tells `node` about the packet that it sent and that
/// begins with `quoted`; returns its length.
pub(crate) fn write_error(
    frame: &mut [u8; FRAME_BYTES_MAX],
    node: &LocalNode,
    error: icmpv4::Error,
    quoted: &[u8],
) -> usize {
    let router = node.subnet.gateway;
    // Not always the node's own: of a node behind which others lie, theirs.
    let sender = ipv4::peek(quoted).map_or(node.address, ipv4::Header::source);
    let bytes = ethernet::HEADER_BYTES + icmpv4::error_bytes(quoted.len());
    let (l2, ip) = frame[..bytes].split_at_mut(ethernet::HEADER_BYTES);
    icmpv4::write_error(ip, error, router, sender, quoted);
    ethernet::write(
        l2,
        node.mac,
        MacAddress::virtual_of(router),
        EtherType::IPV4,
    );
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: PortIndex = PortIndex(1);
    const C: PortIndex = PortIndex(2);

    #[test]
    fn a_guest_has_fifty_errors_at_once_and_then_a_hundred_a_second() {
        let mut allowances = Allowances::new(3);
        let at_once = |allowances: &mut Allowances, port, now_ns| {
            (0..1_000).filter(|_| allowances.take(port, now_ns)).count()
        };
        let start_ns = 7_000_000_000;
        assert_eq!(at_once(&mut allowances, A, start_ns), 50);
        assert_eq!(at_once(&mut allowances, C, start_ns), 50, "each its own");
        let second = |ms: u64| start_ns + ms * 1_000_000;
        let later: usize = (1..=1_000)
            .map(|ms| at_once(&mut allowances, A, second(ms)))
            .sum();
        assert_eq!(later, 100);
        assert_eq!(at_once(&mut allowances, A, second(60_000)), 50);
        assert!(!allowances.take(PortIndex(9), 0), "no such port");
    }
}
