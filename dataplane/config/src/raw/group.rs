//! The shape of replication: `[[group]]` and `[manager]`

use crate::reader::Section;
use crate::source::{At, Span};

#[derive(Debug)]
pub(crate) struct Group {
    pub span: Span,
    pub network: Option<At<String>>,
    pub address: Option<At<String>>,
    pub members: Option<At<Vec<At<String>>>>,
    pub spares: Option<At<Vec<At<String>>>>,
    pub copies: Option<At<String>>,
    pub fan_out: Option<At<String>>,
    pub interval_ms: Option<At<i64>>,
    pub detect_mult: Option<At<i64>>,
    pub on_isolation: Option<At<String>>,
    pub copy_packets_per_s: Option<At<i64>>,
    pub copy_bytes_per_s: Option<At<i64>>,
    pub buffer_packets: Option<At<i64>>,
    pub buffer_mib: Option<At<i64>>,
    pub buffer_age_ms: Option<At<i64>>,
    pub checkpoint_margin_ms: Option<At<i64>>,
    pub promotion_min_gap_ms: Option<At<i64>>,
    pub hook: Option<At<String>>,
    pub hook_timeout_ms: Option<At<i64>>,
    pub hook_wait: Option<At<bool>>,
}

#[derive(Debug)]
pub(crate) struct Manager {
    pub span: Span,
    pub host: Option<At<String>>,
    pub state_dir: Option<At<String>>,
    pub key_file: Option<At<String>>,
    pub public_key: Option<At<String>>,
}

pub(crate) fn group(mut section: Section<'_>) -> Group {
    let group = Group {
        span: section.span,
        network: section.required("network", "network = \"z\", one of the [[network]]"),
        address: section.required("address", "address = \"10.0.0.3\", which the members share"),
        members: section.required("members", "members = [\"g\", \"j\"], the order is the rank"),
        spares: section.optional("spares"),
        copies: section.optional("copies"),
        fan_out: section.optional("fan_out"),
        interval_ms: section.optional("interval_ms"),
        detect_mult: section.optional("detect_mult"),
        on_isolation: section.optional("on_isolation"),
        copy_packets_per_s: section.optional("copy_packets_per_s"),
        copy_bytes_per_s: section.optional("copy_bytes_per_s"),
        buffer_packets: section.optional("buffer_packets"),
        buffer_mib: section.optional("buffer_mib"),
        buffer_age_ms: section.optional("buffer_age_ms"),
        checkpoint_margin_ms: section.optional("checkpoint_margin_ms"),
        promotion_min_gap_ms: section.optional("promotion_min_gap_ms"),
        hook: section.optional("hook"),
        hook_timeout_ms: section.optional("hook_timeout_ms"),
        hook_wait: section.optional("hook_wait"),
    };
    section.finish();
    group
}

pub(crate) fn manager(mut section: Section<'_>) -> Manager {
    let manager = Manager {
        span: section.span,
        host: section.required("host", "host = \"r\", one of the names in [[fabric.host]]"),
        state_dir: section.optional("state_dir"),
        key_file: section.optional("key_file"),
        public_key: section.optional("public_key"),
    };
    section.finish();
    manager
}
