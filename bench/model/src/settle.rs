//! What follows from a step at the same instant, and what no later step can tell apart.
//!
//! A step that may happen at any time and takes nothing away when it happens (output leaves, a
//! hint is sent, output is accepted) is taken as soon as it can be: every run in which it
//! happens later is covered by that. And what nothing depends on any more is blanked, so that
//! states which differ only in it are one.

use crate::record::{Record, Standing};
use crate::scenario::{Protocol, fault};
use crate::state::{Flight, State, broken, output_bit};
use crate::{DRIFT_TICKS, HOSTS, Slip};

impl Protocol {
    /// Completes a step.
    pub(crate) fn settle(&self, state: &mut State) {
        self.emit(state);
        self.hint(state);
        if self.scenario.receiver {
            self.accept(state);
        }
        self.quiet(state);
        self.idle(state);
        self.forget(state);
    }

    fn emit(&self, state: &mut State) {
        for host in 0..self.scenario.hosts {
            if state.speaks(self, host) {
                let held = state.held(host);
                state.emitted |= output_bit(host, held.generation());
                if held.boot() != state.hosts[host].boot {
                    state.broken |= broken::CONTINUED;
                }
            }
        }
    }

    /// SUSPECT, a request to go on without a member, a first acknowledgement, FAULT(guest).
    fn hint(&self, state: &mut State) {
        let newest = state.manager.newest;
        let record = state.newest();
        let owner = record.owner();
        let live = self.scenario.live();
        let leads =
            live.contains(&owner) && state.hosts[owner].record == newest && state.owns(self, owner);
        for member in live {
            let this = &state.hosts[member];
            let candidate = this.record == newest && state.follows(member) && this.grace == 0;
            if candidate && record.promotable(member) {
                state.manager.suspects |= 1 << member;
            }
            if !leads {
                continue;
            }
            let joining = record.lists(member) && !record.promotable(member);
            if joining && state.hosts[owner].counted & (1 << member) != 0 {
                state.manager.joined |= 1 << member;
            }
        }
        if leads {
            for member in 0..self.scenario.hosts {
                // One interval before the lease ends on the fastest clock (rule 4).
                let ending = state.hosts[owner].lease[member] <= DRIFT_TICKS + 1;
                if ending && state.in_lease(self, owner, member) {
                    state.manager.overdue |= 1 << member;
                }
            }
            let spoke = state.emitted & output_bit(owner, record.generation()) != 0
                || self.slips(Slip::UnheardResignation);
            state.manager.resigned |= state.hosts[owner].resigned && spoke;
        }
    }

    /// What only an owner or only a member uses is blank at everybody else.
    fn quiet(&self, state: &mut State) {
        for host in 0..HOSTS {
            let member = state.held(host).lists(host);
            let owns = state.owns(self, host);
            let this = &mut state.hosts[host];
            if !owns {
                this.lease = [0; HOSTS];
                this.flight = [Flight::Empty; HOSTS];
                this.counted = 0;
                this.resigned = false;
            }
            // A promise outlives the membership that it was given in: the next grant may come
            // while it lasts.
            if self.slips(Slip::FencingEndsPromise) && !member && !owns {
                this.grace = 0;
            }
        }
    }

    /// Messages whose arrival would change nothing, and promises that nobody will ever ask for.
    fn idle(&self, state: &mut State) {
        for owner in 0..HOSTS {
            let held = state.held(owner);
            for member in 0..HOSTS {
                let past = self.past(state, owner, member);
                let this = &mut state.hosts[owner];
                let joining = held.standing(member) == Standing::Joining;
                let counted = this.counted & (1 << member) != 0;
                if !joining && !self.slips(Slip::NewOwnerSkipsMembers) {
                    this.counted &= !(1 << member);
                }
                let useless = match this.flight[member] {
                    Flight::Empty => false,
                    Flight::Beat(_) => past,
                    Flight::Ack(age) => {
                        let known = counted || !joining;
                        let gains = self.lease_ticks() - age > this.lease[member];
                        known && !gains && self.slip.is_none()
                    }
                };
                if useless {
                    this.flight[member] = Flight::Empty;
                }
            }
        }
        if usize::from(state.made) < self.scenario.records_max {
            return;
        }
        // No decision is left to make; a host that was granted nothing is granted nothing more.
        state.manager.suspects = 0;
        state.manager.overdue = 0;
        state.manager.joined = 0;
        state.manager.resigned = false;
        for host in 0..HOSTS {
            let from = usize::from(state.hosts[host].record);
            let granted = |record: &Record| record.epoch() > 0 && record.owner() == host;
            if !state.records[from..usize::from(state.made)]
                .iter()
                .any(granted)
            {
                state.hosts[host].grace = 0;
            }
        }
    }

    /// Blanks records that nobody can install any more, and output that nobody can accept.
    fn forget(&self, state: &mut State) {
        if !self.scenario.receiver {
            state.receiver.record = state.manager.newest;
            state.receiver.persist(&state.records);
        } else if !self.may(state, fault::RECEIVER_RESTARTS)
            && !self.slips(Slip::AckBeforePersist)
            && !self.slips(Slip::LastUpdateWins)
            && !state.receiver.provisional
        {
            // Its disk is never read again.
            state.receiver.persist(&state.records);
        }
        if matches!(
            self.slip,
            Some(
                Slip::LastUpdateWins | Slip::StaleSession | Slip::NoSourceTag | Slip::NoSourceCheck
            )
        ) {
            return;
        }
        let held = state
            .hosts
            .iter()
            .take(self.scenario.hosts)
            .map(|host| host.record);
        let oldest = held
            .chain([
                state.receiver.record,
                state.receiver.disk,
                state.newest_durable(),
            ])
            .min()
            .expect("there are hosts");
        for index in 0..oldest {
            state.records[usize::from(index)] = Record::default();
        }
        let kept = !((1 << oldest) - 1);
        state.durable &= kept;
        state.published &= kept;
        let generation = state.record(oldest).generation();
        let past = output_bit(0, generation) - 1;
        state.emitted &= !past;
        state.receiver.accepted &= !past;
    }
}
