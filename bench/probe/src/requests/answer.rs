//! The answering end: answers every request at once and remembers which ones came.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::net::{SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
use serde::{Deserialize, Serialize};

use super::message::{BYTES, Message};
use super::sequences::{Sequences, ranges};
use crate::clock;

/// Room for seconds of requests: a busy machine may not run us for a while.
const RECEIVE_BUFFER_BYTES: usize = 64 << 20;
/// After a busy look at the socket it sleeps for so long instead of waking for each request.
const TICK: Duration = Duration::from_micros(300);
/// An answerer's speed. A guest's virtual network card holds its guest back when its ring is full, a
/// veth throws away: without a bound a guest that finds thousands of requests at once fills the 2,048
/// frames of its port while the host's worker waits for a core.
const ANSWERS_PER_SECOND: u64 = 100_000;
/// After a wait it may catch up by so many at once: a quarter of that ring.
const BURST: u64 = 512;
/// How often an idle answerer looks for signals.
const IDLE: Duration = Duration::from_millis(20);

/// What one answerer received. Times are ns of `CLOCK_MONOTONIC`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub struct Log {
    /// Who this is.
    pub id: u16,
    /// Requests received, repeated ones too.
    pub received: u64,
    /// Different ones among them.
    pub unique: u64,
    /// Repeated ones.
    pub duplicates: u64,
    /// Requests that came after one with a higher number.
    pub out_of_order: u64,
    /// Datagrams that are no requests.
    pub unknown: u64,
    /// Answers that the local kernel refused.
    pub refused: u64,
    /// The lowest number.
    pub first: Option<u64>,
    /// The highest number.
    pub last: Option<u64>,
    /// What is missing between the two.
    pub missing: Vec<(u64, u64)>,
    /// The arrival of the first request.
    pub first_ns: Option<u64>,
    /// The arrival of the last request.
    pub last_ns: Option<u64>,
    /// The numbers received, as ranges.
    pub ranges: Vec<(u64, u64)>,
}

/// A socket that holds seconds of requests.
pub fn bind(listen: SocketAddrV4) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(listen)?;
    socket.set_read_timeout(Some(IDLE))?;
    // As in `ask`: a loss of our own is a wrong alarm, never a wrong all-clear.
    let _ = setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER_BYTES);
    Ok(socket)
}

/// Answers until `ends` is raised; writes the log then, and whenever `dumps` is raised.
pub fn answer(
    socket: &UdpSocket,
    id: u16,
    ends: &AtomicBool,
    dumps: &AtomicBool,
    mut write: impl FnMut(&Log) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut book = Book::new(id);
    let mut spoke_ns = clock::monotonic_ns()?;
    loop {
        let ended = ends.load(Ordering::Relaxed);
        if dumps.swap(false, Ordering::Relaxed) || ended {
            write(&book.log())?;
        }
        if ended {
            return Ok(());
        }
        // Blocks until something comes, then takes what there is, then lets more of it gather.
        if take_one(socket, &mut book)? {
            socket.set_nonblocking(true)?;
            let now_ns = clock::monotonic_ns()?;
            let mut allowed =
                ((now_ns - spoke_ns) * ANSWERS_PER_SECOND / 1_000_000_000).clamp(1, BURST);
            spoke_ns = now_ns;
            while allowed > 1 && take_one(socket, &mut book)? {
                allowed -= 1;
            }
            socket.set_nonblocking(false)?;
            thread::sleep(TICK);
        }
    }
}

/// Answers one datagram; false if none came.
fn take_one(socket: &UdpSocket, book: &mut Book) -> io::Result<bool> {
    let mut datagram = [0; BYTES + 1];
    let (length, from) = match socket.recv_from(&mut datagram) {
        Ok(found) => found,
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            return Ok(false);
        }
        Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
        Err(error) => return Err(error),
    };
    match Message::read(&datagram[..length]) {
        Some(request @ Message { answerer: None, .. }) => {
            book.request(clock::monotonic_ns()?, request.sequence);
            let answer = Message {
                answerer: Some(book.log.id),
                ..request
            };
            // It counts what it could not send; whether that matters is the judge's business.
            book.log.refused += u64::from(socket.send_to(&answer.write(), from).is_err());
        }
        _ => book.log.unknown += 1,
    }
    Ok(true)
}

/// The log as it grows.
struct Book {
    log: Log,
    seen: Sequences,
}

impl Book {
    fn new(id: u16) -> Self {
        Self {
            log: Log {
                id,
                ..Log::default()
            },
            seen: Sequences::default(),
        }
    }

    fn request(&mut self, now_ns: u64, sequence: u64) {
        let log = &mut self.log;
        log.received += 1;
        log.first_ns = log.first_ns.or(Some(now_ns));
        log.last_ns = Some(now_ns);
        log.out_of_order += u64::from(log.last.is_some_and(|last| sequence < last));
        log.first = Some(log.first.map_or(sequence, |first| first.min(sequence)));
        log.last = Some(log.last.map_or(sequence, |last| last.max(sequence)));
        log.duplicates += u64::from(!self.seen.insert(sequence));
    }

    fn log(&self) -> Log {
        let between = self.log.first.zip(self.log.last);
        let missing = between.map(|(first, last)| {
            ranges((first..=last).filter(|&sequence| !self.seen.contains(sequence)))
        });
        Log {
            unique: self.seen.count(),
            missing: missing.unwrap_or_default(),
            ranges: self.seen.ranges(),
            ..self.log.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_tells_order_repetition_and_holes() {
        let mut book = Book::new(2);
        for (now_ns, sequence) in [(10, 5), (11, 6), (12, 9), (13, 7), (14, 6)] {
            book.request(now_ns, sequence);
        }
        let log = book.log();
        assert_eq!((log.received, log.unique, log.duplicates), (5, 4, 1));
        assert_eq!((log.first, log.last), (Some(5), Some(9)));
        assert_eq!(log.missing, [(8, 8)]);
        assert_eq!(log.ranges, [(5, 7), (9, 9)]);
        assert_eq!((log.out_of_order, log.last_ns), (2, Some(14)));
    }

    #[test]
    fn an_empty_log_is_empty() {
        let expected = Log {
            id: 2,
            ..Log::default()
        };
        assert_eq!(Book::new(2).log(), expected);
    }
}
