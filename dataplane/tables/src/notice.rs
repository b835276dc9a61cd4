//! What a worker tells the controller beside its counters.
//!
//! Like a punt ring it has one writer and one reader, and neither ever waits. A
//! notice that finds no room is lost: what it is about happens again with the
//! next packet.

use rtrb::{Consumer, Producer, RingBuffer};

use crate::group::GroupIndex;
use crate::mappings::{HostIndex, Key};

/// Something that the controller should act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A host sent to the fenced member of this host: it does not know the
    /// newer epoch. Told at most every [`NOTICE_INTERVAL_NS`] for each group and
    /// host by each worker.
    Fenced {
        /// The group.
        group: GroupIndex,
        /// The host that sent the packet.
        sender: HostIndex,
    },
    /// A router could not forward a packet of this host: it was too big. Told
    /// while the tables know no path MTU as low as that.
    PathMtu {
        /// The host that the packet was for.
        host: HostIndex,
        /// The largest packet that the router's next link takes, in octets, not
        /// below [`PATH_MTU_MIN`](crate::path_mtu::PATH_MTU_MIN).
        mtu: u16,
    },
    /// A router says that a host cannot be reached. Told at most every
    /// [`NOTICE_INTERVAL_NS`] for each host by each worker.
    Unreachable {
        /// The host that the packet was for.
        host: HostIndex,
        /// Network and virtual address that it was for.
        destination: Key,
        /// The code of the ICMPv6 message (RFC 4443 section 3.1).
        code: u8,
    },
    /// The node of the member of this host has sent something that passed, for
    /// the first time since it might not.
    FirstAnswer {
        /// The group.
        group: GroupIndex,
        /// When its burst was taken, on the process's clock.
        at_ns: u64,
    },
}

/// The shortest time between two equal notices of a worker.
pub const NOTICE_INTERVAL_NS: u64 = 100_000_000;

/// The worker's end.
#[derive(Debug)]
pub struct NoticeSender(Producer<Notice>);

/// The controller's end.
#[derive(Debug)]
pub struct NoticeReceiver(Consumer<Notice>);

/// A ring for `capacity` notices.
#[must_use]
pub fn notice_ring(capacity: usize) -> (NoticeSender, NoticeReceiver) {
    let (producer, consumer) = RingBuffer::new(capacity);
    (NoticeSender(producer), NoticeReceiver(consumer))
}

impl NoticeSender {
    /// Whether there was room for it.
    pub fn push(&mut self, notice: Notice) -> bool {
        self.0.push(notice).is_ok()
    }
}

impl NoticeReceiver {
    /// The oldest notice.
    pub fn pop(&mut self) -> Option<Notice> {
        self.0.pop().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_loses_the_newest_and_says_so() {
        let notice = |host| Notice::Fenced {
            group: GroupIndex::new(0).expect("a position"),
            sender: HostIndex(host),
        };
        let (mut sender, mut receiver) = notice_ring(2);
        assert!(sender.push(notice(1)) && sender.push(notice(2)));
        assert!(!sender.push(notice(3)));
        assert_eq!(receiver.pop(), Some(notice(1)));
        assert!(sender.push(notice(4)));
        assert_eq!(receiver.pop(), Some(notice(2)));
        assert_eq!(receiver.pop(), Some(notice(4)));
        assert_eq!(receiver.pop(), None);
    }
}
