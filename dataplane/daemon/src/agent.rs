//! What the controller thread does for this host: it publishes what it learned, what an operator
//! wants and what was decided about groups, and answers.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::sync::Arc;

use api::{ApiError, Applied, GroupStatus, Mapping, MappingBatch, MappingKey, NetworkRef};
use config::{Config, Network};
use messages::Time;
use messages::body::{Answer, Request, Witness};
use runtime::controller::{Agent, ControllerStatus};
use runtime::endpoint::Endpoint;
use runtime::replication::Replication;
use tables::mappings::{Change, parts};
use tables::{Key, Snapshot, Uplink};
use tokio::sync::oneshot;
use wire::ethernet::MacAddress;

use crate::billing::Billing;
use crate::controller_counters::ControllerCounters;
use crate::events::Names;
use crate::plane::Plane;
use crate::view;

/// What the local API wants, and the way to answer.
pub(crate) enum Command {
    /// Change mappings.
    Map {
        batch: MappingBatch,
        answer: oneshot::Sender<Result<Applied, ApiError>>,
    },
    /// Do something with a group.
    Operate {
        request: Request,
        answer: oneshot::Sender<Answer>,
    },
    /// Tell where flight records are written what this host saw.
    Testify(Witness),
    /// Show the groups.
    ShowGroups {
        answer: oneshot::Sender<Vec<GroupStatus>>,
    },
}

/// The host's agent.
pub(crate) struct TableAgent {
    config: Arc<Config>,
    /// Each host's position in the configuration's list, by its name.
    hosts: HashMap<String, usize>,
    names: Names,
    plane: Plane,
    replication: Option<Replication>,
    billing: Billing,
    counters: Arc<ControllerCounters>,
    /// Operators who wait, by their requests' tokens.
    asked: BTreeMap<u64, oneshot::Sender<Answer>>,
    next_token: u64,
}

impl TableAgent {
    pub(crate) fn new(
        config: Arc<Config>,
        plane: Plane,
        replication: Option<Replication>,
        billing: Billing,
        counters: Arc<ControllerCounters>,
    ) -> Self {
        let hosts = config.fabric.hosts.iter().enumerate();
        Self {
            hosts: hosts
                .map(|(index, host)| (host.name.clone(), index))
                .collect(),
            names: Names::new(Arc::clone(&config)),
            config,
            plane,
            replication,
            billing,
            counters,
            asked: BTreeMap::new(),
            next_token: 1,
        }
    }

    fn operate(&mut self, now: Time, request: Request, answer: oneshot::Sender<Answer>) {
        // Without groups the sender is dropped, which the other end takes for a refusal.
        let Some(replication) = &mut self.replication else {
            return;
        };
        let token = self.next_token;
        self.next_token += 1;
        self.asked.insert(token, answer);
        replication.operate(now, token, request, &mut self.plane);
    }

    fn show_groups(&self, now: Time) -> Vec<GroupStatus> {
        let Some(replication) = &self.replication else {
            return Vec::new();
        };
        view::groups(
            now,
            &self.config,
            &self.names,
            &self.plane,
            replication,
            &self.billing,
        )
    }

    fn apply(&mut self, batch: &MappingBatch) -> Result<Applied, ApiError> {
        let mut changes = match batch {
            MappingBatch::Add { mappings } => collect(mappings, |mapping| self.put(mapping)),
            MappingBatch::Remove { mappings } => collect(mappings, |key| self.remove(key)),
        }?;
        let (mut table_version, mut changed) = (self.plane.current().version, 0);
        for part in parts(&mut changes) {
            let before = self.plane.current();
            table_version = self.plane.publisher().change(|current| Snapshot {
                mappings: current.mappings.with(part),
                ..current.clone()
            });
            let after = self.plane.current();
            let mut keys: Vec<Key> = part.iter().map(Change::key).collect();
            keys.sort_unstable();
            keys.dedup();
            let differs = |key: &&Key| before.mappings.find(**key) != after.mappings.find(**key);
            changed += keys.iter().filter(differs).count() as u64;
        }
        Ok(Applied {
            table_version,
            changed,
            persisted: false,
            note: "not persisted: a restart of the daemon returns to the configuration".to_owned(),
        })
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

    fn remove(&self, key: &MappingKey) -> Result<Change, String> {
        let network = self.network(&key.network)?;
        let key = self.foreign(network, key.address)?;
        if self.plane.current().mappings.find(key).is_none() {
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

impl Agent for TableAgent {
    type Command = Command;

    fn next_hop_changed(&mut self, next_hop_mac: Option<MacAddress>) {
        let current = self.plane.current();
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
        self.plane.publisher().publish(Snapshot {
            uplink,
            ..(*current).clone()
        });
    }

    fn execute(&mut self, command: Command, now: Time) {
        // Whoever asked may have hung up; what was done stands all the same.
        match command {
            Command::Map { batch, answer } => drop(answer.send(self.apply(&batch))),
            Command::Operate { request, answer } => self.operate(now, request, answer),
            Command::Testify(witness) => {
                if let Some(replication) = &mut self.replication {
                    replication.testify(witness);
                }
            }
            Command::ShowGroups { answer } => {
                drop(answer.send(self.show_groups(now)));
            }
        }
    }

    fn tick(&mut self, now: Time, status: &ControllerStatus, endpoint: &mut Endpoint) {
        self.plane.hear(now);
        if let Some(replication) = &mut self.replication {
            replication.round(now, endpoint, &mut self.plane);
            for (token, answer) in replication.take_answers() {
                if let Some(asked) = self.asked.remove(&token) {
                    let _ = asked.send(answer);
                }
            }
            self.counters.show_messages(replication.counters());
            if let Some(counts) = self.billing.due(now, &self.plane) {
                replication.archive().count(counts);
            }
            if let Some(why) = replication.broken() {
                panic!("{why}");
            }
        }
        self.plane.publisher().retire();
        self.counters.show(status);
    }
}

impl Drop for TableAgent {
    /// The last counts reach the disk: the writer's end waits for it.
    fn drop(&mut self) {
        if let Some(replication) = &mut self.replication {
            replication
                .archive()
                .count(self.billing.totals(&self.plane));
        }
    }
}
