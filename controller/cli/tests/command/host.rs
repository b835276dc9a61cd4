//! A daemon's API, over a host that only counts.

use std::future::ready;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use api::server::{HostView, Socket, serve};
use api::{ApiError, Applied, MappingBatch, Status};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// A host that counts its mappings and knows the hosts r and s.
#[derive(Default)]
struct CountingHost {
    version: AtomicU64,
    mappings: AtomicU64,
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
}

/// A daemon's API on a socket of its own, until dropped.
pub struct Host {
    pub dir: TempDir,
    pub socket: PathBuf,
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
                serve(socket, Arc::new(CountingHost::default()), stopped).await;
            });
        });
        is_ready.recv().unwrap();
        Self {
            dir,
            socket,
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
