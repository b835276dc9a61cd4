//! What hosts say to each other, and what they call the things they speak of.
#![forbid(unsafe_code)]

pub mod body;
pub mod bulk;
pub mod codec;
pub mod datagram;
pub mod entropy;
pub mod ids;
pub mod keys;
pub mod planted;
pub mod record;
pub mod session;
pub mod time;

pub use body::Body;
pub use ids::{BootId, Epoch, FabricId, GroupId, HostId};
pub use record::{GroupState, Member, MemberState, Owner, Record, Signature, SignedRecord};
pub use session::{Event, Outgoing, PeerState, Received, SendError, Sessions};
pub use time::Time;
