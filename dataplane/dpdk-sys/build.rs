//! Generates the bindings and compiles the shim of DPDK's inline functions.

use std::env;
use std::path::PathBuf;
use std::process::{Command, exit};

/// The release whose structures and semantics `dataplane/dpdk` was written against.
const VERSION: std::ops::Range<&str> = "22.11".."22.12";

const FUNCTIONS: &[&str] = &[
    "rte_eal_(init|cleanup|remote_launch|wait_lcore|hotplug_remove)",
    "rte_dev_probe",
    "rte_eth_(rx|tx)_burst",
    "rte_eth_(rx|tx)_queue_setup",
    "rte_eth_dev_(adjust_nb_rx_tx_desc|close|configure|get_port_by_name|info_get|set_mtu)",
    "rte_eth_dev_(socket_id|start|stop)",
    "rte_eth_(link_get_nowait|macaddr_get|promiscuous_enable|allmulticast_enable|stats_get)",
    "rte_get_tsc_hz",
    "rte_mempool_(avail_count|free)",
    "rte_pdump_(init|uninit)",
    "rte_pktmbuf_(alloc|alloc_bulk|chain|clone|copy|free|linearize|pool_create)",
    "rte_rdtsc",
    "rte_ring_(count|create|free|sc_dequeue_burst|sp_enqueue_burst)",
    "rte_(socket_id|strerror|version)",
    "understudy_rte_errno",
];

const TYPES: &[&str] = &[
    "rte_ether_addr",
    "rte_eth_(conf|dev_info|link|stats|rxconf|txconf)",
    "rte_mbuf",
    "rte_mempool",
    "rte_ring",
];

const VARIABLES: &[&str] = &[
    "RTE_EAL_PMD_PATH",
    "RTE_ETH_RSS_(IP|TCP|UDP)",
    "RTE_ETH_TX_OFFLOAD_(MULTI_SEGS|IPV4_CKSUM|TCP_CKSUM|UDP_CKSUM)",
    "RTE_MBUF_F_(EXTERNAL|INDIRECT)",
    "RTE_PKTMBUF_HEADROOM",
    "RTE_MAX_LCORE",
    "RTE_RING_(NAMESIZE|SZ_MASK)",
    "RTE_MEMPOOL_(NAMESIZE|CACHE_MAX_SIZE)",
    "RING_F_(SP_ENQ|SC_DEQ|EXACT_SZ)",
];

fn main() {
    println!("cargo::rerun-if-changed=wrapper.h");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let flags = compiler_flags();

    let bindings = bindgen::Builder::default()
        .header("wrapper.h")
        .clang_args(&flags)
        .allowlist_function(FUNCTIONS.join("|"))
        .allowlist_type(TYPES.join("|"))
        .allowlist_var(VARIABLES.join("|"))
        // Packed structures with aligned members: never touched from Rust.
        .opaque_type("rte_arp_ipv4|rte_arp_hdr|rte_gtp_.*|rte_l2tpv2_.*")
        // RTE_BIT64() constants are casts, invisible without the fallback.
        .clang_macro_fallback()
        .clang_macro_fallback_build_dir(&out)
        .derive_default(true)
        .layout_tests(true)
        .generate_cstr(true)
        .generate_comments(false)
        .wrap_static_fns(true)
        .wrap_static_fns_path(out.join("shim"))
        .generate()
        .unwrap_or_else(|error| fail(&format!("bindgen could not read DPDK's headers: {error}")));
    bindings
        .write_to_file(out.join("bindings.rs"))
        .unwrap_or_else(|error| fail(&format!("cannot write the bindings: {error}")));

    let mut shim = cc::Build::new();
    shim.file(out.join("shim.c"))
        .include(".")
        .opt_level(3)
        .warnings(false);
    for flag in &flags {
        shim.flag(flag);
    }
    shim.compile("dpdk_shim");

    // After the shim, which refers to it. A static primary process would
    // refuse dpdk-dumpcap and every other secondary, so: shared.
    pkg_config::Config::new()
        .range_version(VERSION)
        .statik(false)
        .probe("libdpdk")
        .unwrap_or_else(|error| fail(&error.to_string()));
}

/// What `pkg-config --cflags` says, whole: the `pkg-config` crate keeps only
/// `-I` and `-D`, and DPDK needs `-include rte_config.h` and `-march` too.
fn compiler_flags() -> Vec<String> {
    match Command::new("pkg-config")
        .args(["--cflags", "libdpdk"])
        .output()
    {
        Ok(run) if run.status.success() => String::from_utf8_lossy(&run.stdout)
            .split_whitespace()
            .map(String::from)
            .collect(),
        Ok(run) => fail(String::from_utf8_lossy(&run.stderr).trim()),
        Err(error) => fail(&format!("cannot run pkg-config: {error}")),
    }
}

fn fail(reason: &str) -> ! {
    println!(
        "cargo::error=DPDK 22.11 was not found. Install it: \
         apt-get install libdpdk-dev libclang-dev pkg-config, or run scripts/install-dependencies"
    );
    for line in reason.lines() {
        println!("cargo::error={line}");
    }
    exit(1)
}
