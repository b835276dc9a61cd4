//! Device strings: how an operator names what a port is made of.
//!
//! A PCI address (`0000:01:00.0`, the domain may be left out), or a virtual
//! device in DPDK's form: a driver's name and a number, then arguments, as in
//! `net_af_packet1,iface=r-a,framesz=2048`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A device string that has the right form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    text: String,
    name: String,
    kind: Kind,
}

/// What stands behind a device string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A function on the PCI bus.
    Pci,
    /// A virtual device of this driver, such as `net_af_xdp`.
    Virtual(String),
}

/// Why a text names no device.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// It is neither a PCI address nor begins like a virtual device.
    #[error(
        "'{0}' names no device: write a PCI address such as 0000:01:00.0, or a DPDK virtual device \
         such as net_af_xdp0,iface=eth1"
    )]
    Form(String),
    /// A driver that attaches to a network interface was not told which.
    #[error("device '{0}' does not say which network interface to use: add ,iface=NAME")]
    NoInterface(String),
    /// An argument that is not `key=value`.
    #[error("device '{device}': argument '{argument}' is not of the form key=value")]
    Argument {
        /// The device string.
        device: String,
        /// The argument in question.
        argument: String,
    },
}

impl Device {
    /// The name that DPDK knows the device by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value of an argument such as `iface`.
    #[must_use]
    pub fn argument(&self, key: &str) -> Option<&str> {
        self.text
            .split(',')
            .skip(1)
            .filter_map(|part| part.split_once('='))
            .find_map(|(k, v)| (k == key).then_some(v))
    }

    /// The kernel's network interface under the device, if it is one that has
    /// such (af_packet, af_xdp).
    #[must_use]
    pub fn interface(&self) -> Option<&str> {
        self.is_over_kernel()
            .then(|| self.argument("iface"))
            .flatten()
    }

    /// The PCI address with its domain, if it is one.
    #[must_use]
    pub fn pci_address(&self) -> Option<&str> {
        (self.kind == Kind::Pci).then_some(self.name.as_str())
    }

    /// The NUMA node that a PCI device is attached to, where it says so: the best
    /// place for its buffers.
    #[must_use]
    pub fn numa_node(&self) -> Option<u16> {
        let address = self.pci_address()?;
        let node = std::fs::read_to_string(format!("/sys/bus/pci/devices/{address}/numa_node"));
        // -1 on machines with one node.
        node.ok()?.trim().parse().ok()
    }

    /// The driver of a virtual device, such as `net_af_xdp`.
    #[must_use]
    pub fn driver(&self) -> Option<&str> {
        match &self.kind {
            Kind::Pci => None,
            Kind::Virtual(driver) => Some(driver),
        }
    }

    pub(crate) fn is_af_packet(&self) -> bool {
        matches!(self.driver(), Some("net_af_packet" | "eth_af_packet"))
    }

    pub(crate) fn is_af_xdp(&self) -> bool {
        self.driver() == Some("net_af_xdp")
    }

    fn is_over_kernel(&self) -> bool {
        self.is_af_packet() || self.is_af_xdp()
    }
}

impl FromStr for Device {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let (head, arguments) = text
            .split_once(',')
            .map_or((text, None), |(head, rest)| (head, Some(rest)));
        let driver = head.trim_end_matches(|c: char| c.is_ascii_digit());
        let (name, kind) = if let Some(address) = canonical_pci_address(head) {
            (address, Kind::Pci)
        } else if is_virtual_name(driver) {
            (head.to_owned(), Kind::Virtual(driver.to_owned()))
        } else {
            return Err(DeviceError::Form(text.to_owned()));
        };
        let mut arguments = arguments.into_iter().flat_map(|list| list.split(','));
        if let Some(argument) = arguments.find(|argument| !argument.contains('=')) {
            return Err(DeviceError::Argument {
                device: text.to_owned(),
                argument: argument.to_owned(),
            });
        }
        let device = Self {
            text: text.to_owned(),
            name,
            kind,
        };
        if device.is_over_kernel() && device.interface().is_none_or(str::is_empty) {
            return Err(DeviceError::NoInterface(text.to_owned()));
        }
        Ok(device)
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// `net_` and `eth_` are the prefixes that DPDK's ethernet drivers register.
fn is_virtual_name(driver: &str) -> bool {
    let rest = driver
        .strip_prefix("net_")
        .or_else(|| driver.strip_prefix("eth_"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// `[dddd:]bb:dd.f` in hexadecimal, returned with its domain and in lower case.
fn canonical_pci_address(text: &str) -> Option<String> {
    let hex = |part: &str, digits: usize| {
        part.len() == digits && part.chars().all(|c| c.is_ascii_hexdigit())
    };
    let (slot, function) = text.rsplit_once('.')?;
    let (bus, device) = slot.rsplit_once(':')?;
    let (domain, bus) = bus.split_once(':').unwrap_or(("0000", bus));
    let valid = hex(domain, 4) && hex(bus, 2) && hex(device, 2) && hex(function, 1);
    valid.then(|| format!("{domain}:{bus}:{device}.{function}").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pci_address_gains_its_domain() {
        let device: Device = "01:0A.1".parse().unwrap();
        assert_eq!(device.pci_address(), Some("0000:01:0a.1"));
        assert_eq!(device.driver(), None);
    }

    #[test]
    fn a_virtual_device_is_taken_apart() {
        let device: Device = "net_af_packet12,iface=r-a,framesz=2048".parse().unwrap();
        assert_eq!(device.name(), "net_af_packet12");
        assert_eq!(device.driver(), Some("net_af_packet"));
        assert_eq!(device.interface(), Some("r-a"));
        assert_eq!(device.argument("framesz"), Some("2048"));
        assert_eq!(device.argument("qpairs"), None);
    }

    #[test]
    fn what_is_no_device_gets_a_sentence() {
        for text in [
            "",
            "eth0",
            "r-up",
            "net_",
            "01:00",
            "0000:01:00.0.0",
            "net af",
            "01:00.g",
        ] {
            let error = text.parse::<Device>().unwrap_err();
            assert_eq!(error, DeviceError::Form(text.to_owned()));
        }
        let error = "net_af_xdp0".parse::<Device>().unwrap_err();
        assert!(error.to_string().contains("add ,iface=NAME"), "{error}");
        let error = "net_null0,size".parse::<Device>().unwrap_err();
        assert!(
            error
                .to_string()
                .contains("'size' is not of the form key=value"),
            "{error}"
        );
    }
}
