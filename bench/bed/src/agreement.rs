//! Do `understudyd` and the bare loop, written apart in two languages, send the same octets?
//!
//! Only then is one a measure of the other. Before a scenario is measured both get the same
//! packets once, and their outputs are compared, but for the HASH octet of the flow label, which
//! docs/wire.md leaves to the sender.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use traffic::capture;

use crate::clock;
use crate::inputs::Inputs;
use crate::program::{Binaries, Devices, Kind};
use crate::scenario::{Direction, Scenario};

/// Packets that are compared.
const PACKETS: u32 = 1_000;
/// Mappings of a world in which they are compared: all of them stand in the configuration.
const MAPPINGS_MAX: u32 = 1_000;
/// The HASH octet: the last of the first word of the IPv6 header.
const HASH_AT: usize = 14 + 3;
/// How long the packets may take.
const WITHIN: Duration = Duration::from_secs(10);

/// Compares all outputs for [`PACKETS`] packets of `scenario`.
///
/// # Errors
/// The first difference, or what kept a program from running.
pub fn check(
    binaries: &Binaries,
    scenario: Scenario,
    directory: &Path,
) -> Result<(), Box<dyn Error>> {
    let few = Scenario {
        mappings: scenario.mappings.min(MAPPINGS_MAX),
        ..scenario
    };
    let inputs = Inputs::of(few, &directory.join("agreement"), PACKETS)?;
    let ours = outputs(Kind::Understudyd, binaries, &inputs)?;
    let theirs = outputs(Kind::BareLoop, binaries, &inputs)?;
    if ours.len() != theirs.len() || ours.len() != PACKETS as usize {
        return Err(format!(
            "{scenario}: of {PACKETS} packets understudyd sent {} and the bare loop {}",
            ours.len(),
            theirs.len()
        )
        .into());
    }
    let differs = |(ours, theirs): (&Vec<u8>, &Vec<u8>)| {
        let mut theirs = theirs.clone();
        if scenario.direction == Direction::Encode {
            theirs[HASH_AT] = ours[HASH_AT];
        }
        *ours != theirs
    };
    match ours.iter().zip(&theirs).position(differs) {
        None => Ok(()),
        Some(index) => Err(format!(
            "{scenario}: packet {index} differs: understudyd sent {:02x?}, the bare loop {:02x?}",
            ours[index], theirs[index]
        )
        .into()),
    }
}

/// What `kind` makes of the packets.
fn outputs(
    kind: Kind,
    binaries: &Binaries,
    inputs: &Inputs,
) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let out = fs::canonicalize(&inputs.directory)?.join(format!("{kind:?}.pcap"));
    let devices = Devices::Once(out.clone());
    let running = kind.start(binaries, inputs, &devices)?;
    let begun = clock::now();
    while running.counters.read()?.received < u64::from(PACKETS) {
        if begun.elapsed() > WITHIN {
            return Err(format!("{} did not take {PACKETS} packets", kind.name()).into());
        }
        sleep(Duration::from_millis(10));
    }
    sleep(Duration::from_millis(50));
    drop(running);
    Ok(capture::read(&out)?)
}
