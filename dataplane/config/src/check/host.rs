//! `[host]`: name, workers, memory, socket

use std::collections::HashMap;
use std::path::PathBuf;

use super::{value, whole};
use crate::model::{Host, Memory, Poll};
use crate::name::Names;
use crate::problem::{Draft, Drafts};
use crate::raw;
use crate::source::At;

/// DPDK as Debian builds it knows 128 lcores.
const LCORE_MAX: i64 = 127;

/// More workers than any NIC has queues is a slip.
const WORKERS_MAX: usize = 64;

/// Three ports need about 120 MiB.
const MEMORY_MIB_DEFAULT: u32 = 256;

/// The length in bytes of a unix socket's path (`sun_path`, less its final zero).
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Everything of `[host]`; its name must be one of the fabric's.
pub fn check(raw: &raw::Host, hosts: &Names<'_>, drafts: &Drafts) -> Option<Host> {
    let index = raw.name.as_ref().and_then(|name| {
        let index = hosts.get(&name.value);
        if index.is_none() && !hosts.is_empty() {
            let draft = Draft::error(format!(
                "this host is named \"{}\", but the fabric has no such host",
                name.value
            ))
            .at(name.span, "not in [[fabric.host]]")
            .help(hosts.suggest("host", &name.value));
            drafts.push(draft);
        }
        index
    });
    let workers = raw
        .workers
        .as_ref()
        .and_then(|workers| workers_of(workers, drafts));
    let polls = [("adaptive", Poll::Adaptive), ("busy", Poll::Busy)];
    let poll = value::choice(drafts, "poll", raw.poll.as_ref(), &polls);
    let memory = memory(raw, drafts);
    let name = raw.name.as_ref().map(|name| name.value.clone());
    let socket = match (&raw.socket, &name) {
        (Some(found), _) => socket_of(found, drafts),
        (None, Some(name)) => Some(PathBuf::from(format!("/run/understudy/{name}.sock"))),
        (None, None) => None,
    };
    let state_dir = match (&raw.state_dir, &name) {
        (Some(found), _) => value::absolute(drafts, "state_dir", found, "/var/lib/understudy/r"),
        (None, Some(name)) => Some(PathBuf::from(format!("/var/lib/understudy/{name}"))),
        (None, None) => None,
    };
    let key_file = value::optional_absolute(
        drafts,
        "key_file",
        raw.key_file.as_ref(),
        "/etc/understudy/host.key",
    );
    Some(Host {
        name: name?,
        index: index?,
        workers: workers?,
        poll: poll?,
        memory: memory?,
        socket: socket?,
        state_dir: state_dir?,
        key_file: key_file?,
    })
}

fn workers_of(workers: &At<Vec<At<i64>>>, drafts: &Drafts) -> Option<Vec<u16>> {
    let count = workers.value.len();
    if count == 0 || count > WORKERS_MAX {
        let draft = Draft::error(format!("`workers` lists {count} cores"))
            .at(workers.span, if count == 0 { "empty" } else { "too many" })
            .help(format!(
                "list 1 to {WORKERS_MAX} cores, as in workers = [1, 2]"
            ));
        drafts.push(draft);
        return None;
    }
    let mut taken = HashMap::new();
    let lcore = |found: &At<i64>| {
        let lcore = value::number(drafts, "workers", found, 0..=LCORE_MAX)?;
        if let Some(first) = taken.insert(lcore, found.span) {
            let message = format!("core {lcore} is in `workers` twice");
            value::taken(
                drafts,
                message,
                found.span,
                first,
                "a core runs one worker: remove one of the two",
            );
        }
        Some(lcore)
    };
    whole(workers.value.iter().map(lcore).collect())
}

fn memory(raw: &raw::Host, drafts: &Drafts) -> Option<Memory> {
    let kinds = [("hugepages", false), ("ordinary", true)];
    let ordinary = value::choice(drafts, "memory", raw.memory.as_ref(), &kinds);
    let mib = match &raw.memory_mib {
        None => Some(MEMORY_MIB_DEFAULT),
        Some(found) => value::number(drafts, "memory_mib", found, 64..=1_048_576),
    }?;
    Some(if ordinary? {
        Memory::Ordinary { mib }
    } else {
        Memory::HugePages { mib }
    })
}

fn socket_of(found: &At<String>, drafts: &Drafts) -> Option<PathBuf> {
    let (text, path) = (&found.value, PathBuf::from(&found.value));
    let (message, label) = if !path.is_absolute() || text.ends_with('/') || text.contains('\0') {
        (
            format!("`socket` is \"{text}\", which is not the absolute path of a file"),
            "not an absolute path",
        )
    } else if text.len() > SOCKET_PATH_BYTES_MAX {
        (
            format!(
                "`socket` is a path of {} bytes, but a unix socket's has at most {SOCKET_PATH_BYTES_MAX}",
                text.len()
            ),
            "too long",
        )
    } else {
        return Some(path);
    };
    let help = "write a path such as \"/run/understudy/r.sock\", or leave `socket` out";
    drafts.push(Draft::error(message).at(found.span, label).help(help));
    None
}
