//! What comes from other hosts: which datagrams are looked at, which are believed, and whom a message
//! is for.

use failover::{AgentEvent, ManagerEvent};
use messages::body::{Recipient, Witness};
use messages::{Body, BootId, Event, HostId, Time};

use super::{ClockOffset, Dataplane, Replication, Testimony};
use crate::endpoint::Endpoint;

/// Datagrams of other hosts taken in a round.
const DATAGRAMS_PER_ROUND_MAX: usize = 256;

impl Replication {
    pub(super) fn take_datagrams(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        dataplane: &mut impl Dataplane,
    ) {
        let mut datagram = std::mem::take(&mut self.datagram);
        for _ in 0..DATAGRAMS_PER_ROUND_MAX {
            let Some(address) = endpoint.receive_datagram(&mut datagram) else {
                break;
            };
            if !self.budgets.spend(now, address) {
                self.counters.over_budget += 1;
                continue;
            }
            let sessions = &mut self.parts.sessions;
            let received = sessions.receive(now, &datagram, &mut self.outgoing);
            for event in sessions.take_events() {
                self.session_changed(now, event, dataplane);
            }
            match received {
                // A host speaks for itself, from its own place.
                Ok(Some(message)) if self.parts.addresses.get(&message.from) != Some(&address) => {
                    self.counters.refused += 1;
                }
                Ok(Some(message)) => {
                    self.counters.received += 1;
                    self.deliver(now, message.from, message.boot, message.body, dataplane);
                }
                Ok(None) => {}
                Err(_) => self.counters.refused += 1,
            }
        }
        self.datagram = datagram;
    }

    pub(super) fn session_changed(
        &mut self,
        now: Time,
        event: Event,
        dataplane: &mut impl Dataplane,
    ) {
        match event {
            Event::Opened { host, boot } => {
                if host == self.parts.manager {
                    self.snapshots.want(now);
                }
                self.tell_agent(now, AgentEvent::PeerBoot { host, boot }, dataplane);
                self.tell_manager(now, ManagerEvent::PeerBoot { host, boot });
            }
            // The next life's session says that this one is over.
            Event::Closed { .. } => {}
            Event::Refused { host, sentence, .. } => {
                tracing::warn!("host {host} is refused: {sentence}");
            }
        }
    }

    /// Gives a message to whom it is for.
    pub(super) fn deliver(
        &mut self,
        now: Time,
        from: HostId,
        from_boot: BootId,
        body: Body,
        dataplane: &mut impl Dataplane,
    ) {
        let recipient = body.recipient();
        if let Body::HeartbeatAck(ack) = &body {
            self.clocks.learn(from, now, ack);
        }
        if let (Recipient::Recorder, Body::Witness(witness)) = (recipient, &body) {
            self.hear_witness(from, witness.clone());
        }
        if matches!(recipient, Recipient::Manager | Recipient::Both) {
            let body = body.clone();
            self.tell_manager(
                now,
                ManagerEvent::Message {
                    from,
                    from_boot,
                    body,
                },
            );
        }
        if matches!(recipient, Recipient::Agent | Recipient::Both) {
            let message = AgentEvent::Message {
                from,
                from_boot,
                body,
            };
            self.tell_agent(now, message, dataplane);
        }
    }

    pub(super) fn hear_witness(&mut self, from: HostId, witness: Witness) {
        let clock = if from == self.parts.own {
            Some(ClockOffset {
                to_ours_ns: 0,
                uncertainty_ns: 0,
            })
        } else {
            self.clocks.of(from)
        };
        let testimony = Testimony {
            from,
            clock,
            witness,
        };
        if self.parts.testimonies.push(testimony).is_err() {
            self.counters.notes_lost += 1;
        }
    }
}
