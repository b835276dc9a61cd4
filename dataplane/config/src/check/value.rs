//! Single values: numbers in a range, one of some words, addresses

use std::fmt::Display;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::{Ipv4Net, Ipv6Net};
use wire::ethernet::MacAddress;

use crate::name::closest;
use crate::problem::{Draft, Drafts};
use crate::source::{At, Span};

/// A number in `range`; the range must fit into `T`.
pub fn number<T: TryFrom<i64>>(
    drafts: &Drafts,
    key: &str,
    found: &At<i64>,
    range: RangeInclusive<i64>,
) -> Option<T> {
    if range.contains(&found.value) {
        return T::try_from(found.value).ok();
    }
    let (low, high) = range.into_inner();
    let draft = Draft::error(format!("`{key}` is {}, out of range", found.value))
        .at(found.span, "out of range")
        .help(format!("write a number from {low} to {high}"));
    drafts.push(draft);
    None
}

/// A number in `range`, or the default where there is none.
pub fn number_or<T: TryFrom<i64>>(
    drafts: &Drafts,
    key: &str,
    found: Option<&At<i64>>,
    range: RangeInclusive<i64>,
    default: T,
) -> Option<T> {
    match found {
        Some(found) => number(drafts, key, found, range),
        None => Some(default),
    }
}

/// A time in `range_ms`, or the default where there is none.
pub fn duration_or(
    drafts: &Drafts,
    key: &str,
    found: Option<&At<i64>>,
    range_ms: RangeInclusive<i64>,
    default_ms: u64,
) -> Option<Duration> {
    number_or(drafts, key, found, range_ms, default_ms).map(Duration::from_millis)
}

/// The absolute path of a file or directory.
pub fn absolute(drafts: &Drafts, key: &str, found: &At<String>, example: &str) -> Option<PathBuf> {
    let (text, path) = (&found.value, PathBuf::from(&found.value));
    if path.is_absolute() && !text.contains('\0') {
        return Some(path);
    }
    let message = format!(
        "`{key}` is \"{}\", which is not an absolute path",
        text.escape_debug()
    );
    let draft = Draft::error(message).at(found.span, "not an absolute path");
    drafts.push(draft.help(format!("write a path such as \"{example}\"")));
    None
}

/// The same for a path that may be left out: the outer `None` means that something was reported.
pub fn optional_absolute(
    drafts: &Drafts,
    key: &str,
    found: Option<&At<String>>,
    example: &str,
) -> Option<Option<PathBuf>> {
    match found {
        Some(found) => absolute(drafts, key, found, example).map(Some),
        None => Some(None),
    }
}

/// The value of one of the allowed words, the first of which is the default.
pub fn choice<T: Copy>(
    drafts: &Drafts,
    key: &str,
    found: Option<&At<String>>,
    allowed: &[(&str, T)],
) -> Option<T> {
    let Some(found) = found else {
        return allowed.first().map(|&(_, default)| default);
    };
    let chosen = allowed.iter().find(|(word, _)| *word == found.value);
    if chosen.is_none() {
        let words: Vec<_> = allowed
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect();
        let meant = closest(
            &found.value.to_lowercase(),
            allowed.iter().map(|(word, _)| *word),
        );
        let help = match meant {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None => format!("write one of these, or leave `{key}` out for {}", words[0]),
        };
        let (last, others) = words
            .split_last()
            .map_or(("", &[][..]), |(one, all)| (one, all));
        let words = format!("{} or {last}", others.join(", "));
        let message = format!("`{key}` is \"{}\", but must be {words}", found.value);
        drafts.push(
            Draft::error(message)
                .at(found.span, "none of these")
                .help(help),
        );
    }
    chosen.map(|&(_, value)| value)
}

/// Descriptors of a queue: what every driver takes.
pub fn descriptors(drafts: &Drafts, key: &str, found: Option<&At<i64>>) -> Option<u16> {
    let found = found?;
    let count: u16 = number(drafts, key, found, 64..=32_768)?;
    if !count.is_power_of_two() {
        let draft = Draft::error(format!("`{key}` is {count}, which is not a power of two"))
            .at(found.span, "not a power of two")
            .help(format!("write {}", count.next_power_of_two()));
        drafts.push(draft);
    }
    Some(count)
}

/// Packet buffers of a port: a pool of 16,777,216 would take some 40 GB.
pub fn mbufs(drafts: &Drafts, key: &str, found: Option<&At<i64>>) -> Option<u32> {
    number(drafts, key, found?, 1..=1 << 24)
}

/// A unicast MAC address.
pub fn mac(drafts: &Drafts, key: &str, found: &At<String>) -> Option<MacAddress> {
    let text = &found.value;
    let (message, label) = match text.parse::<MacAddress>() {
        Ok(mac) if mac.0 == [0; 6] => (
            format!("`{key}` is \"{text}\", which is no one's address"),
            "all zero",
        ),
        Ok(mac) if mac.is_multicast() => (
            format!("`{key}` is \"{text}\", a group address"),
            "the first octet is odd",
        ),
        Ok(mac) => return Some(mac),
        Err(_) => (
            format!("`{key}` is \"{text}\", which is not a MAC address"),
            "not a MAC address",
        ),
    };
    let help = "write six two-digit hexadecimal octets, the first of them even, as in \"02:55:0a:00:00:02\"";
    drafts.push(Draft::error(message).at(found.span, label).help(help));
    None
}

/// An IPv4 address.
pub fn ipv4(drafts: &Drafts, key: &str, found: &At<String>) -> Option<Ipv4Addr> {
    let form = Form {
        family: "IPv4",
        example: "10.0.0.2",
    };
    address(drafts, key, found, form, Ipv4Net::addr)
}

/// An IPv6 address.
pub fn ipv6(drafts: &Drafts, key: &str, found: &At<String>) -> Option<Ipv6Addr> {
    let form = Form {
        family: "IPv6",
        example: "2001:db8:0:1::1",
    };
    address(drafts, key, found, form, Ipv6Net::addr)
}

/// An IPv4 prefix with host bits zero.
pub fn ipv4_prefix(drafts: &Drafts, key: &str, found: &At<String>) -> Option<Ipv4Net> {
    let form = Form {
        family: "IPv4",
        example: "10.0.0.0/24",
    };
    let net: Ipv4Net = net::<_, Ipv4Addr>(drafts, key, found, form)?;
    if net.addr() != net.network() {
        host_bits(drafts, key, found, &net.trunc().to_string());
        return None;
    }
    Some(net)
}

/// An IPv6 address or prefix with its length.
pub fn ipv6_net(drafts: &Drafts, key: &str, found: &At<String>, example: &str) -> Option<Ipv6Net> {
    net::<_, Ipv6Addr>(
        drafts,
        key,
        found,
        Form {
            family: "IPv6",
            example,
        },
    )
}

/// How an address should look, for messages.
struct Form<'a> {
    family: &'a str,
    example: &'a str,
}

/// An address; one with a prefix length is what people write instead.
fn address<A: FromStr + Display, N: FromStr>(
    drafts: &Drafts,
    key: &str,
    found: &At<String>,
    Form { family, example }: Form<'_>,
    address_of: fn(&N) -> A,
) -> Option<A> {
    let text = &found.value;
    let address = text.parse().ok();
    if address.is_none() {
        let help = match text.parse() {
            Ok(net) => format!("leave the prefix length away: \"{}\"", address_of(&net)),
            Err(_) => format!("write one such as \"{example}\""),
        };
        let message = format!("`{key}` is \"{text}\", which is not an {family} address");
        let draft = Draft::error(message).at(found.span, format!("not an {family} address"));
        drafts.push(draft.help(help));
    }
    address
}

/// An address with its prefix length; one without is what people write instead.
fn net<N: FromStr, A: FromStr>(
    drafts: &Drafts,
    key: &str,
    found: &At<String>,
    Form { family, example }: Form<'_>,
) -> Option<N> {
    let text = &found.value;
    let net = text.parse().ok();
    if net.is_none() {
        let (wrong, label) = match text.parse::<A>() {
            Ok(_) => ("without a prefix length".to_owned(), "no prefix length"),
            Err(_) => {
                let wrong = format!("which is not an {family} address with a prefix length");
                (wrong, "not an address with a length")
            }
        };
        let draft = Draft::error(format!("`{key}` is \"{text}\", {wrong}")).at(found.span, label);
        drafts.push(draft.help(format!("write it in the form of \"{example}\"")));
    }
    net
}

/// Reports bits behind the prefix length.
pub fn host_bits(drafts: &Drafts, key: &str, found: &At<String>, right: &str) {
    let message = format!(
        "`{key}` is \"{}\", with bits set behind its length",
        found.value
    );
    let draft = Draft::error(message).at(found.span, "host bits are set");
    drafts.push(draft.help(format!("write \"{right}\"")));
}

/// Reports a value that another place has already taken.
pub fn taken(drafts: &Drafts, message: String, second: Span, first: Span, help: &str) {
    let draft = Draft::error(message)
        .at(second, "the second")
        .at(first, "the first");
    drafts.push(draft.help(help));
}
