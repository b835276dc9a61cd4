//! What a host does as an owner, as a replica, and after a boot.

use crate::action::Action;
use crate::record::Standing;
use crate::scenario::{Protocol, fault};
use crate::state::{Flight, Host, State};
use crate::{DRIFT_TICKS, HOSTS, Slip};

impl Protocol {
    /// Everything that the hosts could do next.
    pub(crate) fn host_actions(&self, state: &State, actions: &mut Vec<Action>) {
        for host in self.scenario.live() {
            if self.owns(state, host) {
                self.owner_actions(state, host, actions);
            }
            for record in 0..state.made {
                if state.hosts[host].provisional {
                    if self.confirms(state, host, record) {
                        actions.push(Action::Confirm(host, record));
                    }
                } else if self.installs(state, state.hosts[host].record, record) {
                    actions.push(Action::Install(host, record));
                }
            }
            if self.may(state, self.restart_fault(state, host)) {
                actions.push(Action::Restart(host));
            }
        }
    }

    fn owner_actions(&self, state: &State, owner: usize, actions: &mut Vec<Action>) {
        let this = &state.hosts[owner];
        let ending = |lease: &u8| (1..=DRIFT_TICKS).contains(lease);
        if this.lease.iter().any(ending) {
            actions.push(Action::Deadline(owner));
        }
        for member in self.scenario.live() {
            if !state.held(owner).lists(member) {
                continue;
            }
            let fresh = matches!(this.flight[member], Flight::Beat(0) | Flight::Ack(0));
            let hears = state.follows(member) && state.hosts[member].record == this.record;
            let waits = !self.scenario.prompt_beats && !self.past(state, owner, member);
            if !this.resigned && !fresh && (hears || waits) {
                actions.push(Action::Beat(owner, member));
            }
            match this.flight[member] {
                Flight::Empty => {}
                Flight::Beat(_) => {
                    if hears {
                        actions.push(Action::Hear(owner, member));
                    }
                }
                Flight::Ack(_) => actions.push(Action::Ack(owner, member)),
            }
        }
        if !this.resigned && self.may(state, fault::OWNER_RESIGNS) {
            actions.push(Action::Resign(owner));
        }
    }

    fn owns(&self, state: &State, host: usize) -> bool {
        state.owns(self, host)
    }

    /// Whether `member` is past the record under which `owner` sends: it never acknowledges.
    pub(crate) fn past(&self, state: &State, owner: usize, member: usize) -> bool {
        state.held(member).epoch() > state.held(owner).epoch() && !self.slips(Slip::LastUpdateWins)
    }

    fn restart_fault(&self, state: &State, host: usize) -> u8 {
        if self.owns(state, host) {
            fault::OWNER_RESTARTS
        } else {
            fault::MEMBER_RESTARTS
        }
    }

    /// Whether a holder of `held` installs `offered`: sent, and newer (rule 8).
    pub(crate) fn installs(&self, state: &State, held: u8, offered: u8) -> bool {
        let (old, new) = (state.record(held).epoch(), state.record(offered).epoch());
        let newer = new > old || (self.slips(Slip::LastUpdateWins) && new != old);
        state.published & (1 << offered) != 0 && newer
    }

    /// Whether a host that booted hears `offered` from somebody who may confirm its record
    /// (rule 10): the manager, or another host that speaks as the owner at this instant. The
    /// delay of that message is left out: hearing it at once and doing nothing is the same.
    pub(crate) fn confirms(&self, state: &State, host: usize, offered: u8) -> bool {
        let sent = state.published & (1 << offered) != 0;
        let old_enough = state.record(offered).epoch() >= state.held(host).epoch();
        sent && old_enough && self.vouched(state, Some(host), offered)
    }

    /// Whether somebody who may confirm holds `offered` now.
    pub(crate) fn vouched(&self, state: &State, host: Option<usize>, offered: u8) -> bool {
        let by_owner = self.scenario.live().any(|owner| {
            Some(owner) != host && state.hosts[owner].record == offered && state.speaks(self, owner)
        });
        offered == state.manager.newest || by_owner || self.slips(Slip::StaleSession)
    }

    /// Whether this fault may still happen.
    pub(crate) fn may(&self, state: &State, fault: u8) -> bool {
        self.scenario.faults & !state.spent & fault != 0
            && state.spent.count_ones() < self.scenario.faults_max
    }

    /// One tick: leases end on the slowest clock, promises on the fastest.
    pub(crate) fn tick(&self, state: &mut State) {
        let useless = self.lease_ticks();
        for host in &mut state.hosts {
            host.grace = host.grace.saturating_sub(1);
            for lease in &mut host.lease {
                *lease = lease.saturating_sub(1);
            }
            for flight in &mut host.flight {
                // What is so old that its lease would be over at once is as good as lost.
                *flight = match *flight {
                    Flight::Beat(age) if age + 1 < useless => Flight::Beat(age + 1),
                    Flight::Ack(age) if age + 1 < useless => Flight::Ack(age + 1),
                    Flight::Ack(age) if self.slips(Slip::LeaseFromReceipt) => Flight::Ack(age),
                    Flight::Empty | Flight::Beat(_) | Flight::Ack(_) => Flight::Empty,
                };
            }
        }
    }

    pub(crate) fn deadline(&self, state: &mut State, owner: usize) {
        for lease in &mut state.hosts[owner].lease {
            if *lease <= DRIFT_TICKS {
                *lease = 0;
            }
        }
    }

    pub(crate) fn beat(&self, state: &mut State, owner: usize, member: usize) {
        state.hosts[owner].flight[member] = Flight::Beat(0);
        if self.scenario.prompt_beats {
            self.hear(state, owner, member);
        }
    }

    /// A member acknowledges; a Candidate takes its suspicion back first (rule 5), which the
    /// manager may hear too late.
    pub(crate) fn hear(&self, state: &mut State, owner: usize, member: usize) {
        let Flight::Beat(age) = state.hosts[owner].flight[member] else {
            return;
        };
        state.hosts[owner].flight[member] = Flight::Ack(age);
        let candidate = state.hosts[member].grace == 0;
        if !(candidate && self.slips(Slip::CandidateAcknowledges)) {
            state.hosts[member].grace = self.grace_ticks();
        }
    }

    /// The lease that a member gave, counted from the sending of the heartbeat (rule 2).
    pub(crate) fn ack(&self, state: &mut State, owner: usize, member: usize) {
        let this = &mut state.hosts[owner];
        let Flight::Ack(age) = this.flight[member] else {
            return;
        };
        let age = if self.slips(Slip::LeaseFromReceipt) {
            0
        } else {
            age
        };
        this.flight[member] = Flight::Empty;
        this.lease[member] = this.lease[member].max(self.lease_ticks() - age);
        this.counted |= 1 << member;
        if self.slips(Slip::LateAckRevives) {
            this.resigned = false;
        }
    }

    pub(crate) fn resign(&self, state: &mut State, owner: usize) {
        state.hosts[owner].resigned = true;
        state.spent |= fault::OWNER_RESIGNS;
    }

    /// A host installs a record and suppresses at once whatever the record takes from it.
    pub(crate) fn install(&self, state: &mut State, host: usize, index: u8) {
        let (old, new) = (state.held(host), state.record(index));
        let this = &mut state.hosts[host];
        this.record = index;
        this.flight = [Flight::Empty; HOSTS];
        if !new.same_owner(old) {
            this.lease = [0; HOSTS];
            this.counted = 0;
            this.resigned = false;
        }
        if new.owner() == host {
            // A grant does not shorten what this host promised to the owner before (rule 5),
            // unless that owner is known to be silent.
            if new.at_once() && new.boot() == this.boot {
                this.grace = 0;
            }
            for member in 0..HOSTS {
                let rejoins = new.standing(member) == Standing::Joining
                    && old.standing(member) != Standing::Joining;
                if rejoins || !new.lists(member) {
                    this.counted &= !(1 << member);
                    this.lease[member] = 0;
                }
            }
        } else if new.lists(host) && !(new.same_owner(old) && old.lists(host)) {
            // Newly listed, or under a new owner: G from the install (rule 3).
            this.grace = if self.slips(Slip::InstallEndsPromise) {
                0
            } else {
                self.grace_ticks()
            };
        }
    }

    pub(crate) fn confirm(&self, state: &mut State, host: usize, index: u8) {
        state.hosts[host].provisional = false;
        if state.record(index).epoch() > state.held(host).epoch() {
            self.install(state, host, index);
        }
    }

    /// A host restarts: its disk keeps the record, its sessions are void, and its boot counts
    /// as its last acknowledgement (rules 3 and 10).
    pub(crate) fn restart(&self, state: &mut State, host: usize) {
        state.spent |= self.restart_fault(state, host);
        let this = &mut state.hosts[host];
        *this = Host {
            record: this.record,
            boot: this.boot + 1,
            provisional: true,
            resigned: false,
            grace: if self.slips(Slip::BootEndsPromise) {
                0
            } else {
                self.grace_ticks()
            },
            counted: 0,
            lease: [0; HOSTS],
            flight: [Flight::Empty; HOSTS],
        };
        if !self.slips(Slip::StaleSession) {
            for other in &mut state.hosts {
                other.flight[host] = Flight::Empty;
            }
        }
    }
}
