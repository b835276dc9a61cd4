//! Groups, the manager's term, and flight records.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Path, State};

use super::routes::{must_write, unread_body};
use super::{Caller, HostView};
use crate::{
    ApiError, Done, ErrorKind, FlightRecord, FlightSummary, GroupKey, GroupRef, GroupRequest,
    GroupStatus, is_flight_id,
};

/// A refusal lists so many groups or records.
const LISTED_MAX: usize = 8;

pub async fn list<V: HostView>(
    State(host): State<Arc<V>>,
) -> Result<Json<Vec<GroupStatus>>, ApiError> {
    host.groups().await.map(Json)
}

pub async fn show<V: HostView>(
    State(host): State<Arc<V>>,
    Path((network, member)): Path<(String, String)>,
) -> Result<Json<GroupStatus>, ApiError> {
    find(&*host, &network, &member).await.map(Json)
}

pub async fn operate<V: HostView>(
    State(host): State<Arc<V>>,
    Extension(caller): Extension<Caller>,
    Path((network, member, action)): Path<(String, String, String)>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Done>, ApiError> {
    must_write(caller, "a group")?;
    let body = body.map_err(|error| unread_body(&error))?;
    let request = GroupRequest::from_json(&action, &body).ok_or_else(|| {
        let actions = GroupRequest::ACTIONS.join(", ");
        let message = format!("{action:?} is nothing that a group does: it is one of {actions}");
        ApiError::new(ErrorKind::UnknownPath, message)
    })??;
    let group = find(&*host, &network, &member).await?;
    let key = GroupKey {
        network: group.network_id,
        address: group.address,
    };
    let name = format!("{}/{}", group.network, group.address);
    let done = host.operate(key, request.clone()).await;
    match &done {
        Ok(Done {
            epoch, owner, note, ..
        }) => tracing::info!(
            %caller, group = name, action, ?request, epoch, owner, note, "group changed"
        ),
        Err(error) => tracing::warn!(
            %caller, group = name, action, ?request, %error, "group not changed"
        ),
    }
    done.map(Json)
}

pub async fn raise_term<V: HostView>(
    State(host): State<Arc<V>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Done>, ApiError> {
    must_write(caller, "the manager's term")?;
    let done = host.raise_term().await;
    match &done {
        Ok(Done { note, .. }) => tracing::info!(%caller, note, "the manager's term was raised"),
        Err(error) => tracing::warn!(%caller, %error, "the manager's term was not raised"),
    }
    done.map(Json)
}

pub async fn flights<V: HostView>(
    State(host): State<Arc<V>>,
) -> Result<Json<Vec<FlightSummary>>, ApiError> {
    host.flights().await.map(Json)
}

pub async fn flight<V: HostView>(
    State(host): State<Arc<V>>,
    Path(id): Path<String>,
) -> Result<Json<FlightRecord>, ApiError> {
    // The host may look for a file of this name.
    if !is_flight_id(&id) {
        let message = format!("{id:?} is not the id of a flight record");
        return Err(ApiError::new(ErrorKind::Invalid, message));
    }
    host.flight(id).await.map(Json)
}

/// The group that a path means.
async fn find<V: HostView>(host: &V, network: &str, member: &str) -> Result<GroupStatus, ApiError> {
    let invalid = |message| ApiError::new(ErrorKind::Invalid, message);
    let wanted: GroupRef = format!("{network}/{member}").parse().map_err(invalid)?;
    let groups = host.groups().await?;
    if let Some(found) = groups.iter().find(|group| wanted.means(group)) {
        return Ok(found.clone());
    }
    let mut known: Vec<_> = groups
        .iter()
        .take(LISTED_MAX)
        .map(|group| format!("{}/{}", group.network, group.address))
        .collect();
    if groups.len() > LISTED_MAX {
        known.push(format!("and {} more", groups.len() - LISTED_MAX));
    }
    Err(invalid(match known.is_empty() {
        true => format!("there is no group {wanted}: this host knows no groups"),
        false => format!("there is no group {wanted}: known are {}", known.join(", ")),
    }))
}
