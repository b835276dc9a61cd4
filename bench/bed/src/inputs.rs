//! The files that a scenario's programs read: packets, tables, configuration.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use traffic::frame::{self, FCS_BYTES, Flow};
use traffic::keys::Keys;
use traffic::world::{GUEST, SECOND_GUEST, World};
use traffic::{capture, world};
use wire::packet::{HeapPacket, Packet};

use crate::scenario::{Direction, Scenario};

/// The same packets on every run.
const SEED: u64 = 9_342_412;

/// Where everything of one scenario lies.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// What it is about.
    pub scenario: Scenario,
    /// Who is in it.
    pub world: World,
    /// The directory, for what programs write.
    pub directory: PathBuf,
    /// The packets that come in.
    pub packets: PathBuf,
    /// The mappings, for `understudy mapping load`.
    pub mappings: PathBuf,
    /// The mappings, for the bare loop.
    pub records: PathBuf,
}

impl Inputs {
    /// Writes what `scenario` needs below `directory`.
    ///
    /// # Errors
    /// A file cannot be written, or the scenario is out of range.
    pub fn write(scenario: Scenario, directory: &Path) -> Result<Self, Box<dyn Error>> {
        Self::of(scenario, directory, scenario.packets())
    }

    /// The same with `packets` packets, for a run in which every output is looked at.
    ///
    /// # Errors
    /// As [`Inputs::write`].
    pub fn of(scenario: Scenario, directory: &Path, packets: u32) -> Result<Self, Box<dyn Error>> {
        let world = World::new(scenario.mappings).ok_or_else(|| {
            format!(
                "{} mappings: 1 to {} are possible",
                scenario.mappings,
                world::MAPPINGS_MAX
            )
        })?;
        fs::create_dir_all(directory)?;
        let inputs = Self {
            scenario,
            world,
            directory: directory.to_owned(),
            packets: directory.join("in.pcap"),
            mappings: directory.join("mappings.txt"),
            records: directory.join("records.bin"),
        };
        let mut keys = Keys::new(scenario.mappings, SEED);
        let frames =
            (0..packets).map(|number| Frame(packet(scenario, world, GUEST, &mut keys, number)));
        capture::write(&inputs.packets, frames)?;
        let mut mappings = BufWriter::new(File::create(&inputs.mappings)?);
        world.write_mappings(&mut mappings)?;
        mappings.flush()?;
        let mut records = BufWriter::new(File::create(&inputs.records)?);
        world.write_records(&mut records)?;
        records.flush()?;
        Ok(inputs)
    }

    /// As many packets again, from [`SECOND_GUEST`].
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn second_guest(&self) -> Result<PathBuf, Box<dyn Error>> {
        let path = self.directory.join("second.pcap");
        let (scenario, world) = (self.scenario, self.world);
        let mut keys = Keys::new(scenario.mappings, SEED + 1);
        let frames = (0..scenario.packets())
            .map(|number| Frame(packet(scenario, world, SECOND_GUEST, &mut keys, number)));
        capture::write(&path, frames)?;
        Ok(path)
    }
}

struct Frame(HeapPacket);

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self.0.bytes()
    }
}

fn packet(
    scenario: Scenario,
    world: World,
    guest: Ipv4Addr,
    keys: &mut Keys,
    number: u32,
) -> HeapPacket {
    let flow = Flow {
        key: keys.next_key(),
        source_port: keys.next_port(),
        destination_port: keys.next_port(),
    };
    let frame_bytes = usize::from(scenario.frame_bytes) - FCS_BYTES;
    // No two packets are alike.
    let payload = |payload: &mut [u8]| payload[..4].copy_from_slice(&number.to_be_bytes());
    match scenario.direction {
        Direction::Encode => frame::from_guest_at(guest, world, flow, frame_bytes, payload),
        Direction::Decode => frame::from_substrate(world, flow, frame_bytes, payload),
    }
}
