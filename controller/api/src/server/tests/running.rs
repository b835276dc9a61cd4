//! A real server over a host that is only a map.

use std::collections::BTreeMap;
use std::future::ready;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::super::{HostView, Socket, serve};
use crate::client::Client;
use crate::{
    ApiError, Applied, Done, Event, FlightRecord, FlightSummary, GroupKey, GroupRequest,
    GroupStatus, MappingBatch, Status,
};

use super::super::EventLog;

/// A host that keeps its mappings in a map, and of its groups remembers what was asked of them.
pub struct MapHost {
    state: Mutex<(u64, Owners)>,
    log: EventLog,
}

/// Events that the host keeps.
pub const EVENTS_KEPT: usize = 8;

type Owners = BTreeMap<(String, Ipv4Addr), String>;

impl HostView for MapHost {
    fn status(&self) -> Status {
        let (version, mappings) = &*self.state.lock();
        let mut status: Status =
            serde_json::from_str(include_str!("../../../tests/status.json")).unwrap();
        status.table_version = *version;
        status.mappings = mappings.len() as u64;
        status
    }

    fn apply(&self, batch: MappingBatch) -> impl Future<Output = Result<Applied, ApiError>> + Send {
        let mut state = self.state.lock();
        let mut next = state.1.clone();
        let mut changed = 0;
        let edited = match batch {
            MappingBatch::Add { mappings } => {
                mappings.into_iter().enumerate().try_for_each(|(i, m)| {
                    if !["r", "s"].contains(&m.host.as_str()) {
                        return Err(ApiError::at(i, format!("there is no host {:?}", m.host)));
                    }
                    next.insert((m.network.to_string(), m.address), m.host);
                    changed += 1;
                    Ok(())
                })
            }
            MappingBatch::Remove { mappings } => {
                mappings.iter().for_each(|m| {
                    changed +=
                        u64::from(next.remove(&(m.network.to_string(), m.address)).is_some());
                });
                Ok(())
            }
        };
        ready(edited.map(|()| {
            *state = (state.0 + 1, next);
            let note = "not persisted: gone when the daemon restarts".to_owned();
            Applied {
                table_version: state.0,
                changed,
                persisted: false,
                note,
            }
        }))
    }

    async fn groups(&self) -> Result<Vec<GroupStatus>, ApiError> {
        Ok(serde_json::from_str(include_str!("../../../tests/groups.json")).unwrap())
    }

    async fn operate(&self, group: GroupKey, request: GroupRequest) -> Result<Done, ApiError> {
        Ok(Done {
            epoch: None,
            owner: None,
            checkpoint: None,
            flight: None,
            note: format!("{:#x} {} {request:?}", group.network, group.address),
        })
    }

    fn events(&self) -> Option<EventLog> {
        Some(self.log.clone())
    }

    async fn flights(&self) -> Result<Vec<FlightSummary>, ApiError> {
        Ok(vec![flight_record().summary()])
    }

    async fn flight(&self, id: String) -> Result<FlightRecord, ApiError> {
        assert_eq!(id, flight_record().id);
        Ok(flight_record())
    }
}

pub fn flight_record() -> FlightRecord {
    serde_json::from_str(include_str!("../../../tests/flight.json")).unwrap()
}

/// The golden events.
pub fn events() -> Vec<Event> {
    let lines = include_str!("../../../tests/events.jsonl").lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A server on a socket of its own, until it is told to stop.
pub struct Running {
    _dir: TempDir,
    pub path: PathBuf,
    pub client: Client,
    pub log: EventLog,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run").join("r.sock");
        let socket = Socket::bind(&path).unwrap();
        let (stop, stopped) = oneshot::channel();
        let log = EventLog::new(EVENTS_KEPT);
        let host = MapHost {
            state: Mutex::default(),
            log: log.clone(),
        };
        let task = tokio::spawn(serve(socket, Arc::new(host), async {
            let _ = stopped.await;
        }));
        Self {
            _dir: dir,
            client: Client::new(&path),
            path,
            log,
            stop,
            task,
        }
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// What the server answers to these octets, whatever they are, until it hangs up.
    pub async fn raw(&self, request: Vec<u8>) -> String {
        raw(self.path.clone(), request).await
    }
}

async fn raw(path: PathBuf, request: Vec<u8>) -> String {
    let exchange = move || {
        let mut stream = UnixStream::connect(path).unwrap();
        // The server may have refused and hung up before it has read everything.
        let _ = stream.write_all(&request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}
