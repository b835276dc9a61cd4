//! The changes of a record, each as a function of the record before. The epoch is set by who
//! decides.

use messages::{GroupState, HostId, Member, MemberState, Owner, Record};

use crate::planted::{self, Slip};

/// Sets the state of a member; nothing for a host that is none.
pub(super) fn set_member(record: &mut Record, host: HostId, state: MemberState) {
    for member in record
        .members
        .iter_mut()
        .filter(|member| member.host == host)
    {
        member.state = state;
    }
}

/// Members other than the owner that are listed in-sync, in the order of rank.
pub(super) fn followers(record: &Record) -> impl Iterator<Item = HostId> + '_ {
    let owner = record.owner.map(|owner| owner.host);
    let members = record.members.iter();
    members
        .filter(move |member| member.state == MemberState::InSync && Some(member.host) != owner)
        .map(|member| member.host)
}

/// Active, Solo or NoOwner, as owner and members say. A planned move goes on while its target may
/// follow the owner.
pub(super) fn settle(record: &mut Record) {
    let moving = match record.state {
        GroupState::Handover { to } => followers(record).any(|host| host == to),
        GroupState::Active | GroupState::Solo | GroupState::NoOwner => false,
    };
    if record.owner.is_none() {
        record.state = GroupState::NoOwner;
    } else if !moving {
        record.state = if followers(record).next().is_some() {
            GroupState::Active
        } else {
            GroupState::Solo
        };
    }
}

/// The address changes its owner. The one before is no longer in-sync, and of the others only those
/// stay so that the manager hears.
pub(super) fn pass_to(before: &Record, owner: Owner, heard: impl Fn(HostId) -> bool) -> Record {
    let mut record = before.clone();
    let deposed = before.owner.map(|owner| owner.host);
    for member in &mut record.members {
        let keeps = heard(member.host) && Some(member.host) != deposed;
        let keeps = keeps || (planted::is_on(Slip::DeposedCounted) && Some(member.host) == deposed);
        if member.state == MemberState::InSync && !keeps {
            member.state = MemberState::Joining;
        }
    }
    if record.member(owner.host).is_none() {
        record.members.push(Member {
            host: owner.host,
            state: MemberState::InSync,
        });
    }
    set_member(&mut record, owner.host, MemberState::InSync);
    record.owner = Some(owner);
    if !planted::is_on(Slip::GenerationKept) {
        record.generation += 1;
    }
    record.state = GroupState::Active;
    settle(&mut record);
    record
}

/// Nobody owns the address.
pub(super) fn pass_to_nobody(before: &Record, heard: impl Fn(HostId) -> bool) -> Record {
    let mut record = before.clone();
    let deposed = before.owner.map(|owner| owner.host);
    for member in &mut record.members {
        let keeps = heard(member.host) && Some(member.host) != deposed;
        if member.state == MemberState::InSync && !keeps {
            member.state = MemberState::Joining;
        }
    }
    record.owner = None;
    record.state = GroupState::NoOwner;
    record
}

/// Members fall back to joining; the owner goes on.
pub(super) fn demote(before: &Record, hosts: impl Iterator<Item = HostId>) -> Record {
    let mut record = before.clone();
    let owner = before.owner.map(|owner| owner.host);
    for host in hosts.filter(|host| Some(*host) != owner) {
        if record.member(host) == Some(MemberState::InSync) {
            set_member(&mut record, host, MemberState::Joining);
        }
    }
    settle(&mut record);
    record
}

/// A member may follow the owner from now on.
pub(super) fn list_in_sync(before: &Record, hosts: impl Iterator<Item = HostId>) -> Record {
    let mut record = before.clone();
    for host in hosts {
        set_member(&mut record, host, MemberState::InSync);
    }
    settle(&mut record);
    record
}

/// A host becomes a member, joining, in this rank from 1; without one where it was before, or last.
pub(super) fn add_member(before: &Record, host: HostId, rank: Option<u32>) -> Record {
    let mut record = before.clone();
    let known = record.members.iter().position(|member| member.host == host);
    if let Some(known) = known {
        record.members.remove(known);
    }
    let last = record.members.len();
    let place = match rank {
        Some(rank) => usize::try_from(rank.saturating_sub(1)).unwrap_or(last),
        None => known.unwrap_or(last),
    };
    let joining = Member {
        host,
        state: MemberState::Joining,
    };
    record.members.insert(place.min(last), joining);
    record
}

/// A member is struck.
pub(super) fn remove_member(before: &Record, host: HostId) -> Record {
    let mut record = before.clone();
    set_member(&mut record, host, MemberState::Removed);
    settle(&mut record);
    record
}

/// The members that the configuration names, in its order; what they were they stay.
pub(super) fn reset(before: &Record, members: &[HostId]) -> Record {
    let mut record = before.clone();
    let configured = members.iter().map(|host| Member {
        host: *host,
        state: match before.member(*host) {
            Some(state @ (MemberState::InSync | MemberState::Joining)) => state,
            Some(MemberState::Removed) | None => MemberState::Joining,
        },
    });
    let struck = before
        .members
        .iter()
        .filter(|member| !members.contains(&member.host));
    let struck = struck.map(|member| Member {
        host: member.host,
        state: MemberState::Removed,
    });
    record.members = configured.chain(struck).collect();
    settle(&mut record);
    record
}
