//! Keys of hosts and of the manager: all of them, or none and `insecure_lab`
//!
//! Only the text of public keys is judged here. Secret keys are in files that the daemon reads, so
//! that a configuration can be checked on another machine.

use std::collections::HashMap;

use super::value;
use crate::model::PublicKey;
use crate::problem::{Draft, Drafts};
use crate::raw::Raw;
use crate::source::{At, Span};

/// How keys come about, for errors.
const REMEDY: &str = "make one with `understudy keygen host`, which prints the public key";

/// Whose a key is.
#[derive(Clone, Copy)]
pub enum Kind {
    Host,
    Manager,
}

/// A public key that may be left out: the outer `None` means that something was reported.
pub fn public(
    found: Option<&At<String>>,
    kind: Kind,
    drafts: &Drafts,
) -> Option<Option<PublicKey>> {
    let Some(found) = found else {
        return Some(None);
    };
    let (scheme, command) = match kind {
        Kind::Host => ("x25519", "understudy keygen host"),
        Kind::Manager => ("ed25519", "understudy keygen manager"),
    };
    let key = found.value.strip_prefix(scheme);
    if key
        .and_then(|rest| rest.strip_prefix(':'))
        .is_some_and(is_base64_of_32_bytes)
    {
        return Some(Some(PublicKey(found.value.clone())));
    }
    let message = format!(
        "`public_key` is \"{}\", which is not {scheme}: and 44 characters of base64",
        found.value.escape_debug()
    );
    let draft = Draft::error(message).at(found.span, "not such a public key");
    drafts.push(draft.help(format!("write what `{command}` printed")));
    None
}

/// 43 characters and one `=`. The last character stands for four bits: its other two are zero.
fn is_base64_of_32_bytes(text: &str) -> bool {
    let Some(digits) = text.strip_suffix('=') else {
        return false;
    };
    digits.len() == 43
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
        && digits.ends_with(|last| "AEIMQUYcgkosw048".contains(last))
}

/// Whether the keys that there are suffice, and stand where they have a meaning.
pub fn check(raw: &Raw, drafts: &Drafts) {
    twice(raw, drafts);
    let lab = raw
        .fabric
        .as_ref()
        .and_then(|fabric| fabric.insecure_lab.as_ref())
        .filter(|at| at.value);
    let first = places(raw).into_iter().flatten().next();
    match (lab, first, raw.groups.first()) {
        (Some(lab), Some(key), _) => {
            let draft = Draft::error("`insecure_lab` is true, but there are keys")
                .at(lab.span, "nothing is authenticated")
                .at(key, "a key");
            drafts.push(draft.help("remove `insecure_lab`, or in a lab remove all keys"));
        }
        (None, None, Some(group)) => {
            let draft = Draft::error("a group needs keys, for its hosts must know each other")
                .at(group.span, "the first group");
            drafts.push(draft.help(
                "make keys with `understudy keygen` and write key_file in [host], public_key in each \
                 [[fabric.host]], both in [manager]; or, in a lab only, [fabric] insecure_lab = true",
            ));
        }
        (None, Some(_), Some(_)) => missing(raw, drafts),
        (Some(_), None, _) | (None, _, None) => {}
    }
}

/// Where a key is, whichever kind it is of.
fn places(raw: &Raw) -> Vec<Option<Span>> {
    let span = |key: &Option<At<String>>| key.as_ref().map(|at| at.span);
    let hosts = raw.fabric.iter().flat_map(|fabric| &fabric.hosts);
    let managers = raw.manager.iter();
    raw.host
        .iter()
        .map(|host| span(&host.key_file))
        .chain(hosts.map(|host| span(&host.public_key)))
        .chain(managers.flat_map(|manager| [span(&manager.key_file), span(&manager.public_key)]))
        .collect()
}

/// Reports each key that is not there.
fn missing(raw: &Raw, drafts: &Drafts) {
    let lacks = |what: String, span: Span, help: &str| {
        let draft = Draft::error(what).at(span, "no key");
        drafts.push(draft.help(help.to_owned()));
    };
    if let Some(host) = raw.host.as_ref().filter(|host| host.key_file.is_none()) {
        let help = format!("add key_file = \"/etc/understudy/host.key\": {REMEDY}");
        lacks("[host] has no `key_file`".to_owned(), host.span, &help);
    }
    for host in raw.fabric.iter().flat_map(|fabric| &fabric.hosts) {
        if host.public_key.is_none() {
            let name = host.name.as_ref().map_or("", |name| name.value.as_str());
            let what = format!("host \"{name}\" has no `public_key`");
            lacks(what, host.span, &format!("add public_key: {REMEDY}"));
        }
    }
    let Some(manager) = &raw.manager else {
        return;
    };
    let remedy = "make one with `understudy keygen manager`, which prints the public key";
    if manager.public_key.is_none() {
        let what = "[manager] has no `public_key`".to_owned();
        lacks(what, manager.span, &format!("add public_key: {remedy}"));
    }
    let own = raw.host.as_ref().and_then(|host| host.name.as_ref());
    let here = own.zip(manager.host.as_ref());
    if manager.key_file.is_none() && here.is_some_and(|(own, host)| own.value == host.value) {
        let what = "[manager] has no `key_file`, and it is on this host".to_owned();
        let help = format!("add key_file = \"/etc/understudy/manager.key\": {remedy}");
        lacks(what, manager.span, &help);
    }
}

/// A key that two hosts have is a slip of copying, and would let each speak for the other.
fn twice(raw: &Raw, drafts: &Drafts) {
    let hosts = raw.fabric.iter().flat_map(|fabric| &fabric.hosts);
    let mut taken = HashMap::new();
    for found in hosts.filter_map(|host| host.public_key.as_ref()) {
        if let Some(first) = taken.insert(&found.value, found.span) {
            let message = "two hosts have the same `public_key`".to_owned();
            let help =
                "give each host a key of its own: make it there, with `understudy keygen host`";
            value::taken(drafts, message, found.span, first, help);
        }
    }
}
