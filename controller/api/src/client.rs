//! The asker's side: one connection for each request.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::{
    AddedMappings, ApiError, Applied, Done, FLIGHTS_PATH, FlightRecord, FlightSummary, GROUPS_PATH,
    GroupRef, GroupRequest, GroupStatus, MAPPINGS_PATH, MappingBatch, MemberRef, NetworkRef,
    RAISE_TERM_PATH, STATUS_PATH, Status,
};

mod events;

pub use events::EventReader;

/// How long a host may take to answer, in seconds: longer than any host that is well takes.
const ANSWER_S_MAX: u64 = 15;

/// The largest answer that is read, in octets.
const ANSWER_BYTES_MAX: usize = 256 << 20;

/// The host behind a socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why there is no answer, or not the one that was wanted.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers on the socket.
    #[error("no daemon answers on {}: {}", socket.display(), remedy(source))]
    Unreachable {
        /// The socket's file.
        socket: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The host refuses, and says why.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// The conversation broke off, or what answers is no daemon of ours.
    #[error("the daemon on {} does not answer as expected: {problem}", socket.display())]
    Broken {
        /// The socket's file.
        socket: PathBuf,
        /// What was odd.
        problem: String,
    },
}

/// All that can stand in a [`GroupRef`] can stand in a path as it is.
fn group_path(GroupRef { network, member }: &GroupRef) -> String {
    let network = match network {
        NetworkRef::Id(id) => id.to_string(),
        NetworkRef::Name(name) => name.clone(),
    };
    match member {
        MemberRef::Address(address) => format!("{GROUPS_PATH}/{network}/{address}"),
        MemberRef::Node(name) => format!("{GROUPS_PATH}/{network}/{name}"),
    }
}

fn remedy(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such socket; is understudyd running, and for this host?".to_owned()
        }
        io::ErrorKind::ConnectionRefused => {
            "the socket is stale, its daemon is gone; start understudyd again".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "permission denied; be root, or a member of the socket's group".to_owned()
        }
        _ => error.to_string(),
    }
}

impl Client {
    /// A client of the daemon that listens on `socket`. Nothing is connected yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
        }
    }

    /// The socket it asks.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// How the host is doing.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.ask(Request::get(STATUS_PATH), Bytes::new()).await
    }

    /// Has the host apply `batch`, all of it or nothing.
    ///
    /// # Errors
    /// See [`ClientError`]; [`ClientError::Refused`] has the index of an entry at fault.
    pub async fn apply(&self, batch: &MappingBatch) -> Result<Applied, ClientError> {
        let body = serde_json::to_vec(batch).map_err(|error| self.broken(error))?;
        self.ask(Request::post(MAPPINGS_PATH), body.into()).await
    }

    /// The same for a batch that is JSON already.
    ///
    /// # Errors
    /// See [`Client::apply`].
    pub async fn add(&self, mappings: AddedMappings) -> Result<Applied, ClientError> {
        let body = mappings.into_json();
        self.ask(Request::post(MAPPINGS_PATH), body.into()).await
    }

    /// Every group that the host knows.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn groups(&self) -> Result<Vec<GroupStatus>, ClientError> {
        self.ask(Request::get(GROUPS_PATH), Bytes::new()).await
    }

    /// One group.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn group(&self, group: &GroupRef) -> Result<GroupStatus, ClientError> {
        self.ask(Request::get(group_path(group)), Bytes::new())
            .await
    }

    /// Has the manager do what is asked of a group.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn operate(
        &self,
        group: &GroupRef,
        request: &GroupRequest,
    ) -> Result<Done, ClientError> {
        let path = format!("{}/{}", group_path(group), request.action());
        let body = request.to_json().map_err(|error| self.broken(error))?;
        self.ask(Request::post(path), body.into()).await
    }

    /// Lets a manager decide again that lost its log.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn raise_term(&self) -> Result<Done, ClientError> {
        self.ask(Request::post(RAISE_TERM_PATH), Bytes::new()).await
    }

    /// The flight records that the host keeps.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn flights(&self) -> Result<Vec<FlightSummary>, ClientError> {
        self.ask(Request::get(FLIGHTS_PATH), Bytes::new()).await
    }

    /// One flight record, by an id for which [`is_flight_id`](crate::is_flight_id) holds.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn flight(&self, id: &str) -> Result<FlightRecord, ClientError> {
        let path = format!("{FLIGHTS_PATH}/{id}");
        self.ask(Request::get(path), Bytes::new()).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: hyper::http::request::Builder,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let request = request
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| self.broken(error))?;
        match timeout(Duration::from_secs(ANSWER_S_MAX), self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.broken(format!("no answer within {ANSWER_S_MAX} s"))),
        }
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<T, ClientError> {
        let unreachable = |source| ClientError::Unreachable {
            socket: self.socket.clone(),
            source,
        };
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(unreachable)?;
        let broken = |error| self.broken(error);
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        // It owns `sender`, so that the connection ends with it.
        let talk = async move {
            let response = sender.send_request(request).await.map_err(broken)?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX)
                .collect()
                .await;
            let body = body.map_err(|error| self.broken(error))?.to_bytes();
            if status.is_success() {
                return serde_json::from_slice(&body).map_err(|error| self.broken(error));
            }
            Err(match serde_json::from_slice::<ApiError>(&body) {
                Ok(refusal) => refusal.into(),
                Err(_) => self.broken(format!("HTTP {status}")),
            })
        };
        let (_, answer) = tokio::join!(connection, talk);
        answer
    }

    fn broken(&self, problem: impl ToString) -> ClientError {
        ClientError::Broken {
            socket: self.socket.clone(),
            problem: problem.to_string(),
        }
    }
}
