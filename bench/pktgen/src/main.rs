//! `pktgen`: packets for a host, and what became of each.
//!
//! ```text
//! pktgen throughput PROFILE   the greatest rate without loss, and with half a per cent
//! pktgen latency PROFILE      percentiles at 10, 50 and 90 % of a rate
//! pktgen frame-loss PROFILE   loss at all, nine tenths ... of a rate
//! pktgen back-to-back PROFILE the longest burst without loss
//! pktgen trial PROFILE        one trial
//! pktgen pcap PROFILE         its packets, in files
//! pktgen world PROFILE        configuration and mappings for a device elsewhere
//! ```
#![forbid(unsafe_code)]

mod device_under_test;
mod ledger;
mod packets;
mod ports;
mod profile;
mod search;
mod show;
mod trial;

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser};
use packets::Packets;
use profile::Profile;
use search::Settings;
use show::Answer;
use trial::{Bench, Load, Outcome};

/// Sends packets through a host and accounts for each (RFC 2544, RFC 8219)
#[derive(Parser)]
#[command(version)]
enum Command {
    /// The greatest rate at which nothing, or half a per cent, is lost (RFC 2544, 26.1)
    Throughput(Test),
    /// Latency from the intended send time, at 10, 50 and 90 % of a rate (RFC 2544, 26.2)
    Latency(Test),
    /// Loss at rates from the greatest down (RFC 2544, 26.3)
    FrameLoss(Test),
    /// The longest burst at full speed without loss (RFC 2544, 26.4)
    BackToBack(Test),
    /// One trial
    Trial(Test),
    /// Write a profile's packets to guest.pcap and uplink.pcap
    Pcap {
        /// The profile
        profile: PathBuf,
        /// Where to
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
    /// Write what a device under test must know: fabric.toml, mappings.txt, records.bin
    World {
        /// The profile
        profile: PathBuf,
        /// Where to
        #[arg(long, default_value = ".")]
        out: PathBuf,
    },
}

#[derive(Args)]
struct Test {
    /// The profile
    profile: PathBuf,
    /// Packets a second of each sending port: of one trial, or of the 100 % of a test
    #[arg(long, value_name = "PPS")]
    rate: Option<f64>,
    /// Length of a trial, in seconds
    #[arg(long, default_value_t = 2.0)]
    trial_s: f64,
    /// The share of packets that may be lost, in per cent
    #[arg(long, default_value_t = 0.0)]
    loss: f64,
    /// How close to come, in per cent of the greatest rate
    #[arg(long, default_value_t = 1.0)]
    precision: f64,
    /// How often a trial with loss is done again before its loss is believed
    #[arg(long, default_value_t = 2)]
    verifications: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "pktgen: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Throughput(test) => test.run(|trial, settings, max| {
            Answer::Throughput(search::throughput(trial, settings, max))
        }),
        Command::Latency(test) => test.run(|trial, settings, max| {
            let mut at = |share: f64| {
                let rate = max * share;
                (share, trial(load(settings, rate)))
            };
            Answer::Latency([0.1, 0.5, 0.9].map(&mut at).to_vec())
        }),
        Command::FrameLoss(test) => test.run(|trial, settings, max| {
            Answer::FrameLoss(search::frame_loss(trial, settings, max))
        }),
        Command::BackToBack(test) => test.run(|trial, settings, max| {
            let packets = (max * settings.trial_s) as u64;
            Answer::BackToBack(search::back_to_back(trial, settings, packets))
        }),
        Command::Trial(test) => {
            test.run(|trial, settings, max| Answer::Trial(Box::new(trial(load(settings, max)))))
        }
        Command::Pcap { profile, out } => write_captures(&Profile::load(&profile)?, &out),
        Command::World { profile, out } => write_world(&Profile::load(&profile)?, &out),
    }
}

fn load(settings: &Settings, rate: f64) -> Load {
    Load {
        rate_pps: Some(rate),
        packets: (rate * settings.trial_s).ceil() as u64,
        drain_ns: settings.drain_ns,
    }
}

impl Test {
    /// Brings everything up, does `what` on the polling thread, prints the answer.
    fn run(
        &self,
        what: impl FnOnce(&mut dyn FnMut(Load) -> Outcome, &Settings, f64) -> Answer + Send + 'static,
    ) -> Result<(), Box<dyn Error>> {
        let profile = Profile::load(&self.profile)?;
        let settings = Settings {
            trial_s: self.trial_s,
            loss_max: self.loss / 100.0,
            precision: self.precision / 100.0,
            verifications: self.verifications,
            drain_ns: 200_000_000,
        };
        let eal = ports::start(&profile)?;
        let opened = ports::open(&eal, &profile)?;
        let device = profile.device_under_test.as_ref();
        let running = device.map(|device| device.start()).transpose()?;
        opened.wait_for_links()?;
        let bench = Bench::new(
            opened.ends,
            profile.traffic.world(),
            profile.traffic.replicas,
            ports::clock()?,
        );
        let rate = self.rate;
        let work = move || {
            let mut bench = bench;
            // Caches, queues and the other side's tables are warm before anything counts.
            let most = full_speed(&mut bench, &settings);
            let max = rate.unwrap_or(most);
            what(&mut |load| bench.run(load), &settings, max)
        };
        let worker = eal.launch(0, "pktgen", work)?;
        let answer = worker
            .join()
            .map_err(|_| "the polling thread ended by a panic")?;
        answer.print(&mut io::stdout().lock(), self.json)?;
        drop((running, opened.handles));
        Ok(())
    }
}

/// What the generator can send to this device, in packets a second of each port.
fn full_speed(bench: &mut Bench, settings: &Settings) -> f64 {
    let packets = 200_000;
    let outcome = bench.run(Load {
        rate_pps: None,
        packets,
        drain_ns: settings.drain_ns,
    });
    outcome.sent_pps * packets as f64 / outcome.sent as f64
}

fn write_captures(profile: &Profile, out: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(out)?;
    let guest = Packets::from_guest(&profile.traffic)?;
    let substrate = Packets::from_substrate(&profile.traffic)?;
    for (name, packets) in [("guest.pcap", guest), ("uplink.pcap", substrate)] {
        let path = out.join(name);
        traffic::capture::write(&path, &packets.frames)?;
        let (count, bytes) = (packets.frames.len(), packets.mean_bytes());
        let path = path.display();
        writeln!(
            io::stdout(),
            "{path}: {count} packets of {bytes:.0} octets on average"
        )?;
    }
    Ok(())
}

fn write_world(profile: &Profile, out: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(out)?;
    let world = profile.traffic.world();
    fs::write(out.join("fabric.toml"), world.fabric_toml())?;
    let mut mappings = BufWriter::new(File::create(out.join("mappings.txt"))?);
    world.write_mappings(&mut mappings)?;
    mappings.flush()?;
    let mut records = BufWriter::new(File::create(out.join("records.bin"))?);
    world.write_records(&mut records)?;
    Ok(records.flush()?)
}
