//! TCP between the control endpoints of hosts, for what does not fit into a datagram.

use std::net::Ipv6Addr;

use smoltcp::iface::{SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::time::Duration;
use smoltcp::wire::IpEndpoint;

use super::{Endpoint, Stack, ipv6};

/// Connections at once, in both directions, closing ones included.
pub const STREAMS_MAX: usize = 32;

/// Octets that wait in each direction of a connection.
const BUFFER_BYTES: usize = 1 << 15;

/// A peer that says nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(5);

/// A connection of an [`Endpoint`]. One of a stack that was begun anew refers to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamId {
    handle: SocketHandle,
    stack: u64,
}

/// The sockets of connections, and the one that waits for the next.
pub(super) struct Streams {
    listening: SocketHandle,
    open: Vec<SocketHandle>,
    /// Given back by their users, not yet through with TCP's farewell.
    closing: Vec<SocketHandle>,
    next_port: u16,
}

/// The first port from which we connect (RFC 6335 section 6: dynamic ports).
const EPHEMERAL_PORT_FIRST: u16 = 49_152;

impl Streams {
    pub(super) fn new(sockets: &mut SocketSet<'static>, port: u16, seed: u64) -> Self {
        Self {
            listening: sockets.add(listener(port)),
            open: Vec::new(),
            closing: Vec::new(),
            // Not where the last life of this host began: its connections may still be remembered.
            next_port: EPHEMERAL_PORT_FIRST | (seed as u16 & 0x3fff),
        }
    }

    fn is_full(&self) -> bool {
        self.open.len() + self.closing.len() >= STREAMS_MAX
    }

    /// Forgets connections whose farewell is over.
    fn reap(&mut self, sockets: &mut SocketSet<'static>) {
        self.closing.retain(|handle| {
            let over = !sockets.get::<tcp::Socket<'_>>(*handle).is_open();
            if over {
                sockets.remove(*handle);
            }
            !over
        });
    }

    fn next_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(EPHEMERAL_PORT_FIRST);
        port
    }
}

fn socket() -> tcp::Socket<'static> {
    let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER_BYTES]);
    let mut socket = tcp::Socket::new(buffer(), buffer());
    socket.set_timeout(Some(SILENCE_MAX));
    socket
}

fn listener(port: u16) -> tcp::Socket<'static> {
    let mut socket = socket();
    socket
        .listen(port)
        .expect("a fresh socket, and the configuration refuses port 0");
    socket
}

impl Endpoint {
    /// Begins a connection to the control address `to`; `None` if there are [`STREAMS_MAX`].
    pub fn connect(&mut self, to: Ipv6Addr) -> Option<StreamId> {
        let (port, from) = (self.config.control_port, self.config.control_address);
        let Stack {
            interface,
            sockets,
            streams,
            ..
        } = &mut self.stack;
        streams.reap(sockets);
        if streams.is_full() {
            return None;
        }
        let mut socket = socket();
        let local = IpEndpoint::new(from.into(), streams.next_port());
        socket
            .connect(interface.context(), IpEndpoint::new(to.into(), port), local)
            .ok()?;
        let handle = sockets.add(socket);
        streams.open.push(handle);
        Some(self.stream(handle))
    }

    /// A connection that another host has made, and that host's control address.
    pub fn accept(&mut self) -> Option<(StreamId, Ipv6Addr)> {
        let port = self.config.control_port;
        let Stack {
            sockets, streams, ..
        } = &mut self.stack;
        streams.reap(sockets);
        let handle = streams.listening;
        let socket: &mut tcp::Socket<'_> = sockets.get_mut(handle);
        if !socket.is_open() {
            // The caller hung up before it was heard.
            *socket = listener(port);
            return None;
        }
        if !socket.may_send() {
            return None;
        }
        let from = ipv6(socket.remote_endpoint()?.addr)?;
        if streams.is_full() {
            socket.abort();
            return None;
        }
        streams.open.push(handle);
        streams.listening = sockets.add(listener(port));
        Some((self.stream(handle), from))
    }

    /// Appends what came to `octets`; `None` once nothing more can come.
    pub fn read(&mut self, stream: StreamId, octets: &mut Vec<u8>) -> Option<usize> {
        let socket = self.socket(stream)?;
        if !socket.can_recv() {
            return (socket.may_recv() || is_opening(socket)).then_some(0);
        }
        let mut count = 0;
        // The buffer is a ring: what is waiting may lie in two pieces.
        while socket.can_recv() {
            let taken = socket.recv(|piece| {
                octets.extend_from_slice(piece);
                (piece.len(), piece.len())
            });
            count += taken.ok()?;
        }
        Some(count)
    }

    /// Queues as much of `octets` as there is room for and says how much that was; `None` once
    /// nothing more can be sent.
    pub fn write(&mut self, stream: StreamId, octets: &[u8]) -> Option<usize> {
        let socket = self.socket(stream)?;
        if is_opening(socket) {
            return Some(0);
        }
        socket.send_slice(octets).ok()
    }

    /// Gives a connection back: what is queued is still sent.
    pub fn close(&mut self, stream: StreamId) {
        let Some(socket) = self.socket(stream) else {
            return;
        };
        socket.close();
        let streams = &mut self.stack.streams;
        streams.open.retain(|handle| *handle != stream.handle);
        streams.closing.push(stream.handle);
    }

    fn stream(&self, handle: SocketHandle) -> StreamId {
        StreamId {
            handle,
            stack: self.restarts,
        }
    }

    fn socket(&mut self, stream: StreamId) -> Option<&mut tcp::Socket<'static>> {
        let ours =
            stream.stack == self.restarts && self.stack.streams.open.contains(&stream.handle);
        ours.then(|| self.stack.sockets.get_mut(stream.handle))
    }
}

/// Neither open nor over.
fn is_opening(socket: &tcp::Socket<'_>) -> bool {
    matches!(
        socket.state(),
        tcp::State::SynSent | tcp::State::SynReceived
    )
}
