//! The asking end: sends at a steady rate and takes the answers in the same thread.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};

use super::ledger::{Ledger, Report};
use super::message::{BYTES, Message};
use crate::clock;

/// Room for seconds of answers: a busy machine may not run us for a while.
const RECEIVE_BUFFER_BYTES: usize = 16 << 20;
/// How long it sleeps between two looks at the clock and the sockets. Waking for each answer would
/// take the cores away from what is measured; it makes an answer look at most this much later.
const TICK: Duration = Duration::from_micros(500);
/// After a stall of its own it catches up with so many requests a tick: all at once would overflow
/// the rings of the interface, and that loss would be ours.
const BURST_MAX: u64 = 64;

/// What to send.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Requests per second.
    pub per_second: u64,
    /// Requests in total, unless it is told to end.
    pub count: u64,
    /// Source ports.
    pub flows: usize,
    /// How long to wait for the last answers.
    pub drain: Duration,
}

/// Sends what `plan` says to `to`, until `ends` is raised, and collects the answers.
pub fn ask(to: SocketAddrV4, plan: &Plan, ends: &AtomicBool) -> Result<Report, Box<dyn Error>> {
    let sockets = (0..plan.flows)
        .map(|_| open())
        .collect::<io::Result<Vec<_>>>()?;
    let mut ledger = Ledger::default();
    let start_ns = clock::monotonic_ns()?;
    let (mut sent, mut now_ns) = (0, start_ns);
    while sent < plan.count && !ends.load(Ordering::Relaxed) {
        take_answers(&sockets, to, &mut ledger)?;
        let due =
            (u128::from(now_ns - start_ns) * u128::from(plan.per_second) / 1_000_000_000) as u64;
        for _ in 0..due
            .saturating_sub(sent)
            .min(BURST_MAX)
            .min(plan.count - sent)
        {
            send(
                &sockets[(sent % plan.flows as u64) as usize],
                to,
                sent,
                &mut ledger,
            )?;
            sent += 1;
        }
        thread::sleep(TICK);
        let before_ns = now_ns;
        now_ns = clock::monotonic_ns()?;
        ledger.pause(now_ns - before_ns);
    }
    ledger.sending_ends(clock::monotonic_ns()?);
    let drained_ns = now_ns + plan.drain.as_nanos() as u64;
    while ledger.waits() && clock::monotonic_ns()? < drained_ns {
        thread::sleep(TICK);
        take_answers(&sockets, to, &mut ledger)?;
    }
    Ok(ledger.report())
}

/// Not connected: an ICMP error about one request must not refuse the next.
fn open() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_nonblocking(true)?;
    // Only root may exceed the system's limit; with less it may count losses of its own, which is
    // a wrong alarm but never a wrong all-clear.
    let _ = setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER_BYTES);
    Ok(socket)
}

fn send(
    socket: &UdpSocket,
    to: SocketAddrV4,
    sequence: u64,
    ledger: &mut Ledger,
) -> Result<(), Box<dyn Error>> {
    let sent_ns = clock::monotonic_ns()?;
    let request = Message {
        answerer: None,
        sequence,
        sent_ns,
    };
    let left = match socket.send_to(&request.write(), to) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::WouldBlock => false,
        Err(error) if error.raw_os_error() == Some(nix::Error::ENOBUFS as i32) => false,
        Err(error) => return Err(format!("sending to {to}: {error}").into()),
    };
    ledger.request(sent_ns, left);
    Ok(())
}

/// Everything that has arrived. An answer comes from where the request went.
fn take_answers(sockets: &[UdpSocket], to: SocketAddrV4, ledger: &mut Ledger) -> io::Result<()> {
    let mut datagram = [0; BYTES + 1];
    for socket in sockets {
        loop {
            match socket.recv_from(&mut datagram) {
                Ok((_, from)) if from != SocketAddr::V4(to) => ledger.unknown(),
                Ok((length, _)) => match Message::read(&datagram[..length]) {
                    Some(Message {
                        answerer: Some(id),
                        sequence,
                        ..
                    }) => ledger.answer(clock::monotonic_ns()?, id, sequence),
                    _ => ledger.unknown(),
                },
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}
