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

use super::{Caller, HostView, REQUEST_S_MAX};
use crate::{
    ApiError, Applied, BODY_BYTES_MAX, ErrorKind, MAPPINGS_PATH, MappingBatch, STATUS_PATH, Status,
};

/// The routes as `caller` sees them.
pub fn router<V: HostView>(host: Arc<V>, caller: Caller) -> Router {
    Router::new()
        .route(STATUS_PATH, get(status::<V>))
        .route(MAPPINGS_PATH, post(change::<V>))
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(in_time))
        .layer(Extension(caller))
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
    if !caller.may_write() {
        tracing::warn!(%caller, "refused to change mappings for a caller who may only read");
        let message = format!(
            "{caller} may read but not change this host: be root, or a member of the group {}",
            super::WRITERS_GROUP
        );
        return Err(ApiError::new(ErrorKind::Forbidden, message));
    }
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

fn unread_body(error: &BytesRejection) -> ApiError {
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
        "there is no {}: this host answers {STATUS_PATH} and {MAPPINGS_PATH}",
        request.uri().path()
    );
    ApiError::new(ErrorKind::UnknownPath, message)
}

async fn wrong_method(request: Request) -> ApiError {
    let message = format!(
        "{} does not take {}: use GET {STATUS_PATH} or POST {MAPPINGS_PATH}",
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
