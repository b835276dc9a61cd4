//! From the configuration to this host's part in failover.

mod settings;

pub(crate) use settings::group_id;

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use config::{Config, PublicKey};
use failover::{Agent, Signer};
use journal::log::StoreId;
use journal::{JournalError, RealDisk};
use messages::codec::CodecError;
use messages::keys::{self, HostPublic, KeyError, Keys, ManagerPublic, ManagerSecret};
use messages::session::Nonce;
use messages::{FabricId, HostId, Record, Sessions, Signature, Time, entropy};
use runtime::hooks::Hooks;
use runtime::replication::{
    Archive, ArchiveError, KeptBefore, Office, OfficeError, Parts, Replication, Testimony,
    TimedNote,
};

/// Notes that may wait for the service thread.
const NOTES_MAX: usize = 4096;

/// Parts of reports that may wait for it.
const TESTIMONIES_MAX: usize = 512;

/// Why this host cannot take part.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplicationError {
    /// A key file. What is wrong with it names it.
    #[error("{}", whole_story(.0))]
    KeyFile(#[source] KeyError),
    /// A public key of the configuration.
    #[error("the public key of {whose}: {source}")]
    PublicKey {
        /// A host, or the manager.
        whose: String,
        /// What is wrong with it.
        source: KeyError,
    },
    /// The manager's secret key and its public key in the configuration do not belong together.
    #[error(
        "{file} is not the secret key of [manager] public_key: every host would refuse what it signs"
    )]
    OtherManager {
        /// The file.
        file: PathBuf,
    },
    /// The system has no random numbers.
    #[error(transparent)]
    Random(#[from] KeyError),
    /// A state directory. What is wrong with it names it.
    #[error(transparent)]
    State(JournalError),
    /// The agent's disk.
    #[error("{directory}: {source}")]
    Archive {
        /// The directory.
        directory: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
    },
    /// The manager's disk.
    #[error(transparent)]
    Office(#[from] OfficeError),
    /// The thread that runs hooks.
    #[error("no thread for hooks: {0}")]
    Hooks(std::io::Error),
}

impl ReplicationError {
    /// Whether trying again without a change of files helps nothing.
    pub(crate) const fn is_of_configuration(&self) -> bool {
        matches!(
            self,
            Self::KeyFile(_) | Self::PublicKey { .. } | Self::OtherManager { .. }
        )
    }
}

/// An error with what caused it, in one sentence.
fn whole_story(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let sentences: Vec<String> = causes.map(ToString::to_string).collect();
    sentences.join(": ")
}

/// A host's part in failover, ready to run, and what belongs to it elsewhere.
pub(crate) struct Assembled {
    pub(crate) replication: Replication,
    /// Where its notes come out.
    pub(crate) notes: rtrb::Consumer<TimedNote>,
    /// Where what other hosts saw comes out, on the manager's host.
    pub(crate) testimonies: rtrb::Consumer<Testimony>,
    /// Copies that earlier daemons of this host counted.
    pub(crate) counted: Vec<journal::Count>,
}

/// The fabric's id.
pub(crate) fn fabric_id(config: &Config) -> FabricId {
    FabricId(config.fabric.id)
}

/// The id of a host of the fabric.
pub(crate) fn host_id(config: &Config, host: usize) -> HostId {
    HostId::of(&config.fabric.hosts[host].locator)
}

/// The control addresses of all other hosts.
pub(crate) fn peers(config: &Config) -> BTreeMap<HostId, Ipv6Addr> {
    let hosts = config.fabric.hosts.iter().enumerate();
    hosts
        .filter(|(index, _)| *index != config.host.index)
        .map(|(index, host)| {
            let address = config.fabric.layout.control_address(&host.locator);
            (host_id(config, index), address)
        })
        .collect()
}

/// Reads keys and disks, and puts everything together; `None` for a fabric without groups.
///
/// # Errors
/// The first thing that is missing or wrong.
pub(crate) fn assemble(
    config: &Arc<Config>,
    now: Time,
) -> Result<Option<Assembled>, ReplicationError> {
    let Some(manager) = &config.manager else {
        return Ok(None);
    };
    if config.fabric.insecure_lab {
        tracing::warn!(
            "insecure_lab = true: whoever reaches this host's control address can move every group's \
             address; use it only where nothing is at stake"
        );
    }
    if worker::UNCHECKED {
        tracing::warn!(
            "this is a build for a test: it believes whoever speaks for a node, deposed owners too; \
             build it without the feature `unchecked` for a host that carries traffic"
        );
    }
    let boot = entropy::boot()?;
    let own = host_id(config, config.host.index);
    let sessions = Sessions::new(
        host_keys(config)?,
        settings::offer(config),
        boot,
        Box::new(questions()?),
        now,
    );
    let directory = &config.host.state_dir;
    let (archive, before) =
        Archive::open(disk(directory)?, store()?).map_err(|source| ReplicationError::Archive {
            directory: directory.clone(),
            source,
        })?;
    let KeptBefore { records, counts } = before;
    let office = if manager.host == config.host.index {
        Some(Office::open(
            manager.state_dir.clone(),
            disk(&manager.state_dir)?,
            store()?,
            settings::manager(config, manager),
            signer(config, manager)?,
            boot,
            now,
        )?)
    } else {
        None
    };
    let (to_service, notes) = rtrb::RingBuffer::new(NOTES_MAX);
    let (to_recorder, testimonies) = rtrb::RingBuffer::new(TESTIMONIES_MAX);
    let hooks = Hooks::spawn().map_err(ReplicationError::Hooks)?;
    let agent = settings::agent(config, manager, machine_kept(directory));
    let replication = Replication::new(Parts {
        own,
        boot,
        manager: host_id(config, manager.host),
        addresses: peers(config),
        sessions,
        agent: Agent::new(agent, records, boot, now),
        office,
        archive,
        hooks,
        executables: settings::executables(config),
        interval: settings::shortest_interval(config),
        notes: to_service,
        testimonies: to_recorder,
    });
    Ok(Some(Assembled {
        replication,
        notes,
        testimonies,
        counted: counts,
    }))
}

/// Whether the machine has not rebooted since the last daemon ran: only then can the last owner's
/// guest still be the same. Leaves this boot's name for the next daemon.
fn machine_kept(directory: &Path) -> bool {
    let file = directory.join("machine-boot-id");
    let Ok(now) = std::fs::read_to_string("/proc/sys/kernel/random/boot_id") else {
        return false;
    };
    let kept = std::fs::read_to_string(&file).is_ok_and(|before| before == now);
    if !kept && let Err(error) = std::fs::write(&file, now) {
        tracing::warn!(
            "{}: {error}; the next daemon takes this machine for rebooted",
            file.display()
        );
    }
    kept
}

fn disk(directory: &Path) -> Result<RealDisk, ReplicationError> {
    RealDisk::open(directory).map_err(ReplicationError::State)
}

fn store() -> Result<StoreId, ReplicationError> {
    Ok(StoreId(entropy::nonce()?))
}

/// What nobody can guess. That the system has random numbers is tried here: it does not lose them
/// later.
fn questions() -> Result<impl FnMut() -> Nonce + Send, ReplicationError> {
    let mut last = entropy::nonce()?;
    Ok(move || {
        last = entropy::nonce().unwrap_or(last);
        Nonce(last)
    })
}

fn host_keys(config: &Config) -> Result<Keys, ReplicationError> {
    let fabric = fabric_id(config);
    let hosts = &config.fabric.hosts;
    let own = host_id(config, config.host.index);
    if config.fabric.insecure_lab {
        let all = (0..hosts.len()).map(|host| host_id(config, host));
        return Ok(Keys::insecure_lab(fabric, own, all));
    }
    let file = config
        .host
        .key_file
        .as_ref()
        .expect("the configuration asks for a key file where there are groups");
    let secret = keys::read_host_secret(file).map_err(ReplicationError::KeyFile)?;
    let mut keys = Keys::new(fabric, own, secret, manager_key(config)?);
    for (index, host) in hosts.iter().enumerate() {
        if index == config.host.index {
            continue;
        }
        let wrong = |source| ReplicationError::PublicKey {
            whose: format!("host {}", host.name),
            source,
        };
        let public: HostPublic = parsed(host.public_key.as_ref()).map_err(wrong)?;
        keys.add_peer(host_id(config, index), public)
            .map_err(wrong)?;
    }
    Ok(keys)
}

fn manager_key(config: &Config) -> Result<ManagerPublic, ReplicationError> {
    let key = config
        .manager
        .as_ref()
        .and_then(|manager| manager.public_key.as_ref());
    parsed(key).map_err(|source| ReplicationError::PublicKey {
        whose: "the manager".to_owned(),
        source,
    })
}

/// A key of the configuration, which asks for every key unless `insecure_lab` is set.
fn parsed<K: std::str::FromStr<Err = KeyError>>(key: Option<&PublicKey>) -> Result<K, KeyError> {
    key.expect("the configuration asks for public keys where there are groups")
        .as_str()
        .parse()
}

fn signer(config: &Config, manager: &config::Manager) -> Result<Signer, ReplicationError> {
    let secret = if config.fabric.insecure_lab {
        ManagerSecret::insecure_lab(fabric_id(config))
    } else {
        let file = manager
            .key_file
            .as_ref()
            .expect("the configuration asks for the manager's key file on its host");
        let secret = keys::read_manager_secret(file).map_err(ReplicationError::KeyFile)?;
        if secret.public() != manager_key(config)? {
            return Err(ReplicationError::OtherManager { file: file.clone() });
        }
        secret
    };
    Ok(Box::new(move |record: &Record| sign(&secret, record)))
}

/// A record that cannot be encoded, which none of ours is, gets a signature that nobody believes.
fn sign(secret: &ManagerSecret, record: &Record) -> Signature {
    let signed: Result<Signature, CodecError> = secret.sign(record);
    signed.unwrap_or(Signature([0; 64]))
}

#[cfg(test)]
mod tests;
