//! The host's side: answers on the unix socket, on whatever single-threaded tokio runtime the
//! caller gives it.
//!
//! The socket is local, but its callers are not trusted to be well: bodies, times and connections
//! are bounded (docs/architecture.md), one request a connection, and a caller that stalls costs one
//! of [`CONNECTIONS_MAX`] places for at most [`CONNECTION_S_MAX`] seconds. Whoever does not get a
//! place waits in the kernel's queue. Only readers that follow the events stay as long as they
//! like, and of those there are at most [`FOLLOWERS_MAX`].

mod caller;
mod event_log;
mod event_routes;
mod group_routes;
mod routes;
mod socket;

#[cfg(test)]
#[cfg(feature = "client")]
mod tests;

use std::future::{Future, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::{
    ApiError, Applied, Done, ErrorKind, FlightRecord, FlightSummary, GroupKey, GroupRequest,
    GroupStatus, MappingBatch, Status,
};

use caller::Caller;
pub use caller::WRITERS_GROUP;
pub use event_log::EventLog;
use event_routes::Following;
pub use socket::{BindError, Lock, Socket};

/// Connections that are answered at the same time.
pub const CONNECTIONS_MAX: usize = 64;

/// How long a request may take to arrive and be answered, in seconds.
pub const REQUEST_S_MAX: u64 = 5;

/// How long a connection may last, in seconds, however slowly its caller reads.
pub const CONNECTION_S_MAX: u64 = 10;

/// Readers that follow the events at the same time.
pub const FOLLOWERS_MAX: usize = 16;

/// How long requests under way may still take once the server is told to end, in milliseconds.
const DRAIN_MS_MAX: u64 = 150;

/// What the server needs from the host that it speaks for. It is called on the server's own thread.
pub trait HostView: Send + Sync + 'static {
    /// How the host is doing now.
    fn status(&self) -> Status;

    /// Applies all of `batch` or nothing of it; ends once the new tables are published.
    ///
    /// The future is dropped after [`REQUEST_S_MAX`], and at the server's end: what was begun may
    /// still happen then, and the caller has been told so.
    ///
    /// # Errors
    /// A sentence, with the index of the entry at fault ([`ApiError::at`]).
    fn apply(&self, batch: MappingBatch) -> impl Future<Output = Result<Applied, ApiError>> + Send;

    /// Every group that this host knows, in the order of the configuration; none by default.
    ///
    /// # Errors
    /// A sentence.
    fn groups(&self) -> impl Future<Output = Result<Vec<GroupStatus>, ApiError>> + Send {
        ready(Ok(Vec::new()))
    }

    /// Has the manager do what is asked of a group that [`groups`](Self::groups) has listed; ends
    /// once that is decided and, for a change of owner, the new owner is there. Dropped like
    /// [`apply`](Self::apply).
    ///
    /// # Errors
    /// A sentence: [`ErrorKind::Invalid`] for a host that is none, [`ErrorKind::Conflict`] where
    /// the group's state does not allow it, [`ErrorKind::Unavailable`] without a manager in reach.
    fn operate(
        &self,
        group: GroupKey,
        request: GroupRequest,
    ) -> impl Future<Output = Result<Done, ApiError>> + Send {
        let _ = (group, request);
        ready(Err(no_manager()))
    }

    /// Lets a manager decide again that lost its log: its term rises above all that it hears of.
    ///
    /// # Errors
    /// A sentence: [`ErrorKind::Unavailable`] where this host is not the manager's.
    fn raise_term(&self) -> impl Future<Output = Result<Done, ApiError>> + Send {
        ready(Err(no_manager()))
    }

    /// The events of this host; none by default.
    fn events(&self) -> Option<EventLog> {
        None
    }

    /// The flight records that this host keeps, the newest first; none by default.
    ///
    /// # Errors
    /// A sentence.
    fn flights(&self) -> impl Future<Output = Result<Vec<FlightSummary>, ApiError>> + Send {
        ready(Ok(Vec::new()))
    }

    /// One flight record. The id holds no separators of paths ([`is_flight_id`]).
    ///
    /// # Errors
    /// A sentence: [`ErrorKind::Invalid`] where there is no such record.
    ///
    /// [`is_flight_id`]: crate::is_flight_id
    fn flight(&self, id: String) -> impl Future<Output = Result<FlightRecord, ApiError>> + Send {
        let message = format!("there is no flight record {id:?} on this host");
        ready(Err(ApiError::new(ErrorKind::Invalid, message)))
    }
}

fn no_manager() -> ApiError {
    ApiError::new(ErrorKind::Unavailable, "this host knows of no manager")
}

/// Answers requests on `socket` for `host` until `shutdown` ends, and then for at most 200 ms more.
///
/// The socket's file is removed at the end. Needs a tokio runtime with I/O and time enabled.
pub async fn serve<V: HostView>(socket: Socket, host: Arc<V>, shutdown: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let followers = Arc::new(Semaphore::new(FOLLOWERS_MAX));
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, socket.accept().await)
        };
        let (place, stream) = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            accepted = accepted => accepted,
        };
        match stream {
            Ok(stream) => {
                let host = Arc::clone(&host);
                let following = Following {
                    places: Arc::clone(&followers),
                    lasts: Arc::new(AtomicBool::new(false)),
                };
                connections.spawn(async move {
                    let _place = place;
                    answer(stream, host, following).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the local API cannot accept a connection; trying again");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(socket);
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(Duration::from_millis(DRAIN_MS_MAX), drained).await;
}

/// Answers the one request of a connection. What goes wrong here is the caller's loss alone.
async fn answer<V: HostView>(stream: UnixStream, host: Arc<V>, following: Following) {
    let caller = match Caller::of(&stream) {
        Ok(caller) => caller,
        Err(error) => {
            tracing::warn!(%error, "a caller of the local API has no credentials; hung up");
            return;
        }
    };
    let lasts = Arc::clone(&following.lasts);
    let service = TowerToHyperService::new(routes::router(host, caller, following));
    let connection = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let limit = Duration::from_secs(CONNECTION_S_MAX);
    let ended = match timeout(limit, &mut connection).await {
        Err(_) if lasts.load(Ordering::Relaxed) => Ok(connection.await),
        ended => ended,
    };
    if !matches!(ended, Ok(Ok(()))) {
        tracing::debug!(%caller, "a connection to the local API ended early");
    }
}
