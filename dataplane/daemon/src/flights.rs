//! Flight records: after each change of owner every host reports what it saw, and the manager's
//! host lays the reports on one line of time.
//!
//! It runs on the service thread. A host notices the change by its own note that a record of a
//! higher owner generation is in its tables, waits until what follows is over, and sends its notes
//! of the last seconds. The reports are for people; nothing is decided by them, and a part that is
//! lost leaves a record that says whose report is missing.

mod record;
mod report;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use api::{Event, FlightRecord};
use config::Config;
use failover::Fact;
use messages::body::{WITNESS_BYTES_MAX, Witness};
use messages::{Epoch, GroupId, HostId, Time};
use runtime::replication::{Testimony, TimedNote};

use crate::events::Names;
use record::Flight;
pub(crate) use report::{Around, FATES};
use report::{Change, Report};

/// What a host saw before the change is told from here on.
const BEFORE: Duration = Duration::from_secs(3);

/// How long a host waits for what follows the change.
const AFTER: Duration = Duration::from_millis(1500);

/// How long the manager's host waits for the reports of others after the first.
const COLLECT: Duration = Duration::from_millis(2500);

/// Notes of a group that are kept.
const NOTES_MAX: usize = 512;

/// Flights that are kept.
const FLIGHTS_MAX: usize = 64;

/// Flights whose reports are still coming.
const COLLECTING_MAX: usize = 64;

/// What this host saw, and on the manager's host what all saw.
pub(crate) struct Flights {
    config: Arc<Config>,
    names: Names,
    recent: BTreeMap<GroupId, Recent>,
    /// Own reports, when they are due.
    due: Vec<Due>,
    collecting: BTreeMap<(GroupId, Epoch), Collecting>,
    kept: VecDeque<FlightRecord>,
}

/// What a group went through lately.
#[derive(Default)]
struct Recent {
    generation: u64,
    owner: Option<HostId>,
    epoch: Option<Epoch>,
    notes: VecDeque<(Time, Event)>,
}

/// A report that this host has to make.
struct Due {
    at: Time,
    change: Change,
    /// The tables and counters before the change.
    before: Around,
}

/// A change of owner on the manager's host.
struct Collecting {
    since: Time,
    parts: BTreeMap<HostId, Parts>,
}

/// What has come of one host's report.
struct Parts {
    /// The first part that came, for the clock and the number of parts.
    testimony: Testimony,
    octets: BTreeMap<u8, Vec<u8>>,
}

impl Flights {
    /// Nothing was seen yet.
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            names: Names::new(Arc::clone(&config)),
            config,
            recent: BTreeMap::new(),
            due: Vec::new(),
            collecting: BTreeMap::new(),
            kept: VecDeque::new(),
        }
    }

    /// The records of this host, the newest first.
    pub(crate) fn records(&self) -> impl Iterator<Item = &FlightRecord> {
        self.kept.iter().rev()
    }

    /// Takes a note, of which `event` tells in words. `around` says how the tables and counters
    /// stood before.
    pub(crate) fn note(&mut self, timed: &TimedNote, event: &Event, around: &Around) {
        let Some(group) = timed.note.group else {
            return;
        };
        let recent = self.recent.entry(group).or_default();
        if recent.notes.len() == NOTES_MAX {
            recent.notes.pop_front();
        }
        recent.notes.push_back((timed.at, event.clone()));
        if let Fact::Installed { generation, owner } = timed.note.fact {
            let before = std::mem::replace(&mut recent.generation, generation);
            let owners = [std::mem::replace(&mut recent.owner, owner), owner];
            if before > 0 && generation > before {
                self.due.push(Due {
                    at: timed.at.after(AFTER),
                    change: Change {
                        group,
                        owners: owners.map(|owner| owner.map(|host| self.names.host(host))),
                        generations: [before, generation],
                        epochs: [recent.epoch, timed.note.epoch],
                    },
                    before: around.clone(),
                });
            }
        }
        recent.epoch = timed.note.epoch.or(recent.epoch);
    }

    /// Whether there is something to report now; [`Flights::reports`] makes the reports.
    pub(crate) fn is_report_due(&self, now: Time) -> bool {
        self.due.iter().any(|due| due.at <= now)
    }

    /// The reports that are due, in parts that fit datagrams.
    pub(crate) fn reports(&mut self, now: Time, around: &Around) -> Vec<Witness> {
        let (due, later) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|due| due.at <= now);
        self.due = later;
        let due: Vec<Due> = due;
        due.into_iter()
            .flat_map(|due| self.report(&due, around))
            .collect()
    }

    fn report(&self, due: &Due, around: &Around) -> Vec<Witness> {
        let group = due.change.group;
        let Some(epoch) = due.change.epochs[1] else {
            return Vec::new();
        };
        let from = due.at.before(AFTER).before(BEFORE);
        let notes = self.recent.get(&group).map(|recent| &recent.notes);
        let notes = notes.into_iter().flatten().filter(|(at, _)| *at >= from);
        let report = Report::new(&due.change, notes, &due.before, around);
        let octets = report.to_octets();
        let chunks: Vec<&[u8]> = octets.chunks(WITNESS_BYTES_MAX).collect();
        let Ok(parts) = u8::try_from(chunks.len()) else {
            tracing::warn!("what this host saw of {group} at {epoch} is too much to report");
            return Vec::new();
        };
        (0..)
            .zip(chunks)
            .map(|(part, octets)| Witness {
                group,
                epoch,
                part,
                parts,
                octets: octets.to_vec(),
            })
            .collect()
    }

    /// Takes a part of a host's report, on the manager's host. Parts come in any order, and some not
    /// at all.
    pub(crate) fn hear(&mut self, now: Time, testimony: Testimony) {
        let key = (testimony.witness.group, testimony.witness.epoch);
        if self.is_kept(key) {
            // From a host that was away. A record made of its report alone would hide the whole one.
            return;
        }
        if !self.collecting.contains_key(&key) && self.collecting.len() == COLLECTING_MAX {
            return;
        }
        let collecting = self.collecting.entry(key).or_insert_with(|| Collecting {
            since: now,
            parts: BTreeMap::new(),
        });
        let Witness { part, octets, .. } = &testimony.witness;
        let (part, octets) = (*part, octets.clone());
        let parts = collecting
            .parts
            .entry(testimony.from)
            .or_insert_with(|| Parts {
                testimony,
                octets: BTreeMap::new(),
            });
        parts.octets.insert(part, octets);
    }

    fn is_kept(&self, (group, epoch): (GroupId, Epoch)) -> bool {
        let (group, epoch) = (self.names.group(group), Some(epoch.to_string()));
        let mut kept = self.kept.iter();
        kept.any(|record| record.group == group && record.epoch_after == epoch)
    }

    /// The flights of which all has been heard that will be; they are kept. `unix_ms` says when a
    /// time of this host's clock was, in milliseconds since 1970.
    pub(crate) fn finished(
        &mut self,
        now: Time,
        unix_ms: impl Fn(Time) -> u64,
    ) -> Vec<FlightRecord> {
        let over: Vec<(GroupId, Epoch)> = self
            .collecting
            .iter()
            .filter(|(_, collecting)| now.since(collecting.since) > COLLECT)
            .map(|(key, _)| *key)
            .collect();
        let mut finished = Vec::new();
        for key in over {
            let Some(collecting) = self.collecting.remove(&key) else {
                continue;
            };
            let Some(record) = self.assemble(key, collecting, &unix_ms) else {
                continue;
            };
            if self.kept.len() == FLIGHTS_MAX {
                self.kept.pop_front();
            }
            self.kept.push_back(record.clone());
            finished.push(record);
        }
        finished
    }

    /// A report of which a part is missing, or whose host's clock was never compared, is left out;
    /// the record then names the host as missing.
    fn assemble(
        &self,
        (group, epoch): (GroupId, Epoch),
        heard: Collecting,
        unix_ms: impl Fn(Time) -> u64,
    ) -> Option<FlightRecord> {
        let mut flight = Flight::new(&self.config, group, epoch)?;
        for (host, parts) in heard.parts {
            let whole = parts.octets.len() == usize::from(parts.testimony.witness.parts);
            let octets: Vec<u8> = parts.octets.into_values().flatten().collect();
            if let (true, Some(report)) = (whole, Report::from_octets(&octets)) {
                flight.add(host, parts.testimony.clock, report);
            }
        }
        flight.finish(unix_ms)
    }
}

#[cfg(test)]
mod tests;
