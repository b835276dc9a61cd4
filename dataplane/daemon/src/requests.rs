//! What operators ask of groups, in the words of the failover protocol, and the answers in theirs.

use api::{ApiError, Checkpoint, Done, ErrorKind, GroupKey, GroupRequest};
use config::Config;
use messages::body::{Answer, CheckpointPhase, Refusal, Request};
use messages::{GroupId, HostId};

use crate::replication::{group_id, host_id};

/// The request for the manager, or for the owner's host.
///
/// # Errors
/// A sentence about a host that there is not.
pub(crate) fn request(
    config: &Config,
    group: GroupKey,
    asked: &GroupRequest,
) -> Result<Request, ApiError> {
    let group = GroupId::new(group.network, group.address);
    let host = |name: &str| host(config, name);
    let optional = |name: &Option<String>| name.as_deref().map(host).transpose();
    Ok(match asked {
        GroupRequest::Promote(promote) => Request::Promote {
            group,
            to: optional(&promote.to)?,
            fenced: promote.fenced,
        },
        GroupRequest::Move(go) => Request::Move {
            group,
            to: optional(&go.to)?,
        },
        GroupRequest::Checkpoint(part) => Request::Checkpoint {
            group,
            phase: match *part {
                Checkpoint::Whole => CheckpointPhase::Whole,
                Checkpoint::Begin => CheckpointPhase::Begin,
                Checkpoint::Commit { number } => CheckpointPhase::Commit { number },
            },
        },
        GroupRequest::AddMember(add) => Request::AddMember {
            group,
            host: with_the_address(config, group, host(&add.host)?, &add.host)?,
            rank: match add.rank {
                Some(0) => return Err(ApiError::new(ErrorKind::Invalid, "ranks begin with 1")),
                rank => rank,
            },
        },
        GroupRequest::RemoveMember(remove) => Request::RemoveMember {
            group,
            host: host(&remove.host)?,
        },
        GroupRequest::ResetToConfig => Request::ResetToConfig { group },
    })
}

fn host(config: &Config, name: &str) -> Result<HostId, ApiError> {
    let hosts = &config.fabric.hosts;
    let known = hosts.iter().position(|host| host.name == name);
    known.map(|host| host_id(config, host)).ok_or_else(|| {
        let names: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
        let message = format!(
            "there is no host {name} in the fabric; it has {}",
            names.join(", ")
        );
        ApiError::new(ErrorKind::Invalid, message)
    })
}

/// The host, if the configuration has a node of the group there: a member or a spare.
fn with_the_address(
    config: &Config,
    group: GroupId,
    host: HostId,
    name: &str,
) -> Result<HostId, ApiError> {
    let mut groups = config.groups.iter();
    // Whether there is such a group is the manager's to say.
    let Some(found) = groups.find(|found| group_id(config, found) == group) else {
        return Ok(host);
    };
    let nodes = &config.networks[found.network].nodes;
    let mut candidates = found.members.iter().chain(&found.spares);
    if candidates.any(|node| host_id(config, nodes[*node].host) == host) {
        return Ok(host);
    }
    let message = format!(
        "{name} has no node with {}: list one in members or spares of group {}",
        found.address, found.name
    );
    Err(ApiError::new(ErrorKind::Invalid, message))
}

/// What an operator is told.
///
/// # Errors
/// A refusal, as a sentence.
pub(crate) fn done(answer: Answer) -> Result<Done, ApiError> {
    let done = |note: String| Done {
        epoch: None,
        owner: None,
        checkpoint: None,
        flight: None,
        note,
    };
    match answer {
        Answer::Decided { epoch } => Ok(Done {
            epoch: Some(epoch.to_string()),
            ..done(format!("decided, durably, as {epoch}"))
        }),
        Answer::Marked { number } => Ok(Done {
            checkpoint: Some(number),
            ..done(format!("checkpoint {number} has begun"))
        }),
        Answer::Checkpointed { number } => Ok(Done {
            checkpoint: Some(number),
            ..done(format!(
                "checkpoint {number} is complete at every replica in sync"
            ))
        }),
        Answer::TermRaised { term } => Ok(done(format!(
            "the term is {term} now: the manager decides again"
        ))),
        Answer::Refused(refusal) => Err(ApiError::new(kind(refusal), refusal.sentence())),
    }
}

/// Whether trying again, or trying something else, could help.
const fn kind(refusal: Refusal) -> ErrorKind {
    match refusal {
        Refusal::UnknownGroup | Refusal::UnknownHost | Refusal::TooManyMembers => {
            ErrorKind::Invalid
        }
        Refusal::Recovering | Refusal::LogInDoubt | Refusal::NotDurable | Refusal::TimedOut => {
            ErrorKind::Unavailable
        }
        Refusal::Busy
        | Refusal::NobodyEligible
        | Refusal::NotInSync
        | Refusal::IsOwner
        | Refusal::NoOwner
        | Refusal::OwnerMayLive
        | Refusal::TooSoon
        | Refusal::IsMember
        | Refusal::Aborted
        | Refusal::CheckpointIncomplete
        | Refusal::NothingInDoubt
        | Refusal::NotHeard => ErrorKind::Conflict,
    }
}

#[cfg(test)]
mod tests;
