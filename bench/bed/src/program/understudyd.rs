//! `understudyd` as a contender: one guest, one worker, mappings over the local socket.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use traffic::world::{NETWORK_NAME, NEXT_HOP_MAC, SECOND_GUEST, UPLINK_MAC};

use super::{Binaries, Devices, Kind, Load, OTHER_CORE, Running, WORKER_CORE, mbufs};
use crate::clock;
use crate::counters::Counters;
use crate::inputs::Inputs;
use crate::process::Process;
use crate::scenario::Direction;

/// Of one buffer, with its header and what the pool adds, in octets.
const MBUF_BYTES: u64 = 2176 + 128 + 64;
/// The allocator keeps for a second what the load itself took (`.cargo/config.toml`).
const GIVEN_BACK_AFTER: Duration = Duration::from_secs(2);
/// For ports, rings and the other port's buffers, in MiB.
const OTHER_MIB: u64 = 200;

pub(super) fn start(
    binaries: &Binaries,
    inputs: &Inputs,
    devices: &Devices,
) -> Result<Running, Box<dyn Error>> {
    start_as(
        binaries,
        inputs,
        devices,
        &toml(inputs, devices, &socket(inputs)?),
    )
}

/// Where the daemon listens: it wants its socket's path whole.
fn socket(inputs: &Inputs) -> Result<PathBuf, Box<dyn Error>> {
    Ok(fs::canonicalize(&inputs.directory)?.join("understudyd.sock"))
}

/// Starts it on two cores, each with a guest of its own: packets of the other come from `second`.
///
/// # Errors
/// It does not come up.
pub fn start_twofold(
    binaries: &Binaries,
    inputs: &Inputs,
    second: &Path,
) -> Result<Running, Box<dyn Error>> {
    let devices = Devices::Endless;
    let one = toml(inputs, &devices, &socket(inputs)?);
    let workers = |cores: &str| format!("workers = [{cores}]\n");
    let one = one.replace(
        &workers(&WORKER_CORE.to_string()),
        &workers(&format!("{WORKER_CORE}, {OTHER_CORE}")),
    );
    let port = format!(
        "[[port]]\nnode = \"{NETWORK_NAME}/second\"\ndevice = \"net_pcap2,rx_pcap={},infinite_rx=1\"\n\
         worker = {OTHER_CORE}\nmbufs_min = {}\n",
        second.display(),
        mbufs(inputs),
    );
    let node = format!(
        "[[network.node]]\nname = \"second\"\naddress = \"{SECOND_GUEST}\"\nhost = \"r\"\n"
    );
    start_as(binaries, inputs, &devices, &format!("{one}{node}{port}"))
}

fn start_as(
    binaries: &Binaries,
    inputs: &Inputs,
    devices: &Devices,
    toml: &str,
) -> Result<Running, Box<dyn Error>> {
    let socket = socket(inputs)?;
    let config = inputs.directory.join("r.toml");
    fs::write(&config, toml)?;
    let mut command = Command::new(binaries.directory.join("understudyd"));
    command.arg("--config").arg(&config);
    let name = Kind::Understudyd.file_name();
    let mut process = Process::start(&name, command, &inputs.directory)?;
    process.wait_for("ready")?;
    let load = match devices {
        Devices::Endless => Some(load(binaries, inputs, &socket, &process)?),
        Devices::Once(_) => None,
    };
    Ok(Running {
        counters: Counters::api(&socket, inputs.scenario.direction)?,
        process,
        thread: Some("worker-0"),
        load,
    })
}

fn toml(inputs: &Inputs, devices: &Devices, socket: &Path) -> String {
    let mbufs = mbufs(inputs);
    let (rx, tx) = (devices.rx(&inputs.packets), devices.tx());
    let buffers = format!("mbufs_min = {mbufs}\n");
    let (uplink, guest) = match inputs.scenario.direction {
        Direction::Encode => ((tx, ""), (rx, buffers.as_str())),
        Direction::Decode => ((rx, buffers.as_str()), (tx, "")),
    };
    let memory_mib = u64::from(mbufs) * MBUF_BYTES / (1 << 20) + OTHER_MIB;
    // What comes once must find its mapping when it comes.
    let nodes = match devices {
        Devices::Endless => String::new(),
        Devices::Once(_) => inputs.world.nodes_toml(),
    };
    format!(
        "[host]\nname = \"r\"\nworkers = [{WORKER_CORE}]\npoll = \"busy\"\n\
         memory_mib = {memory_mib}\nsocket = \"{}\"\n\
         [uplink]\ndevice = \"{}\"\naddress = \"2001:db8:0:1::2/64\"\n\
         next_hop = \"2001:db8:0:1::1\"\nnext_hop_mac = \"{NEXT_HOP_MAC}\"\n\
         mac = \"{UPLINK_MAC}\"\nmtu = 1600\n{}\
         [[port]]\nnode = \"{NETWORK_NAME}/guest\"\ndevice = \"{}\"\n{}{}{nodes}",
        socket.display(),
        uplink.0,
        uplink.1,
        guest.0,
        guest.1,
        inputs.world.fabric_toml(),
    )
}

fn load(
    binaries: &Binaries,
    inputs: &Inputs,
    socket: &Path,
    process: &Process,
) -> Result<Load, Box<dyn Error>> {
    let resident_before = process.resident_bytes()?;
    let begun = clock::now();
    let done = Command::new(binaries.directory.join("understudy"))
        .arg("--socket")
        .arg(socket)
        .args(["mapping", "load"])
        .arg(&inputs.mappings)
        .output()?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(format!("mappings were not loaded: {}", said.trim_end()).into());
    }
    let seconds = begun.elapsed().as_secs_f64();
    sleep(GIVEN_BACK_AFTER);
    Ok(Load {
        mappings: inputs.scenario.mappings,
        seconds,
        resident_bytes: [resident_before, process.resident_bytes()?],
    })
}
