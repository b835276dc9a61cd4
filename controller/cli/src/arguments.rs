//! The command line. Its doc comments are the help, the man pages and the completions.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use api::{Mapping, MappingBatch, MappingKey, NetworkRef};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::failure::EXIT_CODES;

mod group;

pub use group::{Asked, Events, FlightCommand, GroupCommand, KeygenCommand, ManagerCommand};

/// Ask and change the Understudy host that runs on this machine
#[derive(Debug, Parser)]
#[command(name = "understudy", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    pub host: HostChoice,

    /// How to print what is asked for
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,

    /// The same as --output json
    #[arg(long, global = true, conflicts_with = "output")]
    json: bool,

    #[command(subcommand)]
    pub command: Command,
}

impl Arguments {
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { self.output }
    }
}

/// Which daemon is meant; by default the only one that has a socket in /run/understudy.
#[derive(Clone, Debug, Default, Args)]
pub struct HostChoice {
    /// The host, where several run on this machine: its socket is /run/understudy/NAME.sock
    #[arg(long, global = true, value_name = "NAME")]
    pub host: Option<String>,

    /// The daemon's socket, if it is not in /run/understudy
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "host")]
    pub socket: Option<PathBuf>,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns, for people
    Table,
    /// JSON, for programs: fields are only ever added
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the host: its ports, nodes and workers, and where every packet went
    Status {
        /// Show also the drop reasons that never happened
        #[arg(long)]
        all: bool,
    },
    /// Change which host owns a virtual address
    #[command(subcommand)]
    Mapping(MappingCommand),
    /// Show and change replicated addresses
    #[command(subcommand)]
    Group(GroupCommand),
    /// Show what has happened, a line each
    Events(Events),
    /// Show what happened at a change of owner, host by host
    #[command(subcommand)]
    Flight(FlightCommand),
    /// Help a manager that lost its log
    #[command(subcommand)]
    Manager(ManagerCommand),
    /// Make the keys that control messages are authenticated with; needs no daemon
    #[command(subcommand)]
    Keygen(KeygenCommand),
    /// Check a configuration without touching anything; needs neither root nor DPDK
    Check {
        /// The host's TOML file
        file: PathBuf,
    },
    /// Show what a host would do with captured packets; runs `understudyd replay`
    ///
    /// As in `understudy replay --config host.toml --rx z/a=in.pcap --out DIR`, which writes
    /// DIR/PORT.pcap for every port, and DIR/verdicts.jsonl.
    #[command(disable_help_flag = true)]
    Replay {
        /// What `understudyd replay --help` describes
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "ARGUMENTS"
        )]
        arguments: Vec<OsString>,
    },
    /// List every reason for which a packet can be dropped, and what to do about it
    Reasons,
    /// Print the completions of a shell
    Completion {
        /// The shell
        shell: Shell,
    },
    /// Print the man page
    Man {
        /// Write the pages of all commands into this directory instead
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum MappingCommand {
    /// Add a mapping, or replace the one that is there
    Add(MappingAdd),
    /// Remove a mapping
    Remove(MappingRemove),
    /// Add the mappings in a file, in batches that are each applied whole or not at all
    ///
    /// A line of the file is `NETWORK ADDRESS HOST [GENERATION]`, as in `z 10.0.0.9 s`, or a JSON object
    /// with the fields network, address, host and, if wanted, generation. What follows a # is a
    /// comment. The whole file is read and checked before anything is sent.
    Load {
        /// The file; - is standard input
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct MappingAdd {
    /// The network's name or id
    network: NetworkRef,
    /// The virtual address
    address: Ipv4Addr,
    /// The host that owns it
    #[arg(value_name = "HOST")]
    owner: String,
    /// The owner generation that its packets carry; 1 unless the address has moved
    #[arg(long, value_name = "NUMBER")]
    generation: Option<u8>,
}

#[derive(Debug, Args)]
pub struct MappingRemove {
    /// The network's name or id
    network: NetworkRef,
    /// The virtual address
    address: Ipv4Addr,
}

impl From<MappingAdd> for MappingBatch {
    fn from(add: MappingAdd) -> Self {
        let MappingAdd {
            network,
            address,
            owner: host,
            generation,
        } = add;
        Self::Add {
            mappings: vec![Mapping {
                network,
                address,
                host,
                generation,
            }],
        }
    }
}

impl From<MappingRemove> for MappingBatch {
    fn from(MappingRemove { network, address }: MappingRemove) -> Self {
        Self::Remove {
            mappings: vec![MappingKey { network, address }],
        }
    }
}
