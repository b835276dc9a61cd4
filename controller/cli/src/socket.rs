//! Which daemon is meant.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use api::client::Client;
use api::{SOCKET_DIR, socket_path};

use crate::arguments::HostChoice;
use crate::failure::Failure;

/// A client of the daemon that the command line means.
pub fn client(choice: &HostChoice) -> Result<Client, Failure> {
    let socket = match (&choice.socket, &choice.host) {
        (Some(socket), _) => socket.clone(),
        (None, Some(host)) => socket_path(host),
        (None, None) => only_socket(Path::new(SOCKET_DIR))?,
    };
    Ok(Client::new(socket))
}

fn only_socket(dir: &Path) -> Result<PathBuf, Failure> {
    let mut sockets: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension() == Some(OsStr::new("sock")))
        .collect();
    sockets.sort();
    match sockets.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Failure::Unreachable(format!(
            "there is no daemon's socket in {}: start understudyd, \
             or say where its socket is with --socket",
            dir.display()
        ))),
        several => {
            let hosts: Vec<_> = several
                .iter()
                .filter_map(|path| path.file_stem()?.to_str())
                .collect();
            Err(Failure::Usage(format!(
                "several hosts run on this machine ({}): choose one with --host",
                hosts.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_only_socket_is_taken_and_several_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        let none = only_socket(dir.path()).unwrap_err();
        assert_eq!(none.exit_code(), 69);
        assert!(none.to_string().contains("start understudyd"), "{none}");
        assert_eq!(
            only_socket(&dir.path().join("absent"))
                .unwrap_err()
                .exit_code(),
            69
        );

        fs::write(dir.path().join("s.sock.lock"), "").unwrap();
        fs::write(dir.path().join("s.sock"), "").unwrap();
        assert_eq!(only_socket(dir.path()).unwrap(), dir.path().join("s.sock"));

        fs::write(dir.path().join("r.sock"), "").unwrap();
        let several = only_socket(dir.path()).unwrap_err();
        assert_eq!(several.exit_code(), 2);
        assert!(several.to_string().contains("(r, s)"), "{several}");
    }
}
