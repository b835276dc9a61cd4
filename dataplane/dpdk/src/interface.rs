//! The kernel's network interfaces, as the calling thread's namespace has them.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// A network interface, by name.
#[derive(Debug)]
pub(crate) struct Interface {
    socket: OwnedFd,
    name: [libc::c_char; libc::IFNAMSIZ],
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
        let mut padded = [0; libc::IFNAMSIZ];
        if name.len() >= padded.len() {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        for (to, from) in padded.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        let interface = Self {
            socket,
            name: padded,
        };
        interface.ask(libc::SIOCGIFINDEX, |_| ())?;
        Ok(interface)
    }

    /// The MTU: octets of payload in a frame.
    pub(crate) fn mtu(&self) -> io::Result<u32> {
        let request = self.ask(libc::SIOCGIFMTU, |_| ())?;
        // SAFETY: the request filled this member.
        let mtu = unsafe { request.ifr_ifru.ifru_mtu };
        u32::try_from(mtu).map_err(io::Error::other)
    }

    /// Sets the MTU.
    pub(crate) fn set_mtu(&self, mtu: u16) -> io::Result<()> {
        let set = |request: &mut libc::ifreq| request.ifr_ifru.ifru_mtu = mtu.into();
        self.ask(libc::SIOCSIFMTU, set).map(|_| ())
    }

    /// Whether it is up and has a carrier: the other end of a veth pair is up too.
    pub(crate) fn is_running(&self) -> io::Result<bool> {
        const RUNNING: i32 = libc::IFF_UP | libc::IFF_RUNNING;
        let request = self.ask(libc::SIOCGIFFLAGS, |_| ())?;
        // SAFETY: the request filled this member.
        let flags = unsafe { request.ifr_ifru.ifru_flags };
        Ok(i32::from(flags) & RUNNING == RUNNING)
    }

    fn ask(
        &self,
        what: libc::Ioctl,
        set: impl FnOnce(&mut libc::ifreq),
    ) -> io::Result<libc::ifreq> {
        // SAFETY: `ifreq` is plain data, for which all zeros are valid.
        let mut request: libc::ifreq = unsafe { mem::zeroed() };
        request.ifr_name = self.name;
        set(&mut request);
        // SAFETY: all these requests take an `ifreq`, which lives for the call.
        match unsafe { libc::ioctl(self.socket.as_raw_fd(), what, &raw mut request) } {
            0 => Ok(request),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
