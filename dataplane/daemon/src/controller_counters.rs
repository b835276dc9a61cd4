//! What the controller counts, where the service thread can read it.
//!
//! Atomics and no lock: the controller may be a real-time thread, and must not
//! wait for an ordinary one that holds a lock on the same core.

use runtime::controller::ControllerStatus;
use runtime::uplink::HostCounters;
use tables::counters::Counter;

/// Copies of the controller's counters. The controller is their one writer.
#[derive(Debug, Default)]
pub(crate) struct ControllerCounters {
    received: Counter,
    not_for_us: Counter,
    malformed: Counter,
    discovery: Counter,
    discovery_refused: Counter,
    endpoint: Counter,
    sent: Counter,
    no_next_hop: Counter,
    datagrams_full: Counter,
    transmit_full: Counter,
    unsent_errors: Counter,
    stack_restarts: Counter,
}

impl ControllerCounters {
    /// Shows the counters as they are now.
    pub(crate) fn show(&self, status: &ControllerStatus) {
        let ControllerStatus {
            next_hop: _,
            host,
            transmit_full,
        } = *status;
        let HostCounters {
            received,
            not_for_us,
            malformed,
            discovery,
            discovery_refused,
            endpoint,
            sent,
            no_next_hop,
            datagrams_full,
            unsent_errors,
            stack_restarts,
        } = host;
        self.received.set(received);
        self.not_for_us.set(not_for_us);
        self.malformed.set(malformed);
        self.discovery.set(discovery);
        self.discovery_refused.set(discovery_refused);
        self.endpoint.set(endpoint);
        self.sent.set(sent);
        self.no_next_hop.set(no_next_hop);
        self.datagrams_full.set(datagrams_full);
        self.transmit_full.set(transmit_full);
        self.unsent_errors.set(unsent_errors);
        self.stack_restarts.set(stack_restarts);
    }

    /// What was shown last.
    pub(crate) fn read(&self) -> api::ControllerStatus {
        api::ControllerStatus {
            received: self.received.get(),
            not_for_us: self.not_for_us.get(),
            malformed: self.malformed.get(),
            discovery: self.discovery.get(),
            discovery_refused: self.discovery_refused.get(),
            endpoint: self.endpoint.get(),
            sent: self.sent.get(),
            no_next_hop: self.no_next_hop.get(),
            datagrams_full: self.datagrams_full.get(),
            transmit_full: self.transmit_full.get(),
            unsent_errors: self.unsent_errors.get(),
            stack_restarts: self.stack_restarts.get(),
        }
    }
}
