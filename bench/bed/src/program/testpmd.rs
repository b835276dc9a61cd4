//! `dpdk-testpmd` as a contender. It sends at the port that it receives at, whose output
//! `net_pcap` drops.

use std::error::Error;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use super::{Binaries, Devices, Kind, OTHER_CORE, Running, WORKER_CORE, mbufs};
use crate::counters::Counters;
use crate::inputs::Inputs;
use crate::process::Process;

pub(super) fn start(
    kind: Kind,
    mode: &str,
    binaries: &Binaries,
    inputs: &Inputs,
    devices: &Devices,
) -> Result<Running, Box<dyn Error>> {
    let file_prefix = format!("bed-{}", kind.file_name());
    let mut command = Command::new(&binaries.testpmd);
    command
        .args(["-l", &format!("{OTHER_CORE},{WORKER_CORE}"), "--no-pci"])
        .args(["--huge-unlink=always", "--log-level=warning"])
        .arg(format!("--file-prefix={file_prefix}"))
        .arg(format!("--vdev={}", devices.rx(&inputs.packets)))
        .args(["--", "--nb-cores=1", "--rxd=1024", "--txd=1024"])
        .args(["--burst=32", "--mbcache=256", "--no-mlockall"])
        .args(["--no-flush-rx", "--no-lsc-interrupt"])
        .arg(format!("--forward-mode={mode}"))
        .arg(format!("--total-num-mbufs={}", mbufs(inputs)));
    let mut process = Process::start(&kind.file_name(), command, &inputs.directory)?;
    process.wait_for("Checking link statuses")?;
    let counters = Counters::telemetry(&file_prefix, 0, 0)?;
    // It says that it began only when its output's buffer is full.
    while counters.read()?.received == 0 {
        sleep(Duration::from_millis(20));
    }
    Ok(Running {
        counters,
        process,
        thread: Some("rte-worker-1"),
        load: None,
    })
}
