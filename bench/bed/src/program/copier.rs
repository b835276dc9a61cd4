//! `bench/copier` as a contender: the worker of `understudyd` where packets are for a group.

use std::error::Error;
use std::process::Command;

use super::{Binaries, Devices, Kind, Running, WORKER_CORE, mbufs};
use crate::counters::Counters;
use crate::inputs::Inputs;
use crate::process::Process;

pub(super) fn start(
    kind: Kind,
    binaries: &Binaries,
    inputs: &Inputs,
    devices: &Devices,
) -> Result<Running, Box<dyn Error>> {
    let file_prefix = format!("bed-{}", kind.file_name());
    let mut command = Command::new(binaries.directory.join("copier"));
    command
        .args(["--file-prefix", &file_prefix])
        .args(["--core", &WORKER_CORE.to_string()])
        .args(["--rx", &devices.rx(&inputs.packets)])
        .args(["--tx", &devices.tx()])
        .args(["--mbufs", &mbufs(inputs).to_string()])
        .args(["--replicas", &kind.copies().to_string()]);
    if kind == Kind::WorkerShares {
        command.args(["--shared-from", "0"]);
    }
    let mut process = Process::start(&kind.file_name(), command, &inputs.directory)?;
    process.wait_for("ready")?;
    Ok(Running {
        counters: Counters::telemetry(&file_prefix, 0, 1)?,
        process,
        thread: Some("worker-0"),
        load: None,
    })
}
