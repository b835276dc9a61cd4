//! What the controller thread does to the tables: the one publisher.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use api::{ApiError, Applied, Mapping, MappingBatch, MappingKey, NetworkRef};
use config::{Config, Network};
use runtime::controller::{Agent, ControllerStatus};
use tables::mappings::Change;
use tables::{Key, Publisher, Snapshot, Uplink};
use tokio::sync::oneshot;
use wire::ethernet::MacAddress;

use crate::controller_counters::ControllerCounters;
use crate::knowledge;

/// A batch from the local API, and the way to answer.
pub(crate) struct Command {
    pub(crate) batch: MappingBatch,
    pub(crate) answer: oneshot::Sender<Result<Applied, ApiError>>,
}

/// Publishes what the controller learned and what an operator wants.
pub(crate) struct TableAgent {
    config: Arc<Config>,
    publisher: Publisher,
    counters: Arc<ControllerCounters>,
}

impl TableAgent {
    pub(crate) fn new(
        config: Arc<Config>,
        publisher: Publisher,
        counters: Arc<ControllerCounters>,
    ) -> Self {
        Self {
            config,
            publisher,
            counters,
        }
    }

    fn apply(&mut self, batch: &MappingBatch) -> Result<Applied, ApiError> {
        let changes = match batch {
            MappingBatch::Add { mappings } => collect(mappings, |mapping| self.put(mapping)),
            MappingBatch::Remove { mappings } => collect(mappings, |key| self.remove(key)),
        }?;
        let current = self.publisher.current();
        let next = Snapshot {
            mappings: current.mappings.with(&changes),
            ..(*current).clone()
        };
        let keys: BTreeSet<Key> = changes.iter().map(Change::key).collect();
        let differs = |key: &&Key| current.mappings.find(**key) != next.mappings.find(**key);
        let changed = keys.iter().filter(differs).count() as u64;
        Ok(Applied {
            table_version: self.publisher.publish(next),
            changed,
            persisted: false,
            note: "not persisted: a restart of the daemon returns to the configuration".to_owned(),
        })
    }

    fn put(&self, mapping: &Mapping) -> Result<Change, String> {
        let network = self.network(&mapping.network)?;
        let key = self.foreign(network, mapping.address)?;
        let hosts = &self.config.fabric.hosts;
        let host = hosts
            .iter()
            .position(|host| host.name == mapping.host)
            .ok_or_else(|| {
                let known: Vec<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
                format!(
                    "there is no host {} in the fabric; it has {}",
                    mapping.host,
                    known.join(", ")
                )
            })?;
        if host == self.config.host.index {
            return Err(format!(
                "{} cannot be mapped to this host, {}, which has no port for it: add a [[port]] to the configuration",
                mapping.address, mapping.host
            ));
        }
        let generation = mapping.generation.unwrap_or(knowledge::FIRST_GENERATION);
        Ok(Change::Put(knowledge::entry(
            &self.config,
            network.id,
            key.address(),
            host,
            generation,
        )))
    }

    fn remove(&self, key: &MappingKey) -> Result<Change, String> {
        let network = self.network(&key.network)?;
        let key = self.foreign(network, key.address)?;
        if self.publisher.current().mappings.find(key).is_none() {
            return Err(format!(
                "{} is not mapped in network {}",
                key.address(),
                network.name
            ));
        }
        Ok(Change::Remove(key))
    }

    fn network(&self, wanted: &NetworkRef) -> Result<&Network, String> {
        let networks = &self.config.networks;
        let matches = |network: &&Network| match wanted {
            NetworkRef::Id(id) => network.id.get() == *id,
            NetworkRef::Name(name) => network.name == *name,
        };
        networks.iter().find(matches).ok_or_else(|| {
            let known: Vec<&str> = networks
                .iter()
                .map(|network| network.name.as_str())
                .collect();
            format!(
                "this host knows no network {wanted}; it knows {}",
                known.join(", ")
            )
        })
    }

    /// The key of an address that a node can have, and that is not behind one of
    /// our own ports: those are the configuration's to say.
    fn foreign(&self, network: &Network, address: Ipv4Addr) -> Result<Key, String> {
        let name = &network.name;
        if knowledge::port_of(&self.config, network.id, address).is_some() {
            return Err(format!(
                "{address} of network {name} is behind a port of this host: change the configuration instead"
            ));
        }
        let mut subnets = network.subnets.iter();
        let Some(subnet) = subnets.find(|subnet| subnet.prefix.contains(&address)) else {
            return Err(format!("{address} is in no subnet of network {name}"));
        };
        let (first, last) = (subnet.prefix.network(), subnet.prefix.broadcast());
        if address == subnet.gateway {
            return Err(format!(
                "{address} is the gateway of {}, not a node",
                subnet.prefix
            ));
        }
        if subnet.prefix.prefix_len() < 31 && (address == first || address == last) {
            return Err(format!(
                "no node can have {address}, the first or last address of {}",
                subnet.prefix
            ));
        }
        Ok(Key::new(network.id, address))
    }
}

/// All changes, or the sentence about the first entry that is wrong.
fn collect<T>(
    entries: &[T],
    change: impl Fn(&T) -> Result<Change, String>,
) -> Result<Vec<Change>, ApiError> {
    let indexed = entries.iter().enumerate();
    indexed
        .map(|(index, entry)| change(entry).map_err(|what| ApiError::at(index, what)))
        .collect()
}

impl Agent for TableAgent {
    type Command = Command;

    fn next_hop_changed(&mut self, next_hop_mac: Option<MacAddress>) {
        let current = self.publisher.current();
        if current.uplink.next_hop_mac == next_hop_mac {
            return;
        }
        match next_hop_mac {
            Some(mac) => tracing::info!("the next hop {} is at {mac}", self.config.uplink.next_hop),
            None => tracing::warn!(
                "the next hop {} does not answer: packets to other hosts are dropped (no_next_hop)",
                self.config.uplink.next_hop
            ),
        }
        let uplink = Uplink {
            next_hop_mac,
            ..current.uplink
        };
        self.publisher.publish(Snapshot {
            uplink,
            ..(*current).clone()
        });
    }

    fn execute(&mut self, command: Command) {
        // Whoever asked may have hung up; the change stands all the same.
        let _ = command.answer.send(self.apply(&command.batch));
    }

    fn tick(&mut self, _now_ms: u64, status: &ControllerStatus) {
        self.publisher.retire();
        self.counters.show(status);
    }
}
