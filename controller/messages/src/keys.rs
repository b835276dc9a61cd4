//! Who may say what: a key for each pair of hosts and direction, and the manager's signature.
//!
//! Each host has an X25519 key (RFC 7748). Two hosts' shared secret becomes the keys of their
//! datagrams and of their bulk streams by HKDF-SHA-256 (RFC 5869), one for each direction, so that
//! a datagram which is sent back to its sender proves nothing. What was decided about a group is
//! signed by the manager (Ed25519, RFC 8032): with a stolen host key one can speak for that host,
//! but promote nobody.

use std::collections::BTreeMap;
use std::fmt;

use ed25519_dalek::Signer as _;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2_for_keys::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::codec::{self, CodecError};
use crate::ids::{FabricId, HostId};
use crate::record::{Record, Signature, SignedRecord};

mod file;
mod text;
mod verifier;

pub use file::{read_host_secret, read_manager_secret, write_secret};
pub use text::{KeyError, SecretText};
pub(crate) use verifier::Verifier;

/// The length of a tag: half of what SHA-256 gives (RFC 2104 section 5).
pub const TAG_BYTES: usize = 16;

/// Names the key that a tag was made with. It is derived with the key, so that two hosts which were
/// given keys that do not belong together learn it before they compute a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub u16);

/// A host's own key. It is wiped when it is dropped.
pub struct HostSecret(x25519_dalek::StaticSecret);

/// A host's key as the others know it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct HostPublic([u8; 32]);

/// The key of the manager. It is wiped when it is dropped.
pub struct ManagerSecret(ed25519_dalek::SigningKey);

/// The manager's key as the hosts know it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ManagerPublic(ed25519_dalek::VerifyingKey);

/// What a host needs in order to speak and to listen. The pairs' keys stay in memory while it lives.
pub struct Keys {
    fabric: FabricId,
    own: HostId,
    secret: HostSecret,
    manager: ManagerPublic,
    pairs: BTreeMap<HostId, Pair>,
}

/// What this host shares with one other.
#[derive(Clone)]
pub(crate) struct Pair {
    /// From this host to the other.
    pub(crate) out: Direction,
    /// From the other host to this.
    pub(crate) back: Direction,
}

/// The keys of one direction.
#[derive(Clone)]
pub(crate) struct Direction {
    pub(crate) id: KeyId,
    pub(crate) datagrams: Mac,
    pub(crate) frames: Mac,
}

/// A key that makes tags: HMAC-SHA-256, its key already absorbed.
#[derive(Clone)]
pub struct Mac(Hmac<Sha256>);

impl Keys {
    /// The keys of the host `own`, still without peers.
    #[must_use]
    pub fn new(fabric: FabricId, own: HostId, secret: HostSecret, manager: ManagerPublic) -> Self {
        Self {
            fabric,
            own,
            secret,
            manager,
            pairs: BTreeMap::new(),
        }
    }

    /// Keys that everybody can compute who knows the fabric's id, which is no secret: for
    /// `insecure_lab = true` only. The manager's belongs to [`ManagerSecret::insecure_lab`].
    #[must_use]
    pub fn insecure_lab(
        fabric: FabricId,
        own: HostId,
        hosts: impl IntoIterator<Item = HostId>,
    ) -> Self {
        let manager = ManagerSecret::insecure_lab(fabric).public();
        let mut keys = Self::new(fabric, own, HostSecret::insecure_lab(fabric, own), manager);
        for host in hosts.into_iter().filter(|host| *host != own) {
            keys.add_peer(host, HostSecret::insecure_lab(fabric, host).public())
                .expect("the public key of a secret is no point of small order");
        }
        keys
    }

    /// Makes the keys shared with `host`. A host that was added before gets new ones.
    ///
    /// # Errors
    ///
    /// [`KeyError::Weak`] for a public key with which every secret would give the same result.
    pub fn add_peer(&mut self, host: HostId, public: HostPublic) -> Result<(), KeyError> {
        let shared = self.secret.0.diffie_hellman(&public.0.into());
        if !shared.was_contributory() {
            return Err(KeyError::Weak);
        }
        let derive = Hkdf::new(Some(b"understudy pair key 1"), shared.as_bytes());
        let pair = Pair {
            out: Direction::new(&derive, self.fabric, self.own, host),
            back: Direction::new(&derive, self.fabric, host, self.own),
        };
        self.pairs.insert(host, pair);
        Ok(())
    }

    /// The fabric that they are for.
    #[must_use]
    pub const fn fabric(&self) -> FabricId {
        self.fabric
    }

    /// The host that they are for.
    #[must_use]
    pub const fn own(&self) -> HostId {
        self.own
    }

    /// The manager's key.
    #[must_use]
    pub const fn manager(&self) -> &ManagerPublic {
        &self.manager
    }

    /// The hosts that share a key with this one.
    pub fn peers(&self) -> impl Iterator<Item = HostId> + '_ {
        self.pairs.keys().copied()
    }

    pub(crate) fn pair(&self, host: HostId) -> Option<&Pair> {
        self.pairs.get(&host)
    }
}

impl Direction {
    fn new(derive: &Hkdf<Sha256>, fabric: FabricId, from: HostId, to: HostId) -> Self {
        let expand = |purpose: &[u8], octets: &mut [u8]| {
            derive
                .expand_multi_info(&[purpose, &fabric.0, &from.0, &to.0], octets)
                .expect("HKDF gives up to 255 times the 32 octets asked for");
        };
        let mac = |purpose| {
            let mut key = Zeroizing::new([0; 32]);
            expand(purpose, &mut *key);
            Mac::new(&key)
        };
        let mut id = [0; 2];
        expand(b"key id", &mut id);
        Self {
            id: KeyId(u16::from_be_bytes(id)),
            datagrams: mac(b"datagrams"),
            frames: mac(b"frames"),
        }
    }
}

impl Mac {
    fn new(key: &[u8; 32]) -> Self {
        Self(Hmac::new_from_slice(key).expect("HMAC takes a key of any length"))
    }

    /// The tag of these octets.
    #[must_use]
    pub fn tag(&self, octets: &[u8]) -> [u8; TAG_BYTES] {
        let whole: [u8; 32] = self
            .0
            .clone()
            .chain_update(octets)
            .finalize()
            .into_bytes()
            .into();
        *whole
            .first_chunk()
            .expect("a tag is the front of the 32 octets")
    }

    /// Whether the tag is of these octets. It takes the same time wherever a wrong tag differs.
    #[must_use]
    pub fn holds(&self, octets: &[u8], tag: &[u8; TAG_BYTES]) -> bool {
        self.0
            .clone()
            .chain_update(octets)
            .verify_truncated_left(tag)
            .is_ok()
    }
}

impl HostSecret {
    /// The key that these random octets are.
    #[must_use]
    pub fn from_random(octets: [u8; 32]) -> Self {
        Self(octets.into())
    }

    /// The key of a host in a lab that has none.
    #[must_use]
    pub fn insecure_lab(fabric: FabricId, host: HostId) -> Self {
        Self::from_random(well_known(&[
            b"understudy insecure lab host",
            &fabric.0,
            &host.0,
        ]))
    }

    /// What the other hosts are told.
    #[must_use]
    pub fn public(&self) -> HostPublic {
        HostPublic(x25519_dalek::PublicKey::from(&self.0).to_bytes())
    }
}

impl ManagerSecret {
    /// The key that these random octets are.
    #[must_use]
    pub fn from_random(octets: [u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(&Zeroizing::new(
            octets,
        )))
    }

    /// The manager's key in a lab that has none.
    #[must_use]
    pub fn insecure_lab(fabric: FabricId) -> Self {
        Self::from_random(well_known(&[b"understudy insecure lab manager", &fabric.0]))
    }

    /// What the hosts are told.
    #[must_use]
    pub fn public(&self) -> ManagerPublic {
        ManagerPublic(self.0.verifying_key())
    }

    /// The signature that makes `record` a decision.
    ///
    /// # Errors
    ///
    /// A record that is too long to be sent.
    pub fn sign(&self, record: &Record) -> Result<Signature, CodecError> {
        Ok(Signature(self.0.sign(&statement(record)?).to_bytes()))
    }
}

impl ManagerPublic {
    /// Whether the manager decided this.
    #[must_use]
    pub fn signed(&self, signed: &SignedRecord) -> bool {
        statement(&signed.record).is_ok_and(|statement| self.holds(&statement, &signed.signature))
    }

    fn holds(&self, statement: &[u8], signature: &Signature) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(statement, &signature).is_ok()
    }
}

/// What is signed: says what it is first, so that the signature is none of anything else.
fn statement(record: &Record) -> Result<Vec<u8>, CodecError> {
    let mut statement = b"understudy group record\0".to_vec();
    codec::encode_into(record, &mut statement)?;
    Ok(statement)
}

fn well_known(parts: &[&[u8]]) -> [u8; 32] {
    let hash = parts
        .iter()
        .fold(Sha256::new(), |hash, part| hash.chain_update(part));
    hash.finalize().into()
}

macro_rules! no_secret_in_debug {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}
no_secret_in_debug!(HostSecret ManagerSecret Keys Pair Direction Mac);

#[cfg(test)]
mod tests;
