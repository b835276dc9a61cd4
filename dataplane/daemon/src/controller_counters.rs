//! What the controller counts, where the service thread can read it.
//!
//! Atomics and no lock: the controller may be a real-time thread, and must not
//! wait for an ordinary one that holds a lock on the same core.

use runtime::controller::ControllerStatus;
use runtime::replication::ReplicationCounters;
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
    messages: MessageCounters,
}

/// Of [`ControllerCounters`], those of messages between hosts.
#[derive(Debug, Default)]
struct MessageCounters {
    received: Counter,
    refused: Counter,
    over_budget: Counter,
    sent: Counter,
    unsent: Counter,
    notes_lost: Counter,
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

    /// Shows what became of messages between hosts until now.
    pub(crate) fn show_messages(&self, counters: ReplicationCounters) {
        let ReplicationCounters {
            received,
            refused,
            over_budget,
            sent,
            unsent,
            notes_lost,
        } = counters;
        self.messages.received.set(received);
        self.messages.refused.set(refused);
        self.messages.over_budget.set(over_budget);
        self.messages.sent.set(sent);
        self.messages.unsent.set(unsent);
        self.messages.notes_lost.set(notes_lost);
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
            messages: api::MessageStatus {
                received: self.messages.received.get(),
                refused: self.messages.refused.get(),
                over_budget: self.messages.over_budget.get(),
                sent: self.messages.sent.get(),
                unsent: self.messages.unsent.get(),
                notes_lost: self.messages.notes_lost.get(),
            },
        }
    }
}
