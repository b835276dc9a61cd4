//! Does a byte stream arrive whole: TCP with pseudo-random content and a digest at both ends.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use clap::Subcommand;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::clock;
use crate::content::Content;
use crate::output;

const CHUNK_BYTES: usize = 256 * 1024;
/// A connection on which nothing moves for so long has failed.
const STALL: Duration = Duration::from_secs(20);

#[derive(Subcommand)]
pub enum Command {
    /// Sends pseudo-random octets and waits until the peer has read them.
    Send {
        /// The receiver's address and port.
        to: SocketAddr,
        /// Octets per connection.
        #[arg(long)]
        bytes: u64,
        /// Connections at once.
        #[arg(long, default_value_t = 1)]
        connections: usize,
    },
    /// Reads connections to their end; says `listening` on stderr first.
    Receive {
        /// The address and port to listen on.
        listen: SocketAddr,
        /// Connections to accept.
        #[arg(long, default_value_t = 1)]
        connections: usize,
    },
}

/// Runs one of them.
pub fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Send {
            to,
            bytes,
            connections,
        } => output::print(&send(to, bytes, connections)?),
        Command::Receive {
            listen,
            connections,
        } => {
            let listener =
                TcpListener::bind(listen).map_err(|error| format!("{listen}: {error}"))?;
            output::announce();
            output::print(&receive(&listener, connections)?)
        }
    }
}

/// What one end saw of all its connections.
#[derive(Debug, Serialize, PartialEq)]
pub struct Report {
    connections: usize,
    bytes: u64,
    seconds: f64,
    gbit_per_s: f64,
    /// The digest of a single connection; of several, the digest of their sorted digests, because
    /// connections arrive in any order.
    sha256: String,
}

/// One connection's share.
struct Stream {
    bytes: u64,
    digest: [u8; 32],
    first: Instant,
    last: Instant,
}

/// Sends `bytes` over each of `connections` connections at once.
pub fn send(to: SocketAddr, bytes: u64, connections: usize) -> io::Result<Report> {
    let streams = in_parallel((0..connections).map(|index| {
        move || {
            let socket = TcpStream::connect_timeout(&to, STALL)?;
            send_one(socket, bytes, index as u64)
        }
    }))?;
    Ok(summarise(streams))
}

/// Accepts `connections` connections and reads each to its end.
pub fn receive(listener: &TcpListener, connections: usize) -> io::Result<Report> {
    let sockets = (0..connections)
        .map(|_| listener.accept().map(|(socket, _)| socket))
        .collect::<io::Result<Vec<_>>>()?;
    let streams = in_parallel(
        sockets
            .into_iter()
            .map(|socket| move || receive_one(socket)),
    )?;
    Ok(summarise(streams))
}

fn send_one(mut socket: TcpStream, bytes: u64, seed: u64) -> io::Result<Stream> {
    socket.set_write_timeout(Some(STALL))?;
    let (mut content, mut hash) = (Content::new(seed), Sha256::new());
    let mut chunk = vec![0; CHUNK_BYTES];
    let first = clock::now();
    let mut left = bytes;
    while left > 0 {
        let part = &mut chunk[..left.min(CHUNK_BYTES as u64) as usize];
        content.fill(part);
        hash.update(&*part);
        socket.write_all(part)?;
        left -= part.len() as u64;
    }
    socket.shutdown(std::net::Shutdown::Write)?;
    // The peer closes when it has read everything: only then has it arrived.
    socket.set_read_timeout(Some(STALL))?;
    let _ = socket.read(&mut [0])?;
    Ok(Stream {
        bytes,
        digest: hash.finalize().into(),
        first,
        last: clock::now(),
    })
}

fn receive_one(mut socket: TcpStream) -> io::Result<Stream> {
    socket.set_read_timeout(Some(STALL))?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let first = clock::now();
    let mut bytes = 0;
    loop {
        match socket.read(&mut chunk)? {
            0 => break,
            part => {
                hash.update(&chunk[..part]);
                bytes += part as u64;
            }
        }
    }
    Ok(Stream {
        bytes,
        digest: hash.finalize().into(),
        first,
        last: clock::now(),
    })
}

/// Runs every job on a thread of its own; the first error wins.
fn in_parallel<F>(jobs: impl Iterator<Item = F>) -> io::Result<Vec<Stream>>
where
    F: FnOnce() -> io::Result<Stream> + Send,
{
    thread::scope(|scope| {
        let threads: Vec<_> = jobs.map(|job| scope.spawn(job)).collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a connection's thread panicked")))
            })
            .collect()
    })
}

fn summarise(streams: Vec<Stream>) -> Report {
    let bytes = streams.iter().map(|stream| stream.bytes).sum::<u64>();
    let first = streams.iter().map(|stream| stream.first).min();
    let last = streams.iter().map(|stream| stream.last).max();
    let seconds = match (first, last) {
        (Some(first), Some(last)) => (last - first).as_secs_f64(),
        _ => 0.0,
    };
    let mut digests: Vec<_> = streams.iter().map(|stream| stream.digest).collect();
    digests.sort_unstable();
    let digest = match digests.as_slice() {
        [single] => *single,
        several => Sha256::digest(several.concat()).into(),
    };
    Report {
        connections: streams.len(),
        bytes,
        seconds,
        gbit_per_s: if seconds > 0.0 {
            bytes as f64 * 8e-9 / seconds
        } else {
            0.0
        },
        sha256: digest.iter().map(|octet| format!("{octet:02x}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both_ends(bytes: u64, connections: usize) -> (Report, Report) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        thread::scope(|scope| {
            let receiver = scope.spawn(|| receive(&listener, connections).unwrap());
            let sent = send(to, bytes, connections).unwrap();
            (sent, receiver.join().unwrap())
        })
    }

    #[test]
    fn one_stream_has_the_same_digest_at_both_ends() {
        let (sent, received) = both_ends(1_000_003, 1);
        assert_eq!((sent.bytes, &sent.sha256), (1_000_003, &received.sha256));
    }

    #[test]
    fn the_digest_of_many_streams_does_not_depend_on_their_order() {
        let (sent, received) = both_ends(10_000, 16);
        assert_eq!((received.bytes, received.connections), (160_000, 16));
        assert_eq!(sent.sha256, received.sha256);
    }

    #[test]
    fn a_missing_byte_changes_the_digest() {
        assert_ne!(both_ends(4096, 1).0.sha256, both_ends(4095, 1).0.sha256);
    }
}
