//! Do `understudyd` and the bare loop, written apart in two languages, send the same octets?
//!
//! Only then is one a measure of the other. Before a scenario is measured both get the same
//! packets once, and their outputs are compared, but for the HASH octet of the flow label, which
//! docs/wire.md leaves to the sender, and for the order in which originals and copies alternate.

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

/// Compares all that `ours` and `theirs` make of [`PACKETS`] packets of `scenario`.
///
/// # Errors
/// The first difference, or what kept a program from running.
pub fn check(
    ours: Kind,
    theirs: Kind,
    binaries: &Binaries,
    scenario: Scenario,
    directory: &Path,
) -> Result<(), Box<dyn Error>> {
    let few = Scenario {
        mappings: scenario.mappings.min(MAPPINGS_MAX),
        ..scenario
    };
    let inputs = Inputs::of(few, &directory.join("agreement"), PACKETS)?;
    let names = [ours.name(), theirs.name()];
    let due = PACKETS as usize * (1 + usize::from(theirs.copies()));
    let ours = outputs(ours, binaries, &inputs)?;
    let theirs = outputs(theirs, binaries, &inputs)?;
    if ours.len() != due || theirs.len() != due {
        return Err(format!(
            "{scenario}: of {PACKETS} packets, {due} with copies, {} sent {} and {} {}",
            names[0],
            ours.len(),
            names[1],
            theirs.len()
        )
        .into());
    }
    let comparable = |frames: Vec<Vec<u8>>| {
        let without_hash = |mut frame: Vec<u8>| {
            if scenario.direction == Direction::Encode {
                frame[HASH_AT] = 0;
            }
            frame
        };
        let (copies, originals): (Vec<_>, Vec<_>) =
            frames.into_iter().map(without_hash).partition(|frame| {
                scenario.direction == Direction::Encode && wire::copy::is_copy(frame)
            });
        [originals, copies].concat()
    };
    let (ours, theirs) = (comparable(ours), comparable(theirs));
    match ours
        .iter()
        .zip(&theirs)
        .position(|(ours, theirs)| ours != theirs)
    {
        None => Ok(()),
        Some(index) => Err(format!(
            "{scenario}: packet {index} differs: {} sent {:02x?}, {} {:02x?}",
            names[0], ours[index], names[1], theirs[index]
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
