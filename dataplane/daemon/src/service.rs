//! The thread of the local API, at ordinary priority.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use api::server::{self, Lock, Socket};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::host_view::View;
use crate::launch::LaunchError;
use crate::notes::Notes;

/// The socket is taken, nothing answers yet.
pub(crate) struct BoundService {
    runtime: Runtime,
    socket: Socket,
}

impl BoundService {
    /// Takes the socket.
    ///
    /// # Errors
    /// Another daemon has it, or the file system refuses.
    pub(crate) fn bind(path: &Path) -> Result<Self, LaunchError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let socket = {
            let _entered = runtime.enter();
            Socket::bind(path)?
        };
        Ok(Self { runtime, socket })
    }

    /// What keeps a second daemon away until it is dropped.
    pub(crate) fn lock(&self) -> Lock {
        self.socket.lock()
    }

    /// Answers from now on, on a thread of its own.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub(crate) fn serve(self, view: View, notes: Notes) -> Result<Service, LaunchError> {
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("api".to_owned())
            .spawn(move || {
                let Self { runtime, socket } = self;
                let stopped = async {
                    // The sender's end counts as well.
                    let _ = stopped.await;
                };
                let view = Arc::new(view);
                runtime.block_on(async {
                    tokio::spawn(notes.publish(Arc::clone(&view)));
                    server::serve(socket, view, stopped).await;
                });
            })?;
        Ok(Service {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// The running thread. It ends with this.
pub(crate) struct Service {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Service {
    pub(crate) fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the local API had ended by a panic");
        }
    }
}
