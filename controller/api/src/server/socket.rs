//! The socket's file: who may connect, and what a daemon that died has left behind.

use std::fs::{self, DirBuilder, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream as Probe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};

use super::caller::{WRITERS_GROUP, group_id};

/// The mode of the socket: its owner and its group may connect.
const MODE: u32 = 0o660;

/// A listening socket; its file goes when this is dropped.
///
/// Its [`Lock`] is held at least as long as this lives.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    lock: Lock,
}

/// The right to the socket's path, held until the last clone is dropped: `PATH.lock`.
///
/// It settles who is first when two daemons start at once, and the kernel lets go of it when a daemon
/// dies in whatever way. The file stays behind, empty.
#[derive(Clone, Debug)]
pub struct Lock {
    _file: Arc<File>,
}

/// How long a lock is waited for: a daemon that was killed holds it until the kernel has taken its
/// memory apart, and whoever restarts it seldom waits for that.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// What to do when the system refuses.
fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "run it as root, or choose a [host] socket where you may write"
        }
        _ => "see that the directory of [host] socket can be written",
    }
}

/// Why the socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another daemon answers there.
    #[error(
        "another daemon answers on {}: stop it first, \
         or give this host another name or another [host] socket",
        path.display()
    )]
    InUse {
        /// The socket's file.
        path: PathBuf,
    },
    /// Something that is not ours stands in the way.
    #[error(
        "{} is there and is not a socket: remove it, or choose another [host] socket",
        path.display()
    )]
    NotASocket {
        /// The file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot {what} {}: {source}; {}", path.display(), remedy(source))]
    System {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl Socket {
    /// Listens at `path`, in a directory that is made if it is missing (mode 0755).
    ///
    /// A file left by a daemon that died is replaced. The socket belongs to the group
    /// [`WRITERS_GROUP`] if there is such a group. Needs a tokio runtime with I/O enabled.
    ///
    /// # Errors
    /// See [`BindError`]; each is a sentence for the operator.
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            let made = DirBuilder::new().recursive(true).mode(0o755).create(dir);
            made.map_err(|source| system("make the directory", dir, source))?;
        }
        let lock = lock(path)?;
        clear(path)?;
        let listener =
            UnixListener::bind(path).map_err(|source| system("listen on", path, source))?;
        let socket = Self {
            listener,
            path: path.to_owned(),
            lock,
        };
        open_to_group(path).map_err(|source| system("set the owner and mode of", path, source))?;
        Ok(socket)
    }

    /// Where it listens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The right to the path, for a daemon that needs longer to end than its socket.
    #[must_use]
    pub fn lock(&self) -> Lock {
        self.lock.clone()
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn system(what: &'static str, path: &Path, source: io::Error) -> BindError {
    BindError::System {
        what,
        path: path.to_owned(),
        source,
    }
}

fn lock(path: &Path) -> Result<Lock, BindError> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock_path = PathBuf::from(lock_path);
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&lock_path);
    let file = file.map_err(|source| system("open", &lock_path, source))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => {
                return Ok(Lock {
                    _file: Arc::new(file),
                });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(system("lock", &lock_path, source)),
        }
    }
    Err(BindError::InUse {
        path: path.to_owned(),
    })
}

/// Removes what a dead daemon left at `path`. A socket that answers, another program's perhaps,
/// stays; so does anything that is no socket.
fn clear(path: &Path) -> Result<(), BindError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(system("look at", path, error)),
        Ok(file) if !file.file_type().is_socket() => {
            return Err(BindError::NotASocket {
                path: path.to_owned(),
            });
        }
        Ok(_) => {}
    }
    match Probe::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|source| system("remove the stale socket", path, source))
        }
        Err(error) => Err(system("try the socket", path, error)),
        Ok(_) => Err(BindError::InUse {
            path: path.to_owned(),
        }),
    }
}

/// Closed to all but the owner until the group is right.
fn open_to_group(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    if let Some(group) = group_id(WRITERS_GROUP) {
        // A daemon that is neither root nor in the group cannot give it away: its own group may
        // connect then.
        let _ = chown(path, None, Some(group));
    }
    fs::set_permissions(path, Permissions::from_mode(MODE))
}
