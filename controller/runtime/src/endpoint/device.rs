//! The user-space stack's view of the world: one packet in, a few packets out.

use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

/// Packets that wait to be taken; a stack that wants to send more is asked to wait.
const SENT_PACKETS_MAX: usize = 256;

/// A device whose packets begin with the IP header.
#[derive(Debug)]
pub struct PacketDevice {
    mtu_bytes: usize,
    received: Option<Vec<u8>>,
    /// The packets that were sent, one behind the other; `ends` says where each stops.
    sent: Vec<u8>,
    ends: Vec<usize>,
}

impl PacketDevice {
    /// A device for packets of up to `mtu_bytes`, IP header included.
    pub const fn new(mtu_bytes: usize) -> Self {
        Self {
            mtu_bytes,
            received: None,
            sent: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Offers one packet; the stack takes it at its next poll.
    pub fn receive_next(&mut self, packet: &[u8]) {
        self.received = Some(packet.to_vec());
    }

    /// Whether the stack has to wait until what it sent is taken.
    pub const fn is_full(&self) -> bool {
        self.ends.len() >= SENT_PACKETS_MAX
    }

    /// Hands every packet that was sent to `out`, in order, and forgets it.
    pub fn take_sent(&mut self, mut out: impl FnMut(&mut [u8])) {
        let mut start = 0;
        for end in self.ends.drain(..) {
            out(&mut self.sent[start..end]);
            start = end;
        }
        self.sent.clear();
    }
}

impl Device for PacketDevice {
    type RxToken<'a> = RxToken;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, now: Instant) -> Option<(RxToken, TxToken<'_>)> {
        let packet = self.received.take()?;
        Some((RxToken(packet), self.transmit(now)?))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        (!self.is_full()).then_some(TxToken(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu_bytes;
        capabilities
    }
}

/// The received packet.
#[derive(Debug)]
pub struct RxToken(Vec<u8>);

impl phy::RxToken for RxToken {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

/// Room for one packet more.
#[derive(Debug)]
pub struct TxToken<'a>(&'a mut PacketDevice);

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, bytes: usize, write: F) -> R {
        let PacketDevice { sent, ends, .. } = self.0;
        let start = sent.len();
        sent.resize(start + bytes, 0);
        let result = write(&mut sent[start..]);
        ends.push(sent.len());
        result
    }
}
