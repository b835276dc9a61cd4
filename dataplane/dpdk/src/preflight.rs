//! What must be true of the machine before DPDK is started.
//!
//! `rte_eal_init` answers with a number, panics, or ends the process; so
//! everything an operator can get wrong is looked at here, and all of it is
//! reported at once, each with what to do.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use thiserror::Error;

use crate::device::{Device, DeviceError};
use crate::eal::{EalOptions, Memory};
use crate::hugepages;
use crate::interface::Interface;
use crate::thread::CpuSet;

/// One thing that is not as it must be.
#[derive(Debug, Error)]
pub enum Finding {
    /// A living process holds the prefix.
    #[error(
        "process {pid} already runs with the DPDK file prefix '{file_prefix}': stop it, or give this host another name"
    )]
    AlreadyRunning {
        /// The process.
        pid: i32,
        /// The prefix.
        file_prefix: String,
    },
    /// hugetlbfs is not mounted.
    #[error(
        "hugetlbfs is not mounted: mkdir -p /dev/hugepages && mount -t hugetlbfs none /dev/hugepages"
    )]
    NotMounted,
    /// Too few huge pages are free.
    #[error(
        "{wanted_mib} MiB of huge pages are needed and {free_mib} MiB are free: \
         echo {pages} > /sys/kernel/mm/hugepages/hugepages-{page_kib}kB/nr_hugepages"
    )]
    HugePages {
        /// What DPDK is to have.
        wanted_mib: u64,
        /// What is free.
        free_mib: u64,
        /// The number of pages, in all, that would do.
        pages: u64,
        /// The size of a page.
        page_kib: u64,
    },
    /// The directory of the huge pages cannot be written.
    #[error("huge pages in {0} are not writable: run as root")]
    HugePagesForbidden(PathBuf),
    /// A privilege is missing.
    #[error(
        "device '{device}' needs the capability {capability}: run as root, or grant it with setcap or systemd's AmbientCapabilities="
    )]
    Capability {
        /// The device string.
        device: String,
        /// The name of the capability.
        capability: &'static str,
    },
    /// A worker's core does not exist, or is off.
    #[error("worker core {core} is not online: this machine has {online}")]
    CoreOffline {
        /// The core.
        core: u16,
        /// Those that are, as the kernel writes it.
        online: String,
    },
    /// A worker's core is not among those the process may use.
    #[error(
        "worker core {core} may not be used by this process, only {allowed} may: see taskset, or systemd's CPUAffinity="
    )]
    CoreForbidden {
        /// The core.
        core: u16,
        /// Those it may use.
        allowed: CpuSet,
    },
    /// A device string has not the right form.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Two ports on one device.
    #[error("device '{0}' is listed twice")]
    DeviceTwice(String),
    /// There is no such interface.
    #[error(
        "device '{device}': there is no network interface '{interface}' in this network namespace: see ip link"
    )]
    NoInterface {
        /// The device string.
        device: String,
        /// The interface that it names.
        interface: String,
    },
    /// There is no such PCI function.
    #[error("device '{0}': there is nothing at this PCI address: see lspci -D")]
    NoPciDevice(String),
    /// The driver's plug-in is not installed.
    #[error(
        "device '{device}': there is no driver {driver} ({plugin} is missing): correct the name, or apt-get install librte-meta-net"
    )]
    NoDriver {
        /// The device string.
        device: String,
        /// The driver that it names.
        driver: String,
        /// The file that was looked for.
        plugin: PathBuf,
    },
}

/// Looks at everything that `options` needs, and removes what a dead process
/// left under the same prefix.
#[must_use]
pub fn check(options: &EalOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    match (lock_holder(&options.file_prefix), options.memory) {
        // In any kind of memory, since the prefix's files are removed at the end.
        (Some(pid), _) => findings.push(Finding::AlreadyRunning {
            pid,
            file_prefix: options.file_prefix.clone(),
        }),
        (None, Memory::HugePages { mib }) => {
            hugepages::remove_files(&options.file_prefix);
            findings.extend(check_memory(mib.into()));
        }
        (None, Memory::Ordinary { .. }) => {}
    }
    findings.extend(check_cores(&options.worker_cores));
    findings.extend(check_devices(&options.devices));
    findings
}

/// The finding, or a list of them, one a line.
pub(crate) fn sentences(findings: &[Finding]) -> String {
    match findings {
        [finding] => finding.to_string(),
        _ => findings
            .iter()
            .fold("this machine is not ready".to_owned(), |list, finding| {
                format!("{list}\n  - {finding}")
            }),
    }
}

/// The process that holds the lock which every DPDK process takes.
fn lock_holder(file_prefix: &str) -> Option<i32> {
    use std::os::fd::AsRawFd;
    let path = hugepages::runtime_directory(file_prefix).join("config");
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .ok()?;
    // SAFETY: `flock` is plain data, for which all zeros are valid.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = libc::F_WRLCK as libc::c_short;
    // SAFETY: the request takes a `flock`, which lives for the call.
    let code = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut lock) };
    (code == 0 && lock.l_type != libc::F_UNLCK as libc::c_short).then_some(lock.l_pid)
}

/// How long to wait for pages of a process that has just ended. The kernel gives
/// back those that an AF_XDP socket has registered by a worker thread of
/// its own, after the process is gone: who restarts at once would not find them.
const PAGES_RETURN: Duration = Duration::from_millis(20);
/// How often: two seconds in all.
const PAGES_LOOKS: u32 = 100;

fn check_memory(wanted_mib: u64) -> Option<Finding> {
    let mounts = hugepages::mounts();
    let Some(mount) = mounts.iter().min_by_key(|mount| mount.page_kib) else {
        return Some(Finding::NotMounted);
    };
    if !is_writable(&mount.path) {
        return Some(Finding::HugePagesForbidden(mount.path.clone()));
    }
    let mut sizes_kib: Vec<u64> = mounts.iter().map(|mount| mount.page_kib).collect();
    sizes_kib.sort_unstable();
    sizes_kib.dedup();
    let wanted_kib = wanted_mib << 10;
    let count = || {
        sizes_kib.iter().fold((0, 0), |(total, free), &kib| {
            let pages = hugepages::pages(kib);
            (total + pages.0 * kib, free + pages.1 * kib)
        })
    };
    let (total_kib, mut free_kib) = count();
    for _ in 0..PAGES_LOOKS {
        if free_kib >= wanted_kib || total_kib < wanted_kib {
            break;
        }
        thread::sleep(PAGES_RETURN);
        free_kib = count().1;
    }
    let missing_kib = wanted_kib.saturating_sub(free_kib);
    let page_kib = mount.page_kib;
    let pages = hugepages::pages(page_kib).0 + missing_kib.div_ceil(page_kib);
    (missing_kib > 0).then_some(Finding::HugePages {
        wanted_mib,
        free_mib: free_kib >> 10,
        pages,
        page_kib,
    })
}

fn is_writable(path: &Path) -> bool {
    let Ok(path) = std::ffi::CString::new(path.as_os_str().as_encoded_bytes()) else {
        return false;
    };
    // SAFETY: the path is terminated and lives for the call.
    unsafe { libc::access(path.as_ptr(), libc::W_OK) == 0 }
}

fn check_cores(cores: &[u16]) -> Vec<Finding> {
    let online = fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let online = online.trim();
    let allowed = CpuSet::of_current_thread().unwrap_or_else(|_| CpuSet::empty());
    let finding = |&core: &u16| {
        if !is_listed(online, core) {
            return Some(Finding::CoreOffline {
                core,
                online: online.to_owned(),
            });
        }
        (!allowed.contains(core)).then_some(Finding::CoreForbidden { core, allowed })
    };
    cores.iter().filter_map(finding).collect()
}

/// Whether `core` is in a kernel list such as `0-3,8`.
fn is_listed(list: &str, core: u16) -> bool {
    list.split(',').any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        matches!((first.parse::<u16>(), last.parse::<u16>()), (Ok(first), Ok(last)) if (first..=last).contains(&core))
    })
}

fn check_devices(devices: &[String]) -> Vec<Finding> {
    let capabilities = effective_capabilities();
    let mut names = Vec::new();
    let mut findings = Vec::new();
    for text in devices {
        match text.parse::<Device>() {
            Err(error) => findings.push(error.into()),
            Ok(device) if names.contains(&device.name().to_owned()) => {
                findings.push(Finding::DeviceTwice(text.clone()));
            }
            Ok(device) => {
                findings.extend(check_device(&device));
                findings.extend(check_capability(&device, capabilities));
                names.push(device.name().to_owned());
            }
        }
    }
    findings
}

fn check_device(device: &Device) -> Option<Finding> {
    if let Some(address) = device.pci_address() {
        let exists = Path::new("/sys/bus/pci/devices").join(address).exists();
        return (!exists).then(|| Finding::NoPciDevice(device.to_string()));
    }
    if let Some(driver) = device.driver() {
        let plugin = plugin(driver);
        if !plugin.exists() {
            return Some(Finding::NoDriver {
                device: device.to_string(),
                driver: driver.to_owned(),
                plugin,
            });
        }
    }
    let interface = device.interface()?;
    Interface::open(interface)
        .is_err()
        .then(|| Finding::NoInterface {
            device: device.to_string(),
            interface: interface.to_owned(),
        })
}

/// The file that a virtual device's driver is in: named alike, with exceptions.
fn plugin(driver: &str) -> PathBuf {
    let family = driver.trim_start_matches("net_").trim_start_matches("eth_");
    let file = match family {
        "virtio_user" => "virtio",
        "tun" => "tap",
        "bonding" => "bond",
        other => other,
    };
    let directory = dpdk_sys::RTE_EAL_PMD_PATH.to_string_lossy();
    Path::new(directory.as_ref()).join(format!("librte_net_{file}.so"))
}

fn check_capability(device: &Device, held: u64) -> Option<Finding> {
    const NET_ADMIN: (u32, &str) = (12, "CAP_NET_ADMIN");
    const NET_RAW: (u32, &str) = (13, "CAP_NET_RAW");
    let needed: &[(u32, &'static str)] = match device.driver() {
        Some("net_af_packet" | "eth_af_packet") => &[NET_RAW],
        Some("net_af_xdp") => &[NET_RAW, NET_ADMIN],
        Some("net_tap" | "net_tun") => &[NET_ADMIN],
        _ => &[],
    };
    let missing = needed.iter().find(|(bit, _)| held & 1 << bit == 0);
    missing.map(|&(_, capability)| Finding::Capability {
        device: device.to_string(),
        capability,
    })
}

/// The capabilities in force, a bit each.
fn effective_capabilities() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests;
