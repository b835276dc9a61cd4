//! `understudy replay`: the daemon's own replay, under the name that people try first.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;

/// The program that carries the packets, and can replay them.
const DAEMON: &str = "understudyd";

/// Becomes `understudyd replay` with these arguments: the one that was installed beside this
/// program, else the one on the path.
pub fn replay(arguments: Vec<OsString>) -> Result<Infallible, Failure> {
    let beside: Option<PathBuf> = std::env::current_exe()
        .ok()
        .map(|program| program.with_file_name(DAEMON))
        .filter(|daemon| daemon.is_file());
    let daemon = beside.unwrap_or_else(|| DAEMON.into());
    let error = Command::new(&daemon).arg("replay").args(arguments).exec();
    Err(Failure::Failed(format!(
        "cannot run {}: {error}; install it beside this program, or put it on the path",
        daemon.display()
    )))
}
