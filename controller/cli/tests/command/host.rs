//! A daemon's API, over a host that only counts.

use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use api::server::{EventLog, HostView, Socket, serve};
use api::{
    ApiError, Applied, Done, ErrorKind, Event, FlightRecord, FlightSummary, GroupKey, GroupRequest,
    GroupStatus, MappingBatch, Status,
};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A host that counts its mappings, knows the hosts r and s, and has the golden groups, events and
/// flight.
struct CountingHost {
    version: AtomicU64,
    mappings: AtomicU64,
    log: EventLog,
}

impl CountingHost {
    fn new(log: EventLog) -> Self {
        for event in events() {
            log.push(event);
        }
        Self {
            version: AtomicU64::new(0),
            mappings: AtomicU64::new(0),
            log,
        }
    }
}

/// The golden events.
pub fn events() -> Vec<Event> {
    let lines = include_str!("../../../api/tests/events.jsonl").lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The golden flight.
pub fn flight() -> FlightRecord {
    serde_json::from_str(include_str!("../../../api/tests/flight.json")).unwrap()
}

/// The golden groups.
pub fn groups() -> Vec<GroupStatus> {
    serde_json::from_str(include_str!("../../../api/tests/groups.json")).unwrap()
}

impl HostView for CountingHost {
    fn status(&self) -> Status {
        let mut status: Status =
            serde_json::from_str(include_str!("../../../api/tests/status.json")).unwrap();
        status.mappings = self.mappings.load(Ordering::Relaxed);
        status
    }

    fn apply(&self, batch: MappingBatch) -> impl Future<Output = Result<Applied, ApiError>> + Send {
        let known = |host: &str| ["r", "s"].contains(&host);
        if let MappingBatch::Add { mappings } = &batch
            && let Some(index) = mappings.iter().position(|m| !known(&m.host))
        {
            let message = format!("there is no host {:?} in the fabric", mappings[index].host);
            return ready(Err(ApiError::at(index, message)));
        }
        let changed = batch.len() as u64;
        self.mappings.fetch_add(changed, Ordering::Relaxed);
        let table_version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        let note = "not persisted: gone when the daemon restarts".to_owned();
        ready(Ok(Applied {
            table_version,
            changed,
            persisted: false,
            note,
        }))
    }

    async fn groups(&self) -> Result<Vec<GroupStatus>, ApiError> {
        Ok(groups())
    }

    async fn operate(&self, group: GroupKey, request: GroupRequest) -> Result<Done, ApiError> {
        if let GroupRequest::RemoveMember(member) = &request
            && member.host == "s"
        {
            let message = "s owns 10.0.0.3: move it to another member first";
            return Err(ApiError::new(ErrorKind::Conflict, message));
        }
        Ok(Done {
            epoch: Some("1.18".to_owned()),
            owner: Some("t".to_owned()),
            checkpoint: matches!(request, GroupRequest::Checkpoint(_)).then_some(5),
            flight: None,
            note: format!("{} {request:?}", group.address),
        })
    }

    async fn raise_term(&self) -> Result<Done, ApiError> {
        Ok(Done {
            epoch: None,
            owner: None,
            checkpoint: None,
            flight: None,
            note: "the term is 2 now".to_owned(),
        })
    }

    fn events(&self) -> Option<EventLog> {
        Some(self.log.clone())
    }

    async fn flights(&self) -> Result<Vec<FlightSummary>, ApiError> {
        Ok(vec![flight().summary()])
    }

    async fn flight(&self, id: String) -> Result<FlightRecord, ApiError> {
        let unknown = || ApiError::new(ErrorKind::Invalid, format!("there is no flight {id}"));
        Some(flight())
            .filter(|flight| flight.id == id)
            .ok_or_else(unknown)
    }
}

/// A daemon's API on a socket of its own, until dropped.
pub struct Host {
    pub dir: TempDir,
    pub socket: PathBuf,
    pub log: EventLog,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("r.sock");
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let path = socket.clone();
        let log = EventLog::new(100);
        let view = Arc::new(CountingHost::new(log.clone()));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let socket = Socket::bind(&path).unwrap();
                ready.send(()).unwrap();
                let stopped = async {
                    let _ = stopped.await;
                };
                serve(socket, view, stopped).await;
            });
        });
        is_ready.recv().unwrap();
        Self {
            dir,
            socket,
            log,
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        let _ = self.thread.take().unwrap().join();
    }
}
