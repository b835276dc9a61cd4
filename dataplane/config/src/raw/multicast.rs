//! `[network.multicast]`

use crate::reader::Section;
use crate::source::{At, Span};

#[derive(Debug)]
pub(crate) struct Multicast {
    pub span: Span,
    pub groups: Option<At<Vec<At<String>>>>,
    pub broadcast: Option<At<bool>>,
    pub never_forward: Option<At<Vec<At<String>>>>,
    pub copy_packets_per_s: Option<At<i64>>,
    pub copy_bytes_per_s: Option<At<i64>>,
    pub query_interval_s: Option<At<i64>>,
}

pub(super) fn multicast(mut section: Section<'_>) -> Multicast {
    let multicast = Multicast {
        span: section.span,
        groups: section.optional("groups"),
        broadcast: section.optional("broadcast"),
        never_forward: section.optional("never_forward"),
        copy_packets_per_s: section.optional("copy_packets_per_s"),
        copy_bytes_per_s: section.optional("copy_bytes_per_s"),
        query_interval_s: section.optional("query_interval_s"),
    };
    section.finish();
    multicast
}
