//! Key files: nobody but their owner reads them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::text::SecretText;
use super::{HostSecret, KeyError, ManagerSecret};

/// Longer than a key file is.
const FILE_BYTES_MAX: usize = 1_024;
/// Group and others: any permission.
const OTHERS: u32 = 0o077;
const PERMISSIONS: u32 = 0o7777;

/// The host's key that this file holds.
///
/// # Errors
///
/// A file that cannot be read, that others may read, or that holds something else.
pub fn read_host_secret(path: &Path) -> Result<HostSecret, KeyError> {
    read(path)
}

/// The manager's key that this file holds.
///
/// # Errors
///
/// As [`read_host_secret`].
pub fn read_manager_secret(path: &Path) -> Result<ManagerSecret, KeyError> {
    read(path)
}

/// Makes the key's file, readable by its owner only. Power may fail after it returned.
///
/// # Errors
///
/// [`KeyError::Write`]; in particular for a file that exists, for it may be the only copy of a key.
pub fn write_secret(path: &Path, secret: &impl SecretText) -> Result<(), KeyError> {
    write(path, secret.to_text().as_bytes()).map_err(|source| KeyError::Write {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(octets)?;
    file.sync_all()?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

fn read<T: SecretText>(path: &Path) -> Result<T, KeyError> {
    let (mode, text) = open(path).map_err(|source| KeyError::Read {
        path: path.to_owned(),
        source,
    })?;
    if mode & OTHERS != 0 {
        return Err(KeyError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    T::from_text(&text).map_err(|source| KeyError::Content {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// The permissions of the file that was opened, and what it holds; more than a key file has is cut.
fn open(path: &Path) -> io::Result<(u32, Zeroizing<String>)> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & PERMISSIONS;
    // Of its final size from the start: a buffer that grows would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX));
    file.take(FILE_BYTES_MAX as u64).read_to_string(&mut text)?;
    Ok((mode, text))
}
