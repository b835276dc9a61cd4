//! The running host for the service thread: what it shows, and how the controller is asked.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::sync::Arc;

use api::server::{EventLog, HostView};
use api::{
    ApiError, Applied, Done, ErrorKind, FlightRecord, FlightSummary, GroupKey, GroupRequest,
    GroupStatus, MappingBatch, Status,
};
use config::Config;
use dpdk::PortStatistics;
use messages::body::Request;
use parking_lot::Mutex;
use queues::ProcessClock;
use rtrb::Producer;
use tables::counters::WorkerCounters;
use tables::mappings::Batch;
use tables::publication::Observer;
use tokio::sync::oneshot;
use wire::drop_reason::DropReason;
use wire::ethernet::MacAddress;

use crate::agent::{Command, MappingsChanged};
use crate::controller_counters::ControllerCounters;
use crate::flights::{Around, FATES, Flights};
use crate::mapping_rules::MappingRules;
use crate::requests;

/// A port as it was opened.
pub(crate) struct OpenPort {
    pub(crate) name: String,
    pub(crate) device: String,
    pub(crate) driver: String,
    pub(crate) mac: MacAddress,
    /// The lcore of the worker that owns it; `None` for the uplink, where each
    /// worker has a queue.
    pub(crate) lcore: Option<u16>,
    pub(crate) statistics: PortStatistics,
}

/// The running host, for the service thread.
pub(crate) struct View {
    pub(crate) config: Arc<Config>,
    pub(crate) ports: Vec<OpenPort>,
    pub(crate) counters: Vec<Arc<WorkerCounters>>,
    pub(crate) controller: Arc<ControllerCounters>,
    pub(crate) tables: Observer,
    pub(crate) commands: Mutex<Producer<Command>>,
    pub(crate) mapping_rules: MappingRules,
    /// When the daemon was ready, by the process's clock.
    pub(crate) started_ns: u64,
    /// The process's clock, which the tables' times are of.
    pub(crate) clock: ProcessClock,
    pub(crate) events: EventLog,
    pub(crate) flights: Mutex<Flights>,
}

impl HostView for View {
    fn status(&self) -> Status {
        self.describe()
    }

    fn apply(&self, batch: MappingBatch) -> impl Future<Output = Result<Applied, ApiError>> + Send {
        let changes = self.mapping_rules.changes(&self.tables.current(), &batch);
        let asked = changes.map(|changes| {
            let (answer, answered) = oneshot::channel();
            let batch = Batch::new(changes);
            self.ask(Command::Map { batch, answer }, answered)
        });
        async move {
            let MappingsChanged {
                table_version,
                changed,
            } = asked?.await?;
            Ok(Applied {
                table_version,
                changed,
                persisted: false,
                note: "not persisted: a restart of the daemon returns to the configuration"
                    .to_owned(),
            })
        }
    }

    fn groups(&self) -> impl Future<Output = Result<Vec<GroupStatus>, ApiError>> + Send {
        let (answer, answered) = oneshot::channel();
        self.ask(Command::ShowGroups { answer }, answered)
    }

    fn operate(
        &self,
        group: GroupKey,
        asked: GroupRequest,
    ) -> impl Future<Output = Result<Done, ApiError>> + Send {
        let request = requests::request(&self.config, group, &asked);
        let answered = request.map(|request| self.ask_manager(request));
        async move { answered?.await }
    }

    fn raise_term(&self) -> impl Future<Output = Result<Done, ApiError>> + Send {
        self.ask_manager(Request::RaiseTerm)
    }

    fn events(&self) -> Option<EventLog> {
        Some(self.events.clone())
    }

    fn flights(&self) -> impl Future<Output = Result<Vec<FlightSummary>, ApiError>> + Send {
        let flights = self.flights.lock();
        ready(Ok(flights.records().map(FlightRecord::summary).collect()))
    }

    fn flight(&self, id: String) -> impl Future<Output = Result<FlightRecord, ApiError>> + Send {
        let flights = self.flights.lock();
        let found = flights.records().find(|record| record.id == id).cloned();
        ready(found.ok_or_else(|| {
            let message = format!(
                "there is no flight record {id:?} on this host; the manager's host writes them"
            );
            ApiError::new(ErrorKind::Invalid, message)
        }))
    }
}

impl View {
    /// Puts a command to the controller; what it answers, or why it does not.
    fn ask<T: Send + 'static>(
        &self,
        command: Command,
        answered: oneshot::Receiver<T>,
    ) -> impl Future<Output = Result<T, ApiError>> + Send + use<T> {
        let queued = self.commands.lock().push(command).is_ok();
        async move {
            if !queued {
                return Err(unavailable("the controller has too much to do; try again"));
            }
            answered
                .await
                .map_err(|_| unavailable("the daemon is ending"))
        }
    }

    /// How this host stands, for flight records.
    pub(crate) async fn around(&self) -> Around {
        let drops = self.status().drops;
        let explained = FATES.map(DropReason::name);
        let dropped = drops
            .into_iter()
            .filter(|drop| explained.contains(&drop.reason.as_str()))
            .map(|drop| (drop.reason, drop.packets));
        let mut fates: BTreeMap<String, u64> = dropped.collect();
        let counters = self.counters.iter().flat_map(|worker| worker.groups());
        for group in counters {
            for (fate, packets) in [
                ("buffered", group.buffered.packets.get()),
                ("released", group.released.get()),
                ("forwarded", group.forwarded.get()),
                ("checkpointed", group.checkpointed.get()),
                ("discarded", group.discarded.get()),
            ] {
                *fates.entry(fate.to_owned()).or_insert(0) += packets;
            }
        }
        Around {
            table_version: self.tables.current().version,
            groups: self.groups().await.unwrap_or_default(),
            fates,
        }
    }

    fn ask_manager(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Done, ApiError>> + Send + use<> {
        let (answer, answered) = oneshot::channel();
        let answered = self.ask(Command::Operate { request, answer }, answered);
        let groups = !self.config.groups.is_empty();
        async move {
            if !groups {
                return Err(unavailable("this fabric has no groups, and so no manager"));
            }
            requests::done(answered.await?)
        }
    }
}

fn unavailable(what: &str) -> ApiError {
    ApiError::new(ErrorKind::Unavailable, what)
}
