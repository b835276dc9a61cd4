//! Device strings: what DPDK would not even try, and which device one means

use crate::problem::{Draft, Drafts};
use crate::source::At;

/// The remedy for a device that is used twice.
pub const APART: &str =
    "give each port a device of its own: another number after the driver's name, another interface";

/// Linux cuts the names of interfaces here (`IFNAMSIZ`, less its final zero).
const INTERFACE_BYTES_MAX: usize = 15;

/// Buses other than PCI and virtual devices that DPDK takes in front of a name.
const OTHER_BUSES: [&str; 4] = ["auxiliary:", "vmbus:", "fslmc:", "dpaa:"];

/// A device string that may be given to DPDK.
pub struct Device {
    /// As the operator wrote it.
    pub text: String,
    /// What it occupies, in words: its name, its interface or socket.
    pub things: Vec<String>,
}

/// Judges the form of a device string; whether the device is there is seen at the start.
pub fn parse(found: &At<String>, drafts: &Drafts) -> Option<Device> {
    match judge(&found.value) {
        Ok(things) => Some(Device {
            text: found.value.clone(),
            things,
        }),
        Err((message, help)) => {
            drafts.push(
                Draft::error(message)
                    .at(found.span, "not a device")
                    .help(help),
            );
            None
        }
    }
}

/// What the device occupies, or a message and its remedy.
fn judge(text: &str) -> Result<Vec<String>, (String, String)> {
    let examples = "write a PCI address such as \"0000:03:00.0\" or a driver's name such as \"net_af_packet0,iface=eth0\"";
    if text.is_empty() {
        return Err(("`device` is empty".to_owned(), examples.to_owned()));
    }
    if let Some(odd) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        let help = "write it without spaces: a name, then key=value after each comma";
        let odd = if odd == ' ' {
            "a space".to_owned()
        } else {
            format!("{odd:?}")
        };
        let message = format!("`device` \"{}\" has {odd} in it", text.escape_debug());
        return Err((message, help.to_owned()));
    }
    let (name, arguments) = text
        .split_once(',')
        .map_or((text, ""), |(name, rest)| (name, rest));
    if let Some(pci) = pci_address(name.strip_prefix("pci:").unwrap_or(name)) {
        return Ok(vec![format!("the PCI device {pci}")]);
    }
    let bare = name.strip_prefix("vdev:").unwrap_or(name);
    if bare.starts_with("net_") || bare.starts_with("eth_") {
        return virtual_device(bare, arguments);
    }
    if OTHER_BUSES
        .iter()
        .any(|bus| name.len() > bus.len() && name.starts_with(bus))
    {
        return Ok(vec![format!("the device {name}")]);
    }
    let looks_like_interface = arguments.is_empty()
        && name.len() <= INTERFACE_BYTES_MAX
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let help = if looks_like_interface {
        format!(
            "for a Linux interface write \"net_af_packet0,iface={name}\", for a NIC its PCI address such as \"0000:03:00.0\""
        )
    } else {
        examples.to_owned()
    };
    Err((
        format!("`device` \"{text}\" is neither a PCI address nor a DPDK driver's name"),
        help,
    ))
}

/// `driver` and a number, then `key=value` after each comma.
fn virtual_device(name: &str, arguments: &str) -> Result<Vec<String>, (String, String)> {
    let mut things = vec![format!("the device {name}")];
    let mut interface = None;
    for argument in arguments.split(',').filter(|_| !arguments.is_empty()) {
        let (key, value) = argument.split_once('=').unwrap_or((argument, ""));
        if key.is_empty() {
            let help = format!("write key=value after each comma, as in \"{name},iface=eth0\"");
            return Err((
                format!("`device` \"{name},{arguments}\" has a comma without an argument"),
                help,
            ));
        }
        if key == "iface" && !value.is_empty() {
            interface = Some(value);
        }
    }
    let wants_interface = name.starts_with("net_af_packet") || name.starts_with("net_af_xdp");
    match interface {
        None if wants_interface => {
            let help = format!("write \"{name},iface=eth0\" with the interface's name");
            return Err((
                format!("`device` \"{name}\" does not say which interface"),
                help,
            ));
        }
        Some(interface) if wants_interface && interface.len() > INTERFACE_BYTES_MAX => {
            let help =
                format!("Linux has interface names of at most {INTERFACE_BYTES_MAX} characters");
            return Err((
                format!("`device` {name} names an interface \"{interface}\" that cannot be"),
                help,
            ));
        }
        Some(path) if path.contains('/') => things.push(format!("the socket {path}")),
        Some(interface) => things.push(format!("the interface {interface}")),
        None => {}
    }
    Ok(things)
}

/// `dddd:bb:dd.f` in lower case, the domain filled in.
fn pci_address(text: &str) -> Option<String> {
    let (rest, function) = text.rsplit_once('.')?;
    let mut fields = rest.rsplit(':');
    let (device, bus) = (fields.next()?, fields.next()?);
    let domain = fields.next().unwrap_or("0000");
    let hex = |field: &str, digits: usize| {
        field.len() == digits && field.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let right = fields.next().is_none()
        && hex(domain, 4)
        && hex(bus, 2)
        && hex(device, 2)
        && matches!(function.as_bytes(), [b'0'..=b'7']);
    right.then(|| format!("{domain}:{bus}:{device}.{function}").to_ascii_lowercase())
}
