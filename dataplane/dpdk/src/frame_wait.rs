//! Sleeping until the kernel has a frame for one of this process's ports.
//!
//! The rings of af_packet and af_xdp are filled by the kernel, which wakes whoever waits for their
//! sockets; DPDK has no receive interrupts for either driver, so that the sockets are asked
//! directly. Other devices must be polled.

use std::os::fd::RawFd;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use crate::kernel_ring::clear_error;
use crate::port::{Opened, Port};

/// How long a wait lasts at least if a socket is in error: an interface that is down would turn
/// waiting into polling.
const IN_ERROR: Duration = Duration::from_micros(80);

/// Waits for frames at some ports.
#[derive(Debug)]
pub struct FrameWait {
    sockets: Vec<libc::pollfd>,
    /// They keep the sockets open.
    _ports: Vec<Arc<Opened>>,
}

impl FrameWait {
    /// Of all these ports; `None` if one of them must be polled.
    #[must_use]
    pub fn at(ports: &[Port]) -> Option<Self> {
        let mut sockets = Vec::new();
        for port in ports {
            let ring = port.0.kernel_ring.as_ref()?;
            let own = ring.sockets();
            if own.is_empty() {
                return None;
            }
            sockets.extend(own.iter().copied().map(readable));
        }
        Some(Self {
            sockets,
            _ports: ports.iter().map(|port| Arc::clone(&port.0)).collect(),
        })
    }

    /// Sleeps until one of the ports has a frame, `at_most` so long. A frame that is there already
    /// ends it at once.
    pub fn wait(&mut self, at_most: Duration) {
        let at_most = libc::timespec {
            tv_sec: at_most.as_secs() as libc::time_t,
            tv_nsec: at_most.subsec_nanos().into(),
        };
        let count = self.sockets.len() as libc::nfds_t;
        // SAFETY: `count` entries, which the kernel may write to; the time lives for the call; no
        // signal mask is given.
        let ready = unsafe {
            libc::ppoll(
                self.sockets.as_mut_ptr(),
                count,
                &raw const at_most,
                ptr::null(),
            )
        };
        let in_error = |socket: &&libc::pollfd| socket.revents & !libc::POLLIN != 0;
        if ready > 0 && self.sockets.iter().any(|socket| in_error(&socket)) {
            for socket in self.sockets.iter().filter(in_error) {
                clear_error(socket.fd);
            }
            std::thread::sleep(IN_ERROR);
        }
    }
}

fn readable(socket: RawFd) -> libc::pollfd {
    libc::pollfd {
        fd: socket,
        events: libc::POLLIN,
        revents: 0,
    }
}
