//! `bench/bare-loop` as a contender.

use std::error::Error;
use std::process::Command;

use traffic::world::{NETWORK, NEXT_HOP_MAC, UPLINK_MAC};

use super::{Binaries, Devices, Kind, Running, WORKER_CORE, mbufs};
use crate::counters::Counters;
use crate::inputs::Inputs;
use crate::process::Process;
use crate::scenario::Direction;

pub(super) fn start(
    kind: Kind,
    binaries: &Binaries,
    inputs: &Inputs,
    devices: &Devices,
) -> Result<Running, Box<dyn Error>> {
    let file_prefix = format!("bed-{}", kind.file_name());
    let work = match (kind, inputs.scenario.direction) {
        (Kind::Gauge, _) => "io",
        (Kind::BareLoopSimple, _) => "encode-simple",
        (_, Direction::Encode) => "encode",
        (_, Direction::Decode) => "decode",
    };
    let uplink = hex(&[NEXT_HOP_MAC.0, UPLINK_MAC.0].concat());
    let prefetch = u8::from(kind != Kind::BareLoopNoPrefetch);
    let mut command = Command::new(binaries.directory.join("bare-loop"));
    command
        .args(["-l", &WORKER_CORE.to_string(), "--no-pci"])
        .args(["--huge-unlink=always", "--log-level=warning"])
        .arg(format!("--file-prefix={file_prefix}"))
        .arg(format!("--vdev={}", devices.rx(&inputs.packets)))
        .arg(format!("--vdev={}", devices.tx()))
        .args(["--", "--rx", "net_pcap0", "--tx", tx_name(devices)])
        .args(["--work", work, "--prefetch", &prefetch.to_string()])
        .arg("--table")
        .arg(&inputs.records)
        .args(["--network", &NETWORK.to_string()])
        .args(["--prefix", &hex(&inputs.world.guest_prefix().0)])
        .args(["--uplink", &uplink])
        .args(["--mbufs", &mbufs(inputs).to_string()]);
    for number in 1..=kind.copies() {
        let prefix = inputs.world.prefix(number.into());
        command.arg("--replica").arg(hex(&prefix.0));
    }
    let mut process = Process::start(&kind.file_name(), command, &inputs.directory)?;
    process.wait_for("ready")?;
    Ok(Running {
        counters: Counters::telemetry(&file_prefix, 0, 1)?,
        process,
        thread: None,
        load: None,
    })
}

fn tx_name(devices: &Devices) -> &'static str {
    match devices {
        Devices::Endless => "net_null1",
        Devices::Once(_) => "net_pcap1",
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
