//! The kernel's network interfaces, as the calling thread's namespace has them.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A network interface, by name.
pub(crate) struct Interface {
    socket: OwnedFd,
    request: libc::ifreq,
}

impl Interface {
    /// Fails if there is none of this name.
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        // SAFETY: creates a socket; no precondition.
        let socket = match unsafe {
            libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)
        } {
            -1 => return Err(io::Error::last_os_error()),
            // SAFETY: a fresh descriptor, owned by nobody else.
            socket => unsafe { OwnedFd::from_raw_fd(socket) },
        };
        // SAFETY: `ifreq` is plain data, for which all zeros are valid.
        let mut request: libc::ifreq = unsafe { mem::zeroed() };
        if name.len() >= request.ifr_name.len() {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        let mut interface = Self { socket, request };
        interface.ask(libc::SIOCGIFINDEX)?;
        Ok(interface)
    }

    /// The MTU: octets of payload in a frame.
    pub(crate) fn mtu(&mut self) -> io::Result<u32> {
        self.ask(libc::SIOCGIFMTU)?;
        // SAFETY: the request filled this member.
        let mtu = unsafe { self.request.ifr_ifru.ifru_mtu };
        u32::try_from(mtu).map_err(io::Error::other)
    }

    /// Sets the MTU.
    pub(crate) fn set_mtu(&mut self, mtu: u16) -> io::Result<()> {
        self.request.ifr_ifru.ifru_mtu = mtu.into();
        self.ask(libc::SIOCSIFMTU)
    }

    fn ask(&mut self, what: libc::Ioctl) -> io::Result<()> {
        // SAFETY: all these requests take an `ifreq`, which lives for the call.
        match unsafe { libc::ioctl(self.socket.as_raw_fd(), what, &raw mut self.request) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
