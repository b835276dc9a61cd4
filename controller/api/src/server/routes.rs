//! What is answered to which request.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Extension, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tokio::time::timeout;

use super::event_routes::{self, Following};
use super::{Caller, HostView, REQUEST_S_MAX, group_routes};
use crate::{
    ApiError, Applied, BODY_BYTES_MAX, EVENTS_PATH, ErrorKind, FLIGHTS_PATH, GROUPS_PATH,
    MAPPINGS_PATH, MappingBatch, RAISE_TERM_PATH, STATUS_PATH, Status,
};

/// The routes as `caller` sees them.
pub fn router<V: HostView>(host: Arc<V>, caller: Caller, following: Following) -> Router {
    let group = format!("{GROUPS_PATH}/{{network}}/{{member}}");
    Router::new()
        .route(STATUS_PATH, get(status::<V>))
        .route(MAPPINGS_PATH, post(change::<V>))
        .route(GROUPS_PATH, get(group_routes::list::<V>))
        .route(&group, get(group_routes::show::<V>))
        .route(
            &format!("{group}/{{action}}"),
            post(group_routes::operate::<V>),
        )
        .route(RAISE_TERM_PATH, post(group_routes::raise_term::<V>))
        .route(EVENTS_PATH, get(event_routes::events::<V>))
        .route(FLIGHTS_PATH, get(group_routes::flights::<V>))
        .route(
            &format!("{FLIGHTS_PATH}/{{id}}"),
            get(group_routes::flight::<V>),
        )
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(in_time))
        .layer(Extension(caller))
        .layer(Extension(following))
        .with_state(host)
}

async fn status<V: HostView>(State(host): State<Arc<V>>) -> Json<Status> {
    Json(host.status())
}

async fn change<V: HostView>(
    State(host): State<Arc<V>>,
    Extension(caller): Extension<Caller>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Applied>, ApiError> {
    must_write(caller, "mappings")?;
    let batch = MappingBatch::from_json(&body.map_err(|error| unread_body(&error))?)?;
    let (op, entries) = (batch.op(), batch.len());
    let applied = host.apply(batch).await;
    match &applied {
        Ok(Applied {
            table_version,
            changed,
            ..
        }) => {
            tracing::info!(%caller, op, entries, changed, table_version, "mappings changed");
        }
        Err(error) => tracing::warn!(%caller, op, entries, %error, "mappings not changed"),
    }
    applied.map(Json)
}

/// Refuses to let a caller who may only read change `what`.
pub fn must_write(caller: Caller, what: &str) -> Result<(), ApiError> {
    if caller.may_write() {
        return Ok(());
    }
    tracing::warn!(%caller, what, "refused a change for a caller who may only read");
    let message = format!(
        "{caller} may read but not change this host: be root, or a member of the group {}",
        super::WRITERS_GROUP
    );
    Err(ApiError::new(ErrorKind::Forbidden, message))
}

/// Why a body could not be read.
pub fn unread_body(error: &BytesRejection) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = format!(
            "the body is larger than {BODY_BYTES_MAX} octets; nothing of it was applied: \
             send it in smaller batches"
        );
        ApiError::new(ErrorKind::TooLarge, message)
    } else {
        let message = format!("the body did not arrive whole ({error}); nothing of it was applied");
        ApiError::new(ErrorKind::Malformed, message)
    }
}

async fn unknown_path(request: Request) -> ApiError {
    let message = format!(
        "there is no {}: this host answers {STATUS_PATH}, {MAPPINGS_PATH}, {GROUPS_PATH}, \
         {EVENTS_PATH}, {FLIGHTS_PATH} and {RAISE_TERM_PATH}",
        request.uri().path()
    );
    ApiError::new(ErrorKind::UnknownPath, message)
}

async fn wrong_method(request: Request) -> ApiError {
    let message = format!(
        "{} does not take {}: use GET to read and POST to change",
        request.uri().path(),
        request.method()
    );
    ApiError::new(ErrorKind::WrongMethod, message)
}

/// Answers by [`REQUEST_S_MAX`] in any case, also to a caller whose body never ends.
async fn in_time(request: Request, next: Next) -> Response {
    match timeout(Duration::from_secs(REQUEST_S_MAX), next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = format!(
                "the request was not complete and answered within {REQUEST_S_MAX} s; \
                 a change that had arrived whole may still be applied: look at the status"
            );
            ApiError::new(ErrorKind::TooSlow, message).into_response()
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind.http_status());
        (
            status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Json(self),
        )
            .into_response()
    }
}
