//! Where figures were taken.

use std::error::Error;
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock;

/// A machine, as far as figures depend on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Processors online.
    pub processors: usize,
    /// The last-level cache, as the kernel writes it.
    pub cache: String,
    /// The clock that the processor really ran at, in Hz.
    pub real_hz: f64,
    /// The kernel's release.
    pub kernel: String,
    /// DPDK's release.
    pub dpdk: String,
}

impl Machine {
    /// This one.
    ///
    /// # Errors
    /// /proc is not as it should be.
    pub fn look() -> Result<Self, Box<dyn Error>> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
        let field = |name: &str| {
            let line = cpuinfo.lines().find(|line| line.starts_with(name));
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
        };
        let cache = "/sys/devices/system/cpu/cpu0/cache/index3/size";
        Ok(Self {
            processor: field("model name").unwrap_or_default(),
            processors: cpuinfo.matches("processor\t:").count(),
            cache: fs::read_to_string(cache).map_or("none".to_owned(), |size| size.trim().into()),
            real_hz: clock::real_hz(Duration::from_secs(1)),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
            dpdk: first_line("pkg-config", &["--modversion", "libdpdk"])?,
        })
    }
}

fn first_line(program: &str, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new(program).args(arguments).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
