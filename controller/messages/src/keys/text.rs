//! Keys as text: public ones as they stand in the configuration, secret ones as they stand in
//! their files.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use super::{HostPublic, HostSecret, ManagerPublic, ManagerSecret};

/// The first line of a host's key file.
const HOST_HEADING: &str = "understudy host key 1";
/// The first line of the manager's key file.
const MANAGER_HEADING: &str = "understudy manager key 1";

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A public key of the wrong kind, or no key.
    #[error(
        "a public key is written {kind}: followed by 44 characters of base64, as `understudy keygen` prints it"
    )]
    Public {
        /// `x25519` or `ed25519`.
        kind: &'static str,
    },
    /// The right form, and no key that anybody can have made.
    #[error(
        "no secret key belongs to this public key: it was cut or altered, ask its host for it again"
    )]
    Weak,
    /// A key file of another kind, or none.
    #[error(
        "it is no key file: its first line should be `{heading}`, its second 44 characters of base64"
    )]
    Secret {
        /// What it should begin with.
        heading: &'static str,
    },
    /// The file cannot be used.
    #[error("the key file {} cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Somebody else may read the file.
    #[error("the key file {} may be read by others than its owner (mode {mode:04o}): run `chmod 600` on it, and make a new key if others have had access", path.display())]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file does not hold what it should.
    #[error("the key file {} cannot be used", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: Box<KeyError>,
    },
    /// The file cannot be made.
    #[error("the key file {} cannot be written; a file that exists is never replaced", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The system gives no random octets.
    #[error("the system gives no random octets: {0}")]
    Random(getrandom::Error),
}

/// A secret key that has a file.
pub trait SecretText: Sized {
    /// What the file holds. It is wiped when it is dropped.
    fn to_text(&self) -> Zeroizing<String>;

    /// The key that a file holds.
    ///
    /// # Errors
    ///
    /// [`KeyError::Secret`].
    fn from_text(text: &str) -> Result<Self, KeyError>;
}

impl SecretText for HostSecret {
    fn to_text(&self) -> Zeroizing<String> {
        secret_text(HOST_HEADING, &Zeroizing::new(self.0.to_bytes()))
    }

    fn from_text(text: &str) -> Result<Self, KeyError> {
        secret_octets(HOST_HEADING, text).map(|octets| Self::from_random(*octets))
    }
}

impl SecretText for ManagerSecret {
    fn to_text(&self) -> Zeroizing<String> {
        secret_text(MANAGER_HEADING, &Zeroizing::new(self.0.to_bytes()))
    }

    fn from_text(text: &str) -> Result<Self, KeyError> {
        secret_octets(MANAGER_HEADING, text).map(|octets| Self::from_random(*octets))
    }
}

fn secret_text(heading: &'static str, octets: &[u8; 32]) -> Zeroizing<String> {
    let key = Zeroizing::new(Base64::encode_string(octets));
    Zeroizing::new(format!("{heading}\n{}\n", key.as_str()))
}

fn secret_octets(heading: &'static str, text: &str) -> Result<Zeroizing<[u8; 32]>, KeyError> {
    let mut lines = text.lines();
    let found = match (lines.next(), lines.next(), lines.next()) {
        (Some(first), Some(key), None) if first.trim_end() == heading => octets(key.trim()),
        _ => None,
    };
    found.ok_or(KeyError::Secret { heading })
}

fn octets(base64: &str) -> Option<Zeroizing<[u8; 32]>> {
    let mut octets = Zeroizing::new([0; 32]);
    let length = Base64::decode(base64, &mut *octets).ok()?.len();
    (length == octets.len()).then_some(octets)
}

fn public_octets(kind: &'static str, text: &str) -> Result<[u8; 32], KeyError> {
    let key = text
        .strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix(':'));
    let octets = key.and_then(octets).ok_or(KeyError::Public { kind })?;
    Ok(*octets)
}

impl FromStr for HostPublic {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        public_octets("x25519", text).map(Self)
    }
}

impl FromStr for ManagerPublic {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&public_octets("ed25519", text)?);
        match key {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            _ => Err(KeyError::Weak),
        }
    }
}

impl fmt::Display for HostPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "x25519:{}", Base64::encode_string(&self.0))
    }
}

impl fmt::Display for ManagerPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ed25519:{}", Base64::encode_string(self.0.as_bytes()))
    }
}

impl fmt::Debug for HostPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostPublic({self})")
    }
}

impl fmt::Debug for ManagerPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManagerPublic({self})")
    }
}
