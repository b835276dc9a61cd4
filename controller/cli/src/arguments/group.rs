//! The commands about replicated addresses.

use std::path::PathBuf;

use api::{AddMember, Checkpoint, EventQuery, GroupRef, GroupRequest, Move, Promote, RemoveMember};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// List the groups that the host knows
    List,
    /// Show a group: owner, lease, members, copies and buffer
    Show {
        #[command(flatten)]
        group: GroupName,
    },
    /// Make a replica the owner at once, for an owner that is gone
    ///
    /// The old owner is not asked. Where it may still be alive, `move` loses nothing.
    Promote {
        #[command(flatten)]
        group: GroupName,
        /// The new owner's host; by default the best ranked member that is in sync
        #[arg(long, value_name = "HOST")]
        to: Option<String>,
        /// You vouch that the old owner is off: nothing is waited for
        ///
        /// Needed for a member that is not in sync. To a manager that has started anew and waits
        /// for reports, it says that every member is off that the manager does not hear: then one
        /// that is there gets the address, the owner itself perhaps.
        #[arg(long)]
        fenced: bool,
    },
    /// Move the address to another member, without losing a packet
    Move {
        #[command(flatten)]
        group: GroupName,
        /// The new owner's host; by default the best ranked member that is in sync
        #[arg(long, value_name = "HOST")]
        to: Option<String>,
    },
    /// Mark a checkpoint: the guests' state has been saved, replicas discard the copies it covers
    ///
    /// Without --begin and --commit it says that the state was saved before now. With them it is
    /// marked while the owner's guest is frozen, and done when its state has been copied.
    Checkpoint {
        #[command(flatten)]
        group: GroupName,
        /// The owner's guest is frozen now and is about to be saved; prints the checkpoint's number
        #[arg(long, conflicts_with = "commit")]
        begin: bool,
        /// What was saved at the beginning of this checkpoint is where a promoted guest starts from
        #[arg(long, value_name = "NUMBER")]
        commit: Option<u64>,
    },
    /// Add a member; it may be promoted once it is in sync
    AddMember {
        #[command(flatten)]
        group: GroupName,
        /// The member's host, which has a node with the group's address
        #[arg(value_name = "HOST")]
        member: String,
        /// Its place in the order of promotion, from 1; by default the last, or where it was before
        #[arg(long, value_name = "NUMBER")]
        rank: Option<u32>,
    },
    /// Remove a member that is not the owner
    RemoveMember {
        #[command(flatten)]
        group: GroupName,
        /// The member's host
        #[arg(value_name = "HOST")]
        member: String,
    },
    /// Make members and ranks those of the configuration; the owner stays where it is
    ResetToConfig {
        #[command(flatten)]
        group: GroupName,
    },
}

/// Which group is meant.
#[derive(Debug, Args)]
pub struct GroupName {
    /// NETWORK/ADDRESS, as in z/10.0.0.3, or NETWORK/NODE with any member's node
    #[arg(value_name = "GROUP")]
    pub group: GroupRef,
}

/// What a command about groups asks for.
pub enum Asked {
    List,
    Show(GroupRef),
    Operate(GroupRef, GroupRequest),
}

impl From<GroupCommand> for Asked {
    fn from(command: GroupCommand) -> Self {
        let (group, request) = match command {
            GroupCommand::List => return Self::List,
            GroupCommand::Show { group } => return Self::Show(group.group),
            GroupCommand::Promote { group, to, fenced } => {
                (group, GroupRequest::Promote(Promote { to, fenced }))
            }
            GroupCommand::Move { group, to } => (group, GroupRequest::Move(Move { to })),
            GroupCommand::Checkpoint {
                group,
                begin,
                commit,
            } => {
                let part = match commit {
                    Some(number) => Checkpoint::Commit { number },
                    None if begin => Checkpoint::Begin,
                    None => Checkpoint::Whole,
                };
                (group, GroupRequest::Checkpoint(part))
            }
            GroupCommand::AddMember {
                group,
                member: host,
                rank,
            } => (group, GroupRequest::AddMember(AddMember { host, rank })),
            GroupCommand::RemoveMember {
                group,
                member: host,
            } => (group, GroupRequest::RemoveMember(RemoveMember { host })),
            GroupCommand::ResetToConfig { group } => (group, GroupRequest::ResetToConfig),
        };
        Self::Operate(group.group, request)
    }
}

#[derive(Debug, Args)]
pub struct Events {
    /// Go on, and show events as they happen
    #[arg(short, long)]
    follow: bool,
    /// Only events after the one with this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    since: u64,
}

impl From<Events> for EventQuery {
    fn from(Events { follow, since }: Events) -> Self {
        Self { follow, since }
    }
}

#[derive(Debug, Subcommand)]
pub enum FlightCommand {
    /// List the flight records that the host keeps, the newest first
    List,
    /// Show a flight record: which host saw what, and when
    Show {
        /// The record's id, as listed
        #[arg(value_name = "ID", value_parser = flight_id)]
        id: String,
        /// Draw it as a picture into this file; - is standard output
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
}

fn flight_id(text: &str) -> Result<String, String> {
    if api::is_flight_id(text) {
        Ok(text.to_owned())
    } else {
        Err("an id is what `understudy flight list` shows".to_owned())
    }
}

#[derive(Debug, Subcommand)]
pub enum ManagerCommand {
    /// Let a manager decide again that lost its log; run it on the manager's host
    ///
    /// The manager refuses to decide when its log is gone or shorter than what the hosts have seen.
    /// Raising the term says that no other manager of this fabric is running, and that the hosts'
    /// newest records are what it goes on from.
    RaiseTerm,
}

#[derive(Debug, Subcommand)]
pub enum KeygenCommand {
    /// Make the key of a host, for [host] key_file and its public key for [[fabric.host]]
    Host(KeyFile),
    /// Make the manager's key, for [manager] key_file and public_key
    Manager(KeyFile),
}

/// Where a secret key goes.
#[derive(Debug, Args)]
pub struct KeyFile {
    /// Write the secret key into this new file, which only its owner can read
    ///
    /// Without it the secret key goes to standard output, and the public key to standard error.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}
