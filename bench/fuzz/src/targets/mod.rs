//! The targets, one subject a file.

pub(crate) mod agent;
pub(crate) mod arp;
pub(crate) mod bulk;
pub(crate) mod configuration;
pub(crate) mod datagrams;
pub(crate) mod endpoint;
pub(crate) mod groups;
pub(crate) mod isolation;
pub(crate) mod journal;
pub(crate) mod neighbour;
pub(crate) mod packet_path;
pub(crate) mod reheader;
pub(crate) mod requests;
