//! What the receiver installs, and whose output it accepts.

use crate::action::Action;
use crate::record::Record;
use crate::scenario::{Protocol, fault};
use crate::state::{Receiver, State, broken, output_bit};
use crate::{HOSTS, RECORDS_MAX, Slip};

impl Receiver {
    /// The disk has the record: now it may be acknowledged (rule 10).
    pub(crate) fn persist(&mut self, records: &[Record; RECORDS_MAX]) {
        self.disk = self.record;
        self.acknowledged = records[usize::from(self.record)].epoch();
    }
}

impl Protocol {
    /// Everything that the receiver could do next, but for accepting: it accepts whatever it
    /// may at once ([`Protocol::settle`]).
    pub(crate) fn receiver_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let receiver = &state.receiver;
        for record in 0..state.made {
            if receiver.provisional {
                let sent = state.published & (1 << record) != 0;
                let epoch = state.record(record).epoch();
                let old_enough = epoch >= state.record(receiver.record).epoch();
                if sent && old_enough && self.vouched(state, None, record) {
                    actions.push(Action::ReceiverConfirm(record));
                }
            } else if self.installs(state, receiver.record, record) {
                actions.push(Action::ReceiverInstall(record));
            }
        }
        if receiver.disk != receiver.record {
            actions.push(Action::ReceiverPersist);
        }
        if self.may(state, fault::RECEIVER_RESTARTS) {
            actions.push(Action::RestartReceiver);
        }
    }

    pub(crate) fn receiver_install(&self, state: &mut State, record: u8) {
        state.receiver.record = record;
        if self.slips(Slip::AckBeforePersist) {
            state.receiver.acknowledged = state.record(record).epoch();
        }
    }

    pub(crate) fn receiver_confirm(&self, state: &mut State, record: u8) {
        state.receiver.provisional = false;
        self.receiver_install(state, record);
    }

    pub(crate) fn restart_receiver(&self, state: &mut State) {
        state.spent |= fault::RECEIVER_RESTARTS;
        state.receiver.record = state.receiver.disk;
        state.receiver.provisional = true;
    }

    /// Accepts all output on its way that passes the check (rule 8). To accept at once loses
    /// nothing: what arrives later was on its way now.
    pub(crate) fn accept(&self, state: &mut State) {
        if state.receiver.provisional {
            return;
        }
        let record = state.record(state.receiver.record);
        for generation in 1..=self.scenario.generations_max {
            for host in 0..HOSTS {
                let bit = output_bit(host, generation);
                if state.emitted & bit == 0 || !self.passes(record, host, generation) {
                    continue;
                }
                if state.receiver.accepted >= output_bit(0, generation + 1) {
                    state.broken |= broken::OLDER_ACCEPTED;
                }
                state.receiver.accepted |= bit;
            }
        }
    }

    fn passes(&self, record: Record, host: usize, generation: u8) -> bool {
        let any = self.slips(Slip::NoSourceCheck);
        let any_tag = any || self.slips(Slip::NoSourceTag);
        (record.owner() == host || any) && (record.generation() == generation || any_tag)
    }
}
