//! What a member does with a packet that reached its host: docs/wire.md section
//! 5, and rules 9 and 13 of failover.

use tables::group::{Copies, CopyWindow, FanOut, Owner};
use tables::{Group, HostIndex, LocalMember, Role};
use wire::drop_reason::DropReason;

/// What of a packet a role depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// C: it is a copy.
    pub(crate) copy: bool,
    /// The host that sent it, by its outer source.
    pub(crate) from: HostIndex,
    /// When it came.
    pub(crate) now_ns: u64,
}

/// What is to be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The guest gets it.
    Deliver,
    /// It is appended to the buffer.
    Keep,
    /// The new owner gets it.
    Forward(Owner),
    /// It is dropped.
    Refuse(DropReason),
}

/// Decides. `holding` is whether the buffer has frames, behind which later ones
/// must stay.
#[inline]
pub(crate) fn decide(
    group: &Group,
    member: &LocalMember,
    arrival: Arrival,
    holding: bool,
) -> Decision {
    if group.owner.is_none() {
        return Decision::Refuse(DropReason::DecodeNoOwner);
    }
    let in_order = if holding {
        Decision::Keep
    } else {
        Decision::Deliver
    };
    match member.role {
        Role::Fenced => Decision::Refuse(DropReason::DecodeFenced),
        Role::Replica => match member.copies {
            Copies::Deliver => in_order,
            Copies::Buffer => Decision::Keep,
        },
        Role::Primary { .. } if refused_in_window(member, arrival) => {
            Decision::Refuse(DropReason::DecodeDuplicateCopy)
        }
        Role::Primary { hold: true } => Decision::Keep,
        Role::Primary { hold: false } => in_order,
        Role::Forwarding { to, prefix } => match (arrival.copy, member.copies) {
            // The sender knows the move: this is its copy for what is a replica
            // again.
            (true, Copies::Deliver) => Decision::Deliver,
            (true, Copies::Buffer) => Decision::Refuse(DropReason::DecodeDuplicateCopy),
            (false, _) if holding => Decision::Keep,
            (false, _) => Decision::Forward(Owner { host: to, prefix }),
        },
    }
}

/// The same for a packet to a group or to all. Each member's host gets one from the sender
/// itself, so that none is passed on, and none comes by way of the former owner.
pub(crate) fn decide_for_many(group: &Group, member: &LocalMember, holding: bool) -> Decision {
    let original = Arrival {
        copy: false,
        from: HostIndex(u16::MAX),
        now_ns: 0,
    };
    match decide(group, member, original, holding) {
        Decision::Forward(_) => match member.copies {
            Copies::Deliver => Decision::Deliver,
            Copies::Buffer => Decision::Refuse(DropReason::DecodeDuplicateCopy),
        },
        decision => decision,
    }
}

/// Whether the owner's host makes the copies of an original with this fate, in
/// this role, and now. It does when the packet leaves, be it for the guest or
/// for the new owner: one that is kept may yet go either way, and the member
/// that it is passed on to must not have a copy as well.
#[inline]
pub(crate) fn copies_now(group: &Group, member: &LocalMember, decision: Decision) -> bool {
    group.fan_out == FanOut::Primary
        && match decision {
            Decision::Deliver => matches!(member.role, Role::Primary { .. }),
            Decision::Forward(_) => true,
            Decision::Keep | Decision::Refuse(_) => false,
        }
}

/// Whether the old owner alone may send copies, and this is another's.
#[inline]
fn refused_in_window(member: &LocalMember, arrival: Arrival) -> bool {
    arrival.copy && window(member, arrival.now_ns).is_some_and(|window| window.host != arrival.from)
}

/// The time after a planned move, if it is that.
#[inline]
pub(crate) fn window(member: &LocalMember, now_ns: u64) -> Option<&CopyWindow> {
    let window = member.copy_from.as_ref()?;
    (now_ns < window.until_ns).then_some(window)
}
