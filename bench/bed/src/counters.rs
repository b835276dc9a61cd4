//! Packets that a program has forwarded, read from outside while it runs.

use std::error::Error;
use std::path::{Path, PathBuf};

use api::client::Client;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, socket,
};
use serde_json::Value;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::scenario::Direction;

/// Octets of an answer, at most: DPDK's own limit is 16 KiB.
const ANSWER_BYTES_MAX: usize = 1 << 15;

/// Where a program's counts come from.
pub enum Counters {
    /// DPDK's telemetry socket: what the devices counted.
    Telemetry {
        /// The connection.
        socket: OwnedFd,
        /// The device that packets come in at.
        rx: u16,
        /// The device that they leave at.
        tx: u16,
    },
    /// The local API of `understudyd`.
    Api {
        /// The conversation's runtime.
        runtime: tokio::runtime::Runtime,
        /// The daemon.
        client: Client,
        /// Which way packets go.
        direction: Direction,
    },
}

/// Packets so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// That came in.
    pub received: u64,
    /// That left again.
    pub sent: u64,
}

impl Counters {
    /// Of a DPDK program with this file prefix.
    ///
    /// # Errors
    /// It has no telemetry socket.
    pub fn telemetry(file_prefix: &str, rx: u16, tx: u16) -> Result<Self, Box<dyn Error>> {
        let path = PathBuf::from(format!("/var/run/dpdk/{file_prefix}/dpdk_telemetry.v2"));
        let socket = socket(
            AddressFamily::Unix,
            SockType::SeqPacket,
            SockFlag::SOCK_CLOEXEC,
            None,
        )?;
        connect(socket.as_raw_fd(), &UnixAddr::new(&path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let counters = Self::Telemetry { socket, rx, tx };
        counters.answer()?; // It begins with a greeting.
        Ok(counters)
    }

    /// Of the daemon that listens on `socket`.
    ///
    /// # Errors
    /// The runtime cannot be had.
    pub fn api(socket: &Path, direction: Direction) -> Result<Self, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        Ok(Self::Api {
            runtime,
            client: Client::new(socket),
            direction,
        })
    }

    /// The counts now.
    ///
    /// # Errors
    /// The program does not answer.
    pub fn read(&self) -> Result<Counts, Box<dyn Error>> {
        match self {
            Self::Telemetry { rx, tx, .. } => Ok(Counts {
                received: self.device(*rx, "ipackets")?,
                sent: self.device(*tx, "opackets")?,
            }),
            Self::Api {
                runtime,
                client,
                direction,
            } => {
                let balance = runtime.block_on(client.status())?.balance;
                let sent = match direction {
                    Direction::Encode => balance.transmitted,
                    Direction::Decode => balance.delivered,
                };
                Ok(Counts {
                    received: balance.received,
                    sent,
                })
            }
        }
    }

    fn device(&self, port: u16, counter: &str) -> Result<u64, Box<dyn Error>> {
        let Self::Telemetry { socket, .. } = self else {
            return Err("only DPDK's telemetry knows devices".into());
        };
        let command = format!("/ethdev/stats,{port}");
        send(socket.as_raw_fd(), command.as_bytes(), MsgFlags::empty())?;
        let answer = self.answer()?;
        answer["/ethdev/stats"][counter]
            .as_u64()
            .ok_or_else(|| format!("telemetry answers {command} with {answer}").into())
    }

    fn answer(&self) -> Result<Value, Box<dyn Error>> {
        let Self::Telemetry { socket, .. } = self else {
            return Err("only DPDK's telemetry knows devices".into());
        };
        let mut answer = vec![0; ANSWER_BYTES_MAX];
        let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
        Ok(serde_json::from_slice(&answer[..length])?)
    }
}
