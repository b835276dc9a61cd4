//! What one worker keeps about groups between packets.

use tables::counters::WorkerCounters;
use tables::group::{CopyTo, MEMBERS_MAX};
use tables::notice::{NOTICE_INTERVAL_NS, Notice, NoticeSender};
use tables::{GroupIndex, HostIndex, PortIndex, Snapshot};
use wire::ethernet;

use crate::budget::Bucket;
use crate::buffer::Buffer;
use crate::gate::Gate;
use crate::io::BURST_PACKETS_MAX;
use crate::replay::Replay;

/// The state of groups at one worker. Sized by the first snapshot; a group that
/// comes later would find no room here, and gets no copies.
pub(crate) struct Replication {
    /// Among how many workers a budget is shared.
    shares: u64,
    /// By group and slot.
    buckets: Box<[[Bucket; MEMBERS_MAX]]>,
    /// By group; `None` without a member here.
    pub(crate) buffers: Box<[Option<MemberBuffer>]>,
    /// Buffers with frames in them.
    pub(crate) holding: usize,
    /// When each host was last noticed at a fenced member, by group and host.
    noticed_ns: Box<[Option<Box<[u64]>>]>,
    /// By port, what the last burst of its node found.
    gates: Box<[Gate]>,
    /// By port, whether its node has sent something since its gate opened.
    answered: Box<[bool]>,
}

/// A member's buffer, and how fast its port takes what comes out of it.
pub(crate) struct MemberBuffer {
    pub(crate) frames: Buffer,
    /// Frames to try at once the next time.
    pub(crate) attempt_packets: usize,
    /// Not before this.
    pub(crate) next_attempt_ns: u64,
    /// How far the frames were played again.
    pub(crate) replay: Replay,
    /// What was received until then may leave in this round.
    pub(crate) due_ns: u64,
    /// The planned move, by the discard that came with it, for which what was kept before was
    /// dropped.
    pub(crate) moved_ns: u64,
}

impl Replication {
    /// For one of `workers` workers of a host that knows `tables` when it starts.
    pub(crate) fn new(tables: &Snapshot, counters: &WorkerCounters, workers: u16) -> Self {
        let frame_bytes_max = ethernet::HEADER_BYTES + usize::from(tables.uplink.mtu);
        let buffer = |limits| MemberBuffer {
            frames: Buffer::new(limits, workers, frame_bytes_max),
            attempt_packets: BURST_PACKETS_MAX,
            next_attempt_ns: 0,
            replay: Replay::default(),
            due_ns: 0,
            moved_ns: 0,
        };
        let hosts = counters.groups().next().map_or(0, |group| group.hosts());
        let members = || tables.groups.iter().map(|group| group.local.as_ref());
        Self {
            shares: workers.max(1).into(),
            buckets: vec![[Bucket::default(); MEMBERS_MAX]; tables.groups.len()].into(),
            buffers: members()
                .map(|member| member.map(|member| buffer(&member.limits)))
                .collect(),
            holding: 0,
            noticed_ns: members()
                .map(|member| member.map(|_| vec![0; hosts].into()))
                .collect(),
            gates: vec![Gate::default(); 1 + tables.nodes.len()].into(),
            answered: vec![false; 1 + tables.nodes.len()].into(),
        }
    }

    /// Whether a member here has frames in its buffer.
    #[inline]
    pub(crate) fn is_holding(&self, group: GroupIndex) -> bool {
        self.holding > 0
            && matches!(self.buffers.get(group.index()), Some(Some(buffer)) if !buffer.frames.is_empty())
    }

    /// Whether a copy of `bytes` octets is within the member's budget; if so it
    /// is paid for.
    #[inline]
    pub(crate) fn affords(
        &mut self,
        group: GroupIndex,
        to: &CopyTo,
        bytes: usize,
        now_ns: u64,
    ) -> bool {
        let Some(budget) = &to.budget else {
            return true;
        };
        let buckets = self.buckets.get_mut(group.index());
        let bucket = buckets.and_then(|slots| slots.get_mut(usize::from(to.slot)));
        bucket.is_some_and(|bucket| bucket.take(budget, bytes as u64, self.shares, now_ns))
    }

    /// Tells the controller that `sender` sent to the fenced member here, unless
    /// it was told a moment ago.
    #[cold]
    pub(crate) fn notice_fenced(
        &mut self,
        notices: &mut NoticeSender,
        group: GroupIndex,
        sender: HostIndex,
        now_ns: u64,
    ) {
        let hosts = self.noticed_ns.get_mut(group.index());
        let last_ns = hosts.and_then(|hosts| hosts.as_mut()?.get_mut(usize::from(sender.0)));
        if let Some(last_ns) = last_ns
            && (*last_ns == 0 || now_ns.saturating_sub(*last_ns) >= NOTICE_INTERVAL_NS)
            && notices.push(Notice::Fenced { group, sender })
        {
            *last_ns = now_ns.max(1);
        }
    }

    /// The gate of a port has changed: what its node says next is a first answer.
    pub(crate) fn set_gate(&mut self, port: PortIndex, gate: Gate) {
        let at = port.index();
        if let (Some(known), Some(answered)) = (self.gates.get_mut(at), self.answered.get_mut(at)) {
            (*known, *answered) = (gate, false);
        }
    }

    /// Packets of a member's node pass. Tells the controller of the first ones.
    #[inline]
    pub(crate) fn answers(
        &mut self,
        notices: &mut NoticeSender,
        port: PortIndex,
        group: GroupIndex,
        at_ns: u64,
    ) {
        if let Some(answered) = self.answered.get_mut(port.index())
            && !*answered
        {
            *answered = notices.push(Notice::FirstAnswer { group, at_ns });
        }
    }

    /// What the node behind a port was last allowed.
    #[inline]
    pub(crate) fn gate(&self, port: PortIndex) -> Gate {
        self.gates.get(port.index()).copied().unwrap_or_default()
    }
}
