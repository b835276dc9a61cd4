//! What can go wrong, and the exit code of each: they are part of the command's interface and do
//! not change.

use std::io;

use api::client::ClientError;

/// Told by `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
   0  done (also when the reader of a pipe has gone away)
   1  failed, or the host refused; a sentence on standard error says why
   2  the command line is wrong
  69  no daemon can be reached
  78  the configuration cannot be used";

/// Why the command ends without having done what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line leaves open what is meant.
    #[error("{0}")]
    Usage(String),
    /// No daemon answers.
    #[error("{0}")]
    Unreachable(String),
    /// The file cannot be used as a configuration; that has been shown already.
    #[error("the configuration cannot be used")]
    Configuration,
    /// It did not work out.
    #[error("{0}")]
    Failed(String),
    /// Reading or writing failed; a broken pipe is no failure, the reader has seen enough.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Failure {
    /// What to tell the user, if there is anything left to tell.
    pub fn sentence(&self) -> Option<String> {
        match self {
            Self::Configuration => None,
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            other => Some(other.to_string()),
        }
    }

    /// See [`EXIT_CODES`].
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Io(_) | Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 69,
            Self::Configuration => 78,
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Unreachable { .. } => Self::Unreachable(error.to_string()),
            ClientError::Refused(_) | ClientError::Broken { .. } => Self::Failed(error.to_string()),
        }
    }
}
