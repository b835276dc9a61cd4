//! The environment abstraction layer: DPDK's memory, threads and buses.
//!
//! Packet capture: with [`Memory::HugePages`] the process is a primary that
//! others can join, so while it runs
//! `dpdk-dumpcap --file-prefix PREFIX -i 0 -w out.pcapng` captures on port 0,
//! and `-D` in place of `-i` lists the ports (Debian package `dpdk-dev`; with `-p` from another network namespace).

use std::collections::BTreeSet;
use std::ffi::{CString, c_char, c_int};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use thiserror::Error;

use crate::device::Device;
use crate::hugepages;
use crate::preflight::{self, Finding};
use crate::thread::CpuSet;

/// Where DPDK's memory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Files on hugetlbfs, under the file prefix: what a host runs with.
    HugePages {
        /// Reserved at the start, in MiB.
        mib: u32,
    },
    /// Ordinary pages: needs no privilege and leaves no files, but cannot be
    /// joined by dpdk-dumpcap and has no telemetry.
    Ordinary {
        /// The whole of it, in MiB.
        mib: u32,
    },
}

/// How to start the EAL.
#[derive(Clone, Debug)]
pub struct EalOptions {
    /// The program's name, as DPDK's log and telemetry show it.
    pub program: String,
    /// Names this process among those that run DPDK on this machine.
    pub file_prefix: String,
    /// Where memory comes from.
    pub memory: Memory,
    /// The processor of each polling worker; index for [`Eal::launch`].
    pub worker_cores: Vec<u16>,
    /// Every device string that a port will be started on. PCI devices that
    /// are not listed are left alone.
    pub devices: Vec<String>,
    /// Whether to open DPDK's own telemetry socket (with huge pages only).
    pub telemetry: bool,
}

/// Why the EAL did not start.
#[derive(Debug, Error)]
pub enum EalError {
    /// The machine is not ready; every finding carries its remedy.
    #[error("{}", preflight::sentences(.0))]
    Preflight(Vec<Finding>),
    /// DPDK can be started once in the life of a process.
    #[error("DPDK was already started in this process; it can be started once only")]
    AlreadyStarted,
    /// An option holds a zero byte.
    #[error("option '{0}' for DPDK contains a zero byte")]
    ZeroByte(String),
    /// `rte_eal_init` failed although the preflight found nothing.
    #[error("DPDK did not start with '{arguments}': {source}")]
    Init {
        /// The command line that it was given.
        arguments: String,
        /// What it left in `rte_errno`.
        source: io::Error,
    },
    /// The thread's own affinity could not be read or restored.
    #[error("cannot restore the processors that the calling thread may run on: {0}")]
    Affinity(#[source] io::Error),
}

/// The running EAL, owned by the one who started it.
///
/// Dropping it detaches from DPDK's memory, if no pool, port or ring is left
/// that uses it, and removes the files under its prefix: so drop it last.
#[derive(Debug)]
pub struct Eal {
    running: Arc<Running>,
    _files: Files,
}

/// What DPDK has on disk, until dropped.
#[derive(Debug)]
struct Files(String);

/// What everything that lives in DPDK's memory keeps alive.
#[derive(Debug)]
pub(crate) struct Running {
    /// The devices that are open. Locked while one is opened or closed: DPDK's
    /// device bus is not thread-safe, and a port finds its sockets by looking
    /// before and after.
    pub(crate) opening: Mutex<BTreeSet<String>>,
    pub(crate) workers: usize,
    pdump: bool,
}

impl Eal {
    /// Checks the machine, then starts DPDK. The calling thread keeps the
    /// processors it had, and becomes DPDK's main thread.
    ///
    /// # Errors
    ///
    /// [`EalError::Preflight`] with everything that was found at once, before
    /// anything was started; the others as they say.
    pub fn start(options: &EalOptions) -> Result<Self, EalError> {
        static STARTED: AtomicBool = AtomicBool::new(false);
        if STARTED.load(Ordering::Acquire) {
            return Err(EalError::AlreadyStarted);
        }
        let findings = preflight::check(options);
        if !findings.is_empty() {
            return Err(EalError::Preflight(findings));
        }
        let allowed = CpuSet::of_current_thread().map_err(EalError::Affinity)?;
        let arguments = arguments(options, &allowed);
        let arguments_c = arguments
            .iter()
            .map(|argument| {
                CString::new(argument.as_str()).map_err(|_| EalError::ZeroByte(argument.clone()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if STARTED.swap(true, Ordering::AcqRel) {
            return Err(EalError::AlreadyStarted);
        }
        // Before it starts: a start that fails half-way leaves files too.
        let files = Files(options.file_prefix.clone());
        let outcome = initialise(&arguments_c);
        allowed
            .apply_to_current_thread()
            .map_err(EalError::Affinity)?;
        outcome.map_err(|source| EalError::Init {
            arguments: arguments.join(" "),
            source,
        })?;

        let pdump = match options.memory {
            // SAFETY: the EAL runs; pdump is initialised once.
            Memory::HugePages { .. } => unsafe { dpdk_sys::rte_pdump_init() == 0 },
            Memory::Ordinary { .. } => {
                // The EAL made a directory that it does not use.
                hugepages::remove_files(&options.file_prefix);
                false
            }
        };
        let running = Arc::new(Running {
            opening: Mutex::default(),
            workers: options.worker_cores.len(),
            pdump,
        });
        Ok(Self {
            running,
            _files: files,
        })
    }

    /// Whether dpdk-dumpcap can attach (needs [`Memory::HugePages`]).
    #[must_use]
    pub fn allows_capture(&self) -> bool {
        self.running.pdump
    }

    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.running
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        hugepages::remove_files(&self.0);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.pdump {
            // SAFETY: it was initialised, and this runs once.
            unsafe { dpdk_sys::rte_pdump_uninit() };
        }
        // SAFETY: everything that points into DPDK's memory holds a reference
        // to `self`, so that nothing is left that could.
        unsafe { dpdk_sys::rte_eal_cleanup() };
    }
}

/// The command line of the EAL. Logical core 0 is the calling thread, the
/// workers follow in order; what DPDK runs beside them stays off their
/// processors where there are others.
fn arguments(options: &EalOptions, allowed: &CpuSet) -> Vec<String> {
    let main = allowed.away_from(&options.worker_cores);
    let mut lcores = format!("0@({main})");
    for (index, core) in options.worker_cores.iter().enumerate() {
        lcores.push_str(&format!(",{}@{core}", index + 1));
    }
    let mut arguments = vec![
        options.program.clone(),
        format!("--lcores={lcores}"),
        format!("--file-prefix={}", options.file_prefix),
        "--log-level=warning".to_owned(),
        // It warns of a socket for callers that were gone before DPDK 20.05.
        "--log-level=lib.telemetry:error".to_owned(),
    ];
    let (Memory::HugePages { mib } | Memory::Ordinary { mib }) = options.memory;
    arguments.push(format!("-m{mib}"));
    let joinable = matches!(options.memory, Memory::HugePages { .. });
    if !joinable {
        arguments.extend(["--no-huge".to_owned(), "--no-shconf".to_owned()]);
    }
    if !(joinable && options.telemetry) {
        arguments.push("--no-telemetry".to_owned());
    }
    let devices = options
        .devices
        .iter()
        .filter_map(|text| text.parse::<Device>().ok());
    let pci: Vec<String> = devices
        .filter_map(|device| device.pci_address().map(|address| format!("-a{address}")))
        .collect();
    if pci.is_empty() {
        // Kernel-fed drivers hand the kernel one address range per pool, so
        // the pool must not be cut at the borders of physical pages.
        arguments.extend(["--no-pci".to_owned(), "--iova-mode=va".to_owned()]);
    }
    arguments.extend(pci);
    arguments
}

fn initialise(arguments: &[CString]) -> io::Result<()> {
    // The EAL reorders the array and keeps the strings, so both are its own.
    let argv: Vec<*mut c_char> = arguments
        .iter()
        .cloned()
        .map(CString::into_raw)
        .chain([std::ptr::null_mut()])
        .collect();
    let count = c_int::try_from(arguments.len()).map_err(io::Error::other)?;
    // SAFETY: `argv` holds `count` terminated strings and a null, all leaked,
    // so that they live as long as the process.
    match unsafe { dpdk_sys::rte_eal_init(count, argv.leak().as_mut_ptr()) } {
        0.. => Ok(()),
        _ => Err(crate::last_error()),
    }
}
