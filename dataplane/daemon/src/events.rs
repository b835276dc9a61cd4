//! What the state machines note, as events for people and programs.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Event;
use config::Config;
use failover::Fact;
use messages::{GroupId, HostId};
use runtime::replication::TimedNote;
use serde_json::{Value, json};

use crate::plane::News;
use crate::replication::{group_id, host_id};

/// Names for what notes speak of.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    config: Arc<Config>,
}

/// A fact in words: its kind, a sentence, and what else is known.
struct Told {
    kind: &'static str,
    text: String,
    fields: Vec<(&'static str, Value)>,
}

fn told(kind: &'static str, text: impl Into<String>) -> Told {
    Told {
        kind,
        text: text.into(),
        fields: Vec::new(),
    }
}

impl Told {
    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}

impl Names {
    /// The names of this configuration.
    pub(crate) const fn new(config: Arc<Config>) -> Self {
        Self { config }
    }

    /// The name of a host; its id if the configuration does not know it.
    pub(crate) fn host(&self, id: HostId) -> String {
        let hosts = &self.config.fabric.hosts;
        let known = (0..hosts.len()).find(|host| host_id(&self.config, *host) == id);
        known.map_or_else(|| id.to_string(), |host| hosts[host].name.clone())
    }

    /// The name of a group, `NETWORK/ADDRESS`.
    pub(crate) fn group(&self, id: GroupId) -> String {
        let mut groups = self.config.groups.iter();
        let known = groups.find(|group| group_id(&self.config, group) == id);
        known.map_or_else(|| id.to_string(), |group| group.name.clone())
    }

    /// The event for a note that was made `time_unix_ms` after 1970.
    pub(crate) fn event(&self, timed: &TimedNote, time_unix_ms: u64) -> Event {
        let note = &timed.note;
        let Told { kind, text, fields } = self
            .agent_fact(&note.fact)
            .or_else(|| self.manager_fact(&note.fact))
            .unwrap_or_else(|| told("other", format!("{:?}", note.fact)));
        let epoch = note.epoch.map(|epoch| ("epoch", json!(epoch.to_string())));
        let at = ("at_ns", json!(timed.at.0));
        let fields: BTreeMap<String, Value> = fields
            .into_iter()
            .chain(epoch)
            .chain([at])
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Event {
            sequence: 0,
            time_unix_ms,
            host: self.config.host.name.clone(),
            group: note.group.map(|group| self.group(group)),
            kind: kind.to_owned(),
            text,
            fields,
        }
    }

    /// The event for what a router said `time_unix_ms` after 1970, or for what was forgotten then.
    pub(crate) fn news(&self, news: News, time_unix_ms: u64) -> Event {
        let (News::Narrower { host, .. } | News::Forgotten { host } | News::Bounced { host, .. }) =
            news;
        let hosts = &self.config.fabric.hosts;
        let to = hosts.get(usize::from(host.0));
        let to = to.map_or_else(|| host.0.to_string(), |host| host.name.clone());
        let Told { kind, text, fields } = match news {
            News::Narrower { mtu, .. } => told(
                "path_mtu",
                format!("a router says that the path to {to} takes packets of {mtu} octets"),
            )
            .with("mtu", mtu),
            News::Forgotten { .. } => told(
                "path_mtu_forgotten",
                format!("the path to {to} counts as wide as the uplink again"),
            ),
            News::Bounced {
                destination, code, ..
            } => {
                let network = self.network(destination.network_bits());
                let address = destination.address();
                told(
                    "bounce",
                    format!(
                        "a router says that {to} cannot be reached: a packet for {network}/{address} came back"
                    ),
                )
                .with("destination", format!("{network}/{address}"))
                .with("code", code)
            }
        }
        .with("to", to.clone());
        Event {
            sequence: 0,
            time_unix_ms,
            host: self.config.host.name.clone(),
            group: None,
            kind: kind.to_owned(),
            text,
            fields: fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        }
    }

    /// The name of a network; its number if the configuration does not know it.
    fn network(&self, id: u32) -> String {
        let mut networks = self.config.networks.iter();
        let known = networks.find(|network| network.id.get() == id);
        known.map_or_else(|| id.to_string(), |network| network.name.clone())
    }

    fn owner(&self, owner: Option<HostId>) -> String {
        owner.map_or_else(|| "nobody".to_owned(), |host| self.host(host))
    }

    /// What agents note.
    fn agent_fact(&self, fact: &Fact) -> Option<Told> {
        Some(match fact {
            Fact::Standing { from, to } => told("standing", format!("from {from:?} to {to:?}"))
                .with("from", format!("{from:?}"))
                .with("to", format!("{to:?}")),
            Fact::Installed { owner, generation } => {
                let owner = self.owner(*owner);
                told(
                    "installed",
                    format!("in the tables: {owner} owns the address"),
                )
                .with("owner", owner)
                .with("generation", *generation)
            }
            Fact::Persisted => told("persisted", "the record is on this host's disk"),
            Fact::PersistFailed => told(
                "persist_failed",
                "the record is not on this host's disk, and not acknowledged",
            ),
            Fact::OwnerSilent { silence } => {
                let ms = silence.as_millis() as u64;
                told(
                    "owner_silent",
                    format!("nothing was heard of the owner for {ms} ms"),
                )
                .with("silence_ms", ms)
            }
            Fact::Suspected { number } => {
                told("suspected", "told the manager that the owner is silent")
                    .with("number", *number)
            }
            Fact::Withdrew { number } => {
                told("withdrew", "the owner is heard again: suspicion withdrawn")
                    .with("number", *number)
            }
            Fact::Granted { wait } => {
                let ms = wait.as_millis() as u64;
                told(
                    "granted",
                    format!("was granted the address; its own promise runs {ms} ms more"),
                )
                .with("wait_ms", ms)
            }
            Fact::Announced { hosts } => {
                told("announced", format!("announced the grant to {hosts} hosts"))
                    .with("hosts", *hosts)
            }
            Fact::AnnounceAcked { host } => {
                let host = self.host(*host);
                told(
                    "announce_acknowledged",
                    format!("{host} knows the new owner"),
                )
                .with("by", host)
            }
            Fact::AnnounceTimedOut { missing } => told(
                "announce_timed_out",
                format!("went on without {missing} acknowledgements"),
            )
            .with("missing", *missing),
            Fact::Unmuted => told("unmuted", "the guest may be heard"),
            Fact::FirstAnswer { .. } => told(
                "first_answer",
                "the guest has sent something since it may be heard",
            ),
            Fact::Muted => told("muted", "the guest is no longer heard"),
            Fact::Released => told("released", "buffered copies go to the guest"),
            Fact::AckOverdue { member } => {
                let member = self.host(*member);
                told(
                    "acknowledgement_overdue",
                    format!("{member} does not acknowledge"),
                )
                .with("member", member)
            }
            Fact::FirstAcked { member } => {
                let member = self.host(*member);
                told(
                    "first_acknowledged",
                    format!("{member} acknowledged its first heartbeat"),
                )
                .with("member", member)
            }
            Fact::Port { up } => told(
                "port",
                if *up {
                    "the guest's port is up"
                } else {
                    "the guest's port is down"
                },
            )
            .with("up", *up),
            Fact::Resigned => told("resigned", "gave the address up: its guest is gone"),
            Fact::Frozen => told("frozen", "stopped for a planned move; what comes is queued"),
            Fact::Vouch { vouch } => told("vouch", format!("vouches for itself: {vouch:?}"))
                .with("vouch", format!("{vouch:?}")),
            Fact::OwnStall { late } => {
                let ms = late.as_millis() as u64;
                told(
                    "own_stall",
                    format!("this host itself stood still for {ms} ms; it accuses nobody"),
                )
                .with("late_ms", ms)
            }
            Fact::ToldNewer { host } => {
                let host = self.host(*host);
                told("told_newer", format!("told {host} the newer record")).with("host", host)
            }
            Fact::Ignored { from, why } => {
                let from = self.host(*from);
                told(
                    "ignored",
                    format!("a message of {from} was not taken: {why}"),
                )
                .with("from", from)
                .with("why", *why)
            }
            Fact::HookStarted => told("hook_started", "the hook runs"),
            Fact::HookEnded { ok } => told(
                "hook_ended",
                if *ok {
                    "the hook ended well"
                } else {
                    "the hook failed"
                },
            )
            .with("ok", *ok),
            Fact::Checkpoint { number } => {
                told("checkpoint", format!("checkpoint {number}")).with("number", *number)
            }
            Fact::PeerBoot { host, boot } => {
                let host = self.host(*host);
                told("peer", format!("{host} answers, as boot {boot}"))
                    .with("host", host)
                    .with("boot", boot.to_string())
            }
            _ => return None,
        })
    }

    /// What the manager notes.
    fn manager_fact(&self, fact: &Fact) -> Option<Told> {
        Some(match fact {
            Fact::SuspectHeard { by, number } => {
                let by = self.host(*by);
                told("suspect_heard", format!("{by} suspects the owner"))
                    .with("by", by)
                    .with("number", *number)
            }
            Fact::WithdrawHeard { by } => {
                let by = self.host(*by);
                told("withdraw_heard", format!("{by} withdrew its suspicion")).with("by", by)
            }
            Fact::FaultHeard { fault } => told(
                "fault_heard",
                format!("the owner reports a fault: {fault:?}"),
            )
            .with("fault", format!("{fault:?}")),
            Fact::Evidence { evidence } => told(
                "evidence",
                format!("the evidence against the owner is enough: {evidence:?}"),
            )
            .with("evidence", format!("{evidence:?}")),
            Fact::ProbeSent { via } => {
                let via = self.host(*via);
                told(
                    "probe_sent",
                    format!("asked {via} whether it reaches the owner's host"),
                )
                .with("via", via)
            }
            Fact::ProbeAnswered { via, alive } => {
                let via = self.host(*via);
                let verb = if *alive { "reaches" } else { "does not reach" };
                told("probe_answered", format!("{via} {verb} the owner's host"))
                    .with("via", via)
                    .with("alive", *alive)
            }
            Fact::Damped { wait } => {
                let ms = wait.as_millis() as u64;
                told(
                    "damped",
                    format!("a promotion waits {ms} ms, since the last was just now"),
                )
                .with("wait_ms", ms)
            }
            Fact::Deciding { epoch, cause } => told(
                "deciding",
                format!("decided on {epoch}, not yet durable: {cause:?}"),
            )
            .with("decided", epoch.to_string())
            .with("cause", format!("{cause:?}")),
            Fact::Decided { epoch, owner } => {
                let owner = self.owner(*owner);
                told(
                    "decided",
                    format!("{epoch} is durable: {owner} owns the address"),
                )
                .with("decided", epoch.to_string())
                .with("owner", owner)
            }
            Fact::NotDurable => told("not_durable", "a decision could not be written and is void"),
            Fact::PushAcked { host } => {
                let host = self.host(*host);
                told("push_acknowledged", format!("{host} has the record")).with("by", host)
            }
            Fact::Settled => told("settled", "every host that is heard has the record"),
            Fact::Recovered => told("recovered", "enough members have reported: decides again"),
            Fact::InDoubt { doubt } => told(
                "in_doubt",
                format!("decides nothing until an operator raises the term: {doubt:?}"),
            )
            .with("doubt", format!("{doubt:?}")),
            Fact::Bounced { by } => {
                let by = self.host(*by);
                told(
                    "bounced",
                    format!("{by} was told that the owner's host is unreachable"),
                )
                .with("by", by)
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests;
