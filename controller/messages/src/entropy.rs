//! Random octets of the operating system: the one file that asks for them. Everything else takes
//! its randomness as an argument, so that a simulation repeats itself.

use crate::ids::BootId;
use crate::keys::{HostSecret, KeyError, ManagerSecret};

fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(KeyError::Random)?;
    Ok(octets)
}

/// A name for this life of the daemon.
///
/// # Errors
///
/// [`KeyError::Random`].
pub fn boot() -> Result<BootId, KeyError> {
    random().map(|octets| BootId(u64::from_le_bytes(octets).max(1)))
}

/// A new key for a host.
///
/// # Errors
///
/// [`KeyError::Random`].
pub fn host_secret() -> Result<HostSecret, KeyError> {
    random().map(HostSecret::from_random)
}

/// A new key for a manager.
///
/// # Errors
///
/// [`KeyError::Random`].
pub fn manager_secret() -> Result<ManagerSecret, KeyError> {
    random().map(ManagerSecret::from_random)
}

/// What no one has guessed: the questions of a handshake.
///
/// # Errors
///
/// [`KeyError::Random`].
pub fn nonce() -> Result<[u8; 16], KeyError> {
    random()
}
