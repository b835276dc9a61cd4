//! The lab's measuring instrument. Each command prints one JSON object and exits 0 if it could
//! measure; what the figures must be is the caller's business.

#![forbid(unsafe_code)]

mod capture;
mod clock;
mod compare;
mod content;
mod flood;
mod forge;
mod link;
mod output;
mod plot;
mod replay;
mod requests;
mod signal;
mod stall;
mod stamp;
mod tcp;
mod udp;

use std::error::Error;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use nix::sys::signal::Signal;
use wire::address::{Locator, NetworkId};
use wire::ethernet::MacAddress;

use output::{announce, print};

/// Sends and receives traffic with known content, forges packets and judges captures.
#[derive(Parser)]
#[command(version)]
enum Command {
    /// TCP with pseudo-random content and a digest at both ends.
    #[command(subcommand)]
    Tcp(tcp::Command),
    /// Stamped UDP datagrams: loss, duplicates, damage, other tenants' packets.
    #[command(subcommand)]
    Udp(Udp),
    /// Frames with an address that is not the sender's.
    #[command(subcommand)]
    Forge(Forge),
    /// Sends what costs a host more than a packet that passes, as fast as possible.
    Flood {
        /// The interface to send on.
        interface: String,
        /// The guest's own address.
        #[arg(long)]
        own: Ipv4Addr,
        /// A neighbour's address, for what passes.
        #[arg(long)]
        neighbour: Ipv4Addr,
        /// How long.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// What a capture shows.
    #[command(subcommand)]
    Capture(Capture),
    /// Numbered requests while an answerer dies and another takes over.
    #[command(subcommand)]
    Requests(requests::Command),
    /// Frames as they were captured.
    #[command(subcommand)]
    Raw(Raw),
    /// Sends a signal and prints the time right before it.
    Kill {
        /// The process.
        pid: i32,
        /// The signal, such as KILL or STOP.
        #[arg(value_parser = signal::parse)]
        signal: Signal,
        /// Sends CONT so much later; says how long the process stood still at most.
        #[arg(long)]
        resume_after_ms: Option<u64>,
    },
    /// Prints the time, in ns of the clock that all commands use.
    Clock,
    /// Measures how late this machine wakes a thread, until SIGTERM.
    Stall {
        /// Ends after so many seconds.
        #[arg(long)]
        seconds: Option<f64>,
        /// Wakes so often.
        #[arg(long, default_value_t = 1000)]
        interval_us: u64,
        /// Lists each time that it was so late.
        #[arg(long, default_value_t = 5)]
        threshold_ms: u64,
    },
    /// Draws times, one row a kind, on a logarithmic scale.
    Plot {
        /// What to draw, as JSON.
        what: PathBuf,
        /// The SVG file to write.
        picture: PathBuf,
    },
}

#[derive(Subcommand)]
enum Raw {
    /// Sends the frames of a capture again.
    Replay {
        /// The capture, a classic pcap file.
        file: PathBuf,
        /// The interface to send on.
        interface: String,
        /// The station on that link that the frames are for, and the interface's own address as
        /// their source; without it each goes as it was captured.
        #[arg(long)]
        to_mac: Option<MacAddress>,
        /// Frames at most.
        #[arg(long, default_value_t = u64::MAX)]
        count: u64,
    },
}

#[derive(Subcommand)]
enum Udp {
    /// Sends stamped datagrams.
    Source {
        /// The sink's address and port.
        to: SocketAddr,
        /// The sender's network id.
        #[arg(long, value_parser = parse_id)]
        tenant: NetworkId,
        /// Datagrams in total.
        #[arg(long)]
        count: u64,
        /// Datagrams per second; 0 is as fast as possible.
        #[arg(long, default_value_t = 5000)]
        per_second: u64,
        /// The shortest payload, in octets.
        #[arg(long, default_value_t = 64)]
        payload_min: u16,
        /// The longest payload, in octets; datagrams walk from the shortest to it.
        #[arg(long, default_value_t = 64)]
        payload_max: u16,
        /// Flows, each with a source port of its own.
        #[arg(long, default_value_t = 1)]
        flows: u32,
        /// The first flow's number.
        #[arg(long, default_value_t = 0)]
        first_flow: u32,
    },
    /// Counts stamped datagrams; says `listening` on stderr first.
    Sink {
        /// The address and port to listen on; a group is joined.
        listen: SocketAddr,
        /// The network id that every stamp must carry.
        #[arg(long, value_parser = parse_id)]
        tenant: NetworkId,
        /// Ends when nothing came for so long.
        #[arg(long, default_value_t = 1000)]
        quiet_ms: u64,
        /// Ends when not even a first datagram came within this time.
        #[arg(long, default_value_t = 10_000)]
        patience_ms: u64,
    },
}

#[derive(Subcommand)]
enum Forge {
    /// IPv4 frames as a guest sends them.
    Guest {
        #[command(flatten)]
        forgery: Forgery,
    },
    /// IPv6 overlay frames as the substrate's router sends them.
    Substrate {
        #[command(flatten)]
        forgery: Forgery,
        /// The locator of the host that it claims to come from.
        #[arg(long, value_parser = forge::parse_locator)]
        from_locator: Locator,
        /// The locator of the host that it is for.
        #[arg(long, value_parser = forge::parse_locator)]
        to_locator: Locator,
    },
}

#[derive(Args)]
struct Forgery {
    /// The interface to send on.
    interface: String,
    /// The destination's MAC address.
    #[arg(long)]
    to_mac: MacAddress,
    /// The network's id.
    #[arg(long, value_parser = parse_id)]
    tenant: NetworkId,
    /// The inner source address.
    #[arg(long)]
    source: Ipv4Addr,
    /// The inner destination address and UDP port.
    #[arg(long)]
    destination: SocketAddrV4,
    /// Frames to send.
    #[arg(long, default_value_t = 1000)]
    count: u64,
}

#[derive(Subcommand)]
enum Capture {
    /// Compares the substrate's packets with those that a guest sent.
    Compare {
        /// A capture from the router's interface.
        substrate: PathBuf,
        /// A capture from the sending guest's interface.
        guest: PathBuf,
        /// The network's id.
        #[arg(long, value_parser = parse_id)]
        network: NetworkId,
        /// The sending node.
        #[arg(long)]
        from: Ipv4Addr,
        /// The receiving node.
        #[arg(long)]
        to: Ipv4Addr,
    },
    /// Looks for another tenant's datagrams at a guest's interface.
    Tenants {
        /// A capture from the guest's interface.
        guest: PathBuf,
        /// The guest's network id.
        #[arg(long, value_parser = parse_id)]
        tenant: NetworkId,
    },
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "probe: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Tcp(command) => tcp::run(command),
        Command::Udp(udp) => run_udp(udp),
        Command::Forge(forge) => run_forge(forge),
        Command::Flood {
            interface,
            own,
            neighbour,
            seconds,
        } => {
            let link = link::Link::open(&interface)?;
            let duration = Duration::from_secs(seconds);
            print(&flood::flood(&link, own, neighbour, duration)?)
        }
        Command::Capture(capture) => run_capture(capture),
        Command::Requests(command) => requests::run(command),
        Command::Raw(Raw::Replay {
            file,
            interface,
            to_mac,
            count,
        }) => {
            let link = link::Link::open(&interface)?;
            print(&replay::replay(&file, &link, to_mac, count)?)
        }
        Command::Kill {
            pid,
            signal,
            resume_after_ms,
        } => {
            let resume_after = resume_after_ms.map(Duration::from_millis);
            print(&signal::send(pid, signal, resume_after)?)
        }
        Command::Clock => print(&clock::monotonic_ns()?),
        Command::Stall {
            seconds,
            interval_us,
            threshold_ms,
        } => {
            let interval = Duration::from_micros(interval_us.max(10));
            let threshold = Duration::from_millis(threshold_ms.max(1));
            print(&stall::measure(interval, threshold, seconds)?)
        }
        Command::Plot { what, picture } => plot::draw(&what, &picture),
    }
}

fn run_udp(command: Udp) -> Result<(), Box<dyn Error>> {
    match command {
        Udp::Source {
            to,
            tenant,
            count,
            per_second,
            payload_min,
            payload_max,
            flows,
            first_flow,
        } => {
            if payload_min > payload_max {
                return Err("--payload-min is above --payload-max".into());
            }
            let plan = udp::Plan {
                tenant: tenant.get(),
                count,
                per_second,
                payload_bytes: payload_min.into()..=payload_max.into(),
                flows,
                first_flow,
            };
            print(&udp::source(to, &plan)?)
        }
        Udp::Sink {
            listen,
            tenant,
            quiet_ms,
            patience_ms,
        } => {
            let socket = udp::bind(listen).map_err(|error| format!("{listen}: {error}"))?;
            announce();
            let quiet = Duration::from_millis(quiet_ms.max(1));
            let patience = Duration::from_millis(patience_ms.max(1));
            print(&udp::sink(&socket, tenant.get(), quiet, patience)?)
        }
    }
}

fn run_forge(command: Forge) -> Result<(), Box<dyn Error>> {
    match command {
        Forge::Guest { forgery } => {
            let link = link::Link::open(&forgery.interface)?;
            print(&forge::as_guest(
                &link,
                forgery.to_mac,
                forgery.datagram(),
                forgery.count,
            )?)
        }
        Forge::Substrate {
            forgery,
            from_locator,
            to_locator,
        } => {
            let link = link::Link::open(&forgery.interface)?;
            let hosts = forge::Hosts {
                from: from_locator,
                to: to_locator,
            };
            let (to, datagram) = (forgery.to_mac, forgery.datagram());
            print(&forge::as_router(
                &link,
                to,
                hosts,
                datagram,
                forgery.count,
            )?)
        }
    }
}

fn run_capture(command: Capture) -> Result<(), Box<dyn Error>> {
    match command {
        Capture::Compare {
            substrate,
            guest,
            network,
            from,
            to,
        } => {
            let direction = compare::Direction {
                network: network.get(),
                from,
                to,
            };
            print(&compare::compare(&substrate, &guest, direction)?)
        }
        Capture::Tenants { guest, tenant } => print(&compare::tenants(&guest, tenant.get())?),
    }
}

impl Forgery {
    fn datagram(&self) -> forge::Datagram {
        forge::Datagram {
            network: self.tenant,
            source: self.source,
            destination: self.destination,
        }
    }
}

/// A network id, decimal or with 0x.
fn parse_id(text: &str) -> Result<NetworkId, String> {
    let id = match text.strip_prefix("0x") {
        Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16),
        None => text.parse(),
    };
    id.ok()
        .and_then(NetworkId::new)
        .ok_or_else(|| "a network id is 1 to 0xfffffe, such as 0x123456".to_owned())
}
