//! Which record a body carries. It is checked before anybody reads the body.

use crate::body::Body;
use crate::record::SignedRecord;

impl Body {
    /// The record that the manager must have signed. No body carries more than one. Each new one
    /// has to be put here on one side or the other, or this does not compile.
    #[must_use]
    pub const fn signed_record(&self) -> Option<&SignedRecord> {
        match self {
            Self::Push { record, promise: _ }
            | Self::Announce { record }
            | Self::Newer { record }
            | Self::Fetched { record } => Some(record),
            Self::Heartbeat(_)
            | Self::HeartbeatAck(_)
            | Self::Suspect { .. }
            | Self::Withdraw { .. }
            | Self::Fault { .. }
            | Self::SoloRequest { .. }
            | Self::Join { .. }
            | Self::FirstAck { .. }
            | Self::Probe { .. }
            | Self::Ping { .. }
            | Self::Pong { .. }
            | Self::ProbeResult { .. }
            | Self::RecordAck { .. }
            | Self::Ask { .. }
            | Self::Report { .. }
            | Self::ReportAck { .. }
            | Self::Fetch { .. }
            | Self::CheckpointMark { .. }
            | Self::CheckpointAck { .. }
            | Self::CheckpointComplete { .. }
            | Self::Frozen { .. }
            | Self::Request { .. }
            | Self::Answer { .. }
            | Self::Bounce { .. } => None,
        }
    }
}
