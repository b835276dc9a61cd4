//! Native IPv6 peers: which there are, and what was translated for them.

use std::sync::Arc;

use api::{NativePeerStatus, NativeStatus};
use config::Config;
use tables::counters::{Counter, NativeCounters, WorkerCounters};

/// Over all workers.
pub(super) fn status(config: &Config, counters: &[Arc<WorkerCounters>]) -> NativeStatus {
    let total = |count: fn(&NativeCounters) -> &Counter| -> u64 {
        let workers = counters.iter();
        workers
            .map(|worker| count(&worker.worker.native).get())
            .sum()
    };
    NativeStatus {
        peers: config.networks.iter().flat_map(native_peers).collect(),
        up: total(|native| &native.up),
        down: total(|native| &native.down),
        errors: total(|native| &native.errors),
        errors_limited: total(|native| &native.errors_limited),
    }
}

/// The native peers of a network, as they are configured.
fn native_peers(network: &config::Network) -> impl Iterator<Item = NativePeerStatus> + '_ {
    let named = |address: String, ipv6: String| NativePeerStatus {
        network: network.name.clone(),
        address,
        ipv6,
    };
    network.native.iter().flat_map(move |native| {
        let peers = native.peers.iter();
        let peers = peers.map(move |peer| named(peer.address.to_string(), peer.ipv6.to_string()));
        let prefixes = native.prefixes.iter().map(move |prefix| {
            let ipv6 = format!("{}/96", prefix.ipv6.network());
            named(prefix.addresses.to_string(), ipv6)
        });
        peers.chain(prefixes)
    })
}
