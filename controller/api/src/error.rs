//! What a host answers when it refuses a request.

use serde::{Deserialize, Serialize};

/// A refusal: a sentence for a human, and for a batch the entry at fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// What sort of refusal it is.
    pub kind: ErrorKind,
    /// What is wrong and what to do.
    pub message: String,
    /// The entry of the batch at fault, counted from 0. Nothing of that batch was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
}

/// The sorts of refusal; each is one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request cannot be read (400).
    Malformed,
    /// The caller may not do this (403).
    Forbidden,
    /// There is no such path (404).
    UnknownPath,
    /// The path is there, but not for this method (405).
    WrongMethod,
    /// The request did not arrive or was not answered in time (408).
    TooSlow,
    /// The group is in no state for it now: the member is not in sync, say (409).
    Conflict,
    /// The body is above [`BODY_BYTES_MAX`](crate::BODY_BYTES_MAX) (413).
    TooLarge,
    /// The request reads well, but does not fit this host: an unknown network, say (422).
    Invalid,
    /// The host cannot do it now: it is stopping, or its queues are full (503).
    Unavailable,
}

impl ErrorKind {
    /// The HTTP status that goes with it.
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Forbidden => 403,
            Self::UnknownPath => 404,
            Self::WrongMethod => 405,
            Self::TooSlow => 408,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::Invalid => 422,
            Self::Unavailable => 503,
        }
    }
}

impl ApiError {
    /// A refusal of the whole request.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            index: None,
        }
    }

    /// A refusal because of the batch's entry `index`, counted from 0.
    pub fn at(index: usize, message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Invalid,
            message: message.into(),
            index: Some(index),
        }
    }
}
