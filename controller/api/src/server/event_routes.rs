//! Events, one JSON object a line, for as long as the reader wants them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::extract::{Extension, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::event_log::Reader;
use super::{Caller, FOLLOWERS_MAX, HostView};
use crate::{ApiError, ErrorKind, EventQuery};

/// Events that are written at once.
const BATCH_EVENTS_MAX: usize = 64;

/// What the events' handler may take of the server: a place among the followers, and the time of
/// its connection.
#[derive(Clone, Debug)]
pub struct Following {
    /// Places for readers that follow.
    pub places: Arc<Semaphore>,
    /// Set where this connection may last.
    pub lasts: Arc<AtomicBool>,
}

pub async fn events<V: HostView>(
    State(host): State<Arc<V>>,
    Extension(caller): Extension<Caller>,
    Extension(following): Extension<Following>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = parse(query.as_deref().unwrap_or(""))?;
    let log = host
        .events()
        .ok_or_else(|| ApiError::new(ErrorKind::Unavailable, "this host keeps no events"))?;
    let place = if query.follow {
        let place = Arc::clone(&following.places).try_acquire_owned().map_err(|_| {
            let message = format!(
                "{FOLLOWERS_MAX} readers follow the events of this host already: end one of them, \
                 or ask without follow"
            );
            ApiError::new(ErrorKind::Unavailable, message)
        })?;
        following.lasts.store(true, Ordering::Relaxed);
        tracing::debug!(%caller, since = query.since, "follows the events");
        Some(place)
    } else {
        None
    };
    let lines = Lines {
        next: Box::pin(next(log.read(query))),
        _place: place,
    };
    Ok((
        [(header::CONTENT_TYPE, "application/x-ndjson")],
        Body::new(lines),
    )
        .into_response())
}

/// Reads `follow=1&since=N`, both of which may be left out.
fn parse(query: &str) -> Result<EventQuery, ApiError> {
    let mut parsed = EventQuery::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("follow", "1" | "true")) => parsed.follow = true,
            Some(("follow", "0" | "false")) => parsed.follow = false,
            Some(("since", number)) => parsed.since = number.parse().map_err(|_| odd(pair))?,
            _ => return Err(odd(pair)),
        }
    }
    Ok(parsed)
}

fn odd(pair: &str) -> ApiError {
    let message = format!("{pair:?} is no query for events: write follow=1 or since=NUMBER");
    ApiError::new(ErrorKind::Malformed, message)
}

/// The next lines, and the reader for those after them; `None` is the end.
type NextLines = Pin<Box<dyn Future<Output = Option<(Bytes, Reader)>> + Send>>;

/// The body of the answer.
struct Lines {
    next: NextLines,
    _place: Option<OwnedSemaphorePermit>,
}

async fn next(mut reader: Reader) -> Option<(Bytes, Reader)> {
    let events = reader.next(BATCH_EVENTS_MAX).await?;
    let mut lines = Vec::new();
    for event in events {
        // An event is text and numbers: it always becomes JSON.
        if serde_json::to_writer(&mut lines, &event).is_ok() {
            lines.push(b'\n');
        }
    }
    Some((lines.into(), reader))
}

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let made = ready!(self.next.as_mut().poll(context));
        let Some((lines, reader)) = made else {
            // Whoever polls after the end waits for ever, rather than a finished future.
            self.next = Box::pin(std::future::pending());
            return Poll::Ready(None);
        };
        self.next = Box::pin(next(reader));
        Poll::Ready(Some(Ok(Frame::data(lines))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_follow_and_since_and_nothing_else() {
        let query = |follow, since| EventQuery { follow, since };
        assert_eq!(parse("").unwrap(), query(false, 0));
        assert_eq!(parse("follow=1&since=17").unwrap(), query(true, 17));
        assert_eq!(parse("since=17&follow=false").unwrap(), query(false, 17));
        for wrong in ["follow", "follow=yes", "since=", "since=-1", "last=3"] {
            let error = parse(wrong).unwrap_err();
            assert!(error.message.contains(wrong), "{error}");
        }
    }
}
