//! What operators ask of mappings, as changes of the tables.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use api::{ApiError, Mapping, MappingBatch, MappingKey, NetworkRef};
use config::{Config, Network};
use tables::mappings::Change;
use tables::{Key, Snapshot};

/// What may be mapped where, by the configuration. On the service thread: the controller has
/// heartbeats to send.
pub(crate) struct MappingRules {
    config: Arc<Config>,
    /// Each host's position in the configuration's list, by its name.
    hosts: HashMap<String, usize>,
}

impl MappingRules {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        let hosts = config.fabric.hosts.iter().enumerate();
        Self {
            hosts: hosts
                .map(|(index, host)| (host.name.clone(), index))
                .collect(),
            config,
        }
    }

    /// The changes that a batch asks for, of a host that knows `tables`.
    ///
    /// # Errors
    /// The first entry that is wrong: then nothing of the batch is to be done.
    pub(crate) fn changes(
        &self,
        tables: &Snapshot,
        batch: &MappingBatch,
    ) -> Result<Vec<Change>, ApiError> {
        match batch {
            MappingBatch::Add { mappings } => collect(mappings, |mapping| self.put(mapping)),
            MappingBatch::Remove { mappings } => collect(mappings, |key| self.remove(tables, key)),
        }
    }

    fn put(&self, mapping: &Mapping) -> Result<Change, String> {
        let network = self.network(&mapping.network)?;
        let key = self.foreign(network, mapping.address)?;
        let host = *self.hosts.get(&mapping.host).ok_or_else(|| {
            let hosts = self.config.fabric.hosts.iter();
            let known: Vec<&str> = hosts.map(|host| host.name.as_str()).collect();
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

    fn remove(&self, tables: &Snapshot, key: &MappingKey) -> Result<Change, String> {
        let network = self.network(&key.network)?;
        let key = self.foreign(network, key.address)?;
        if tables.mappings.find(key).is_none() {
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
        if knowledge::group_of(&self.config, network.id, address).is_some() {
            return Err(format!(
                "{address} of network {name} is replicated: the manager says who owns it (understudy group)"
            ));
        }
        if knowledge::port_of(&self.config, network.id, address).is_some() {
            return Err(format!(
                "{address} of network {name} is behind a port of this host: change the configuration instead"
            ));
        }
        let natives = network.native.iter().flat_map(|native| &native.peers);
        if natives.into_iter().any(|peer| peer.address == address) {
            return Err(format!(
                "{address} of network {name} stands for a native peer: change the configuration instead"
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
