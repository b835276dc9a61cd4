//! What the controller thread does for this host: it publishes what it learned, what an operator
//! wants and what was decided about groups, and answers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use api::GroupStatus;
use config::Config;
use messages::Time;
use messages::body::{Answer, Request, Witness};
use runtime::controller::{Agent, ControllerStatus};
use runtime::endpoint::Endpoint;
use runtime::replication::Replication;
use tables::mappings::Batch;
use tables::{Snapshot, Uplink};
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
        batch: Batch,
        answer: oneshot::Sender<MappingsChanged>,
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

/// What a batch of changes came to.
pub(crate) struct MappingsChanged {
    /// The version of the tables that first holds the whole batch.
    pub(crate) table_version: u64,
    /// Mappings that are different now.
    pub(crate) changed: u64,
}

/// A batch that is being applied.
struct Changing {
    batch: Batch,
    /// The version that holds what was applied so far.
    table_version: u64,
    /// Mappings that differ so far.
    changed: u64,
    answer: oneshot::Sender<MappingsChanged>,
}

/// Changes of mappings that are applied in one round of the controller: some two milliseconds' worth
/// in a table of a million.
const CHANGES_PER_ROUND: usize = 4_096;
/// What a version of the tables costs besides, in changes.
const CHANGES_OF_A_VERSION: usize = 64;

/// The host's agent.
pub(crate) struct TableAgent {
    config: Arc<Config>,
    names: Names,
    plane: Plane,
    replication: Option<Replication>,
    billing: Billing,
    counters: Arc<ControllerCounters>,
    /// Batches of operators that are not applied yet, in order.
    changing: VecDeque<Changing>,
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
        Self {
            names: Names::new(Arc::clone(&config)),
            config,
            plane,
            replication,
            billing,
            counters,
            changing: VecDeque::new(),
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

    /// Applies the next parts of what operators asked for. A round of the controller is short, or
    /// heartbeats would be late: a large batch takes many.
    fn change_mappings(&mut self) {
        let mut left = CHANGES_PER_ROUND;
        while left > 0
            && let Some(asked) = self.changing.front_mut()
        {
            if let Some(part) = asked.batch.next_part() {
                left = left.saturating_sub(part.len() + CHANGES_OF_A_VERSION);
                let changed = &mut asked.changed;
                asked.table_version = self.plane.publisher().change(|current| {
                    let (mappings, differ) = current.mappings.changed_by(part);
                    *changed += differ as u64;
                    Snapshot {
                        mappings,
                        ..current.clone()
                    }
                });
            }
            if asked.batch.is_done()
                && let Some(asked) = self.changing.pop_front()
            {
                // Whoever asked may have hung up; what was done stands all the same.
                let _ = asked.answer.send(MappingsChanged {
                    table_version: asked.table_version,
                    changed: asked.changed,
                });
            }
        }
    }
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
            Command::Map { batch, answer } => self.changing.push_back(Changing {
                batch,
                table_version: self.plane.current().version,
                changed: 0,
                answer,
            }),
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
        self.change_mappings();
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

#[cfg(test)]
mod tests;
