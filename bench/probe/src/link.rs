//! How do frames that no kernel would send leave: a raw socket on one interface.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, bind, send, socket};

/// A socket that sends whole Ethernet frames on one interface and receives nothing.
#[derive(Debug)]
pub struct Link {
    socket: OwnedFd,
    /// The interface's own address.
    pub mac: [u8; 6],
}

impl Link {
    /// Opens `interface` of this network namespace.
    pub fn open(interface: &str) -> io::Result<Self> {
        let address = getifaddrs()?
            .filter(|entry| entry.interface_name == interface)
            .find_map(|entry| entry.address?.as_link_addr().copied())
            .ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("no interface {interface:?} in this network namespace"),
                )
            })?;
        let mac = address.addr().unwrap_or_default();
        // No protocol: the kernel queues nothing for a socket that only sends.
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            None,
        )?;
        bind(socket.as_raw_fd(), &address)?;
        Ok(Self { socket, mac })
    }

    /// Sends one frame, Ethernet header on.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        send(self.socket.as_raw_fd(), frame, MsgFlags::empty())?;
        Ok(())
    }
}
