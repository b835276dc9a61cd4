//! Events as they are told, line by line.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{ANSWER_S_MAX, Client, ClientError};
use crate::{ApiError, EVENTS_PATH, Event, EventQuery};

/// A longer line is none of ours.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Reads events until they end. The connection ends when this is dropped.
pub struct EventReader {
    client: Client,
    /// Moves the octets; it has to be polled while the body is read.
    connection: Pin<Box<dyn Future<Output = ()> + Send>>,
    connected: bool,
    body: Incoming,
    partial: Vec<u8>,
    ready: VecDeque<Event>,
}

impl Client {
    /// Begins to read the events that `query` asks for.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn events(&self, query: EventQuery) -> Result<EventReader, ClientError> {
        let begin = timeout(Duration::from_secs(ANSWER_S_MAX), self.begin(query));
        let late = |_| self.broken(format!("no answer within {ANSWER_S_MAX} s"));
        begin.await.map_err(late)?
    }

    async fn begin(&self, query: EventQuery) -> Result<EventReader, ClientError> {
        let follow = u8::from(query.follow);
        let uri = format!("{EVENTS_PATH}?follow={follow}&since={}", query.since);
        let request = Request::get(uri)
            .header(header::HOST, "localhost")
            .body(Full::new(Bytes::new()))
            .map_err(|error| self.broken(error))?;
        let stream = UnixStream::connect(&self.socket).await;
        let stream = stream.map_err(|source| ClientError::Unreachable {
            socket: self.socket.clone(),
            source,
        })?;
        let broken = |error| self.broken(error);
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let mut connection = Box::pin(async move {
            // Why it broke is told by the body.
            let _ = connection.await;
        });
        let mut connected = true;
        let response = sender.send_request(request);
        tokio::pin!(response);
        let response = loop {
            tokio::select! {
                response = &mut response => break response.map_err(broken)?,
                () = &mut connection, if connected => connected = false,
            }
        };
        let status = response.status();
        let mut reader = EventReader {
            client: self.clone(),
            connection,
            connected,
            body: response.into_body(),
            partial: Vec::new(),
            ready: VecDeque::new(),
        };
        if status.is_success() {
            return Ok(reader);
        }
        while reader.read().await? {}
        Err(match serde_json::from_slice::<ApiError>(&reader.partial) {
            Ok(refusal) => refusal.into(),
            Err(_) => self.broken(format!("HTTP {status}")),
        })
    }
}

impl EventReader {
    /// The next event; `None` is the end.
    ///
    /// # Errors
    /// See [`ClientError`]; the conversation also breaks off where the daemon stops.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if !self.read().await? {
                return Ok(None);
            }
            self.split()?;
        }
    }

    /// Reads some octets; `false` is the end.
    async fn read(&mut self) -> Result<bool, ClientError> {
        let frame = loop {
            tokio::select! {
                frame = self.body.frame() => break frame,
                () = &mut self.connection, if self.connected => self.connected = false,
            }
        };
        let Some(frame) = frame else {
            return Ok(false);
        };
        let ended = "the events broke off; has the daemon stopped?";
        let frame = frame.map_err(|_| self.client.broken(ended))?;
        if let Some(octets) = frame.data_ref() {
            self.partial.extend_from_slice(octets);
        }
        if self.partial.len() > LINE_BYTES_MAX {
            return Err(self.client.broken("a line without end"));
        }
        Ok(true)
    }

    /// Takes the whole lines out of what has been read.
    fn split(&mut self) -> Result<(), ClientError> {
        let Some(end) = self.partial.iter().rposition(|&octet| octet == b'\n') else {
            return Ok(());
        };
        let rest = self.partial.split_off(end + 1);
        let lines = std::mem::replace(&mut self.partial, rest);
        for line in lines
            .split(|&octet| octet == b'\n')
            .filter(|line| !line.is_empty())
        {
            let event = serde_json::from_slice(line);
            self.ready
                .push_back(event.map_err(|error| self.client.broken(error))?);
        }
        Ok(())
    }
}
