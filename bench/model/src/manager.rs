//! What the manager decides, writes and sends.

use crate::action::{Action, Decision};
use crate::record::{Record, Standing};
use crate::scenario::{Protocol, fault};
use crate::state::{Manager, State};
use crate::{HOSTS, Slip};

impl Protocol {
    /// Everything that the manager could do next. A crash before the write is the same as no
    /// decision, so deciding and writing are one step; sending is another.
    pub(crate) fn manager_actions(&self, state: &State, actions: &mut Vec<Action>) {
        let newest = 1 << state.manager.newest;
        if state.published & newest == 0 {
            actions.push(Action::Push);
        } else if state.durable & newest == 0 {
            actions.push(Action::Write);
        } else if usize::from(state.made) < self.scenario.records_max {
            self.decisions(state, actions);
        }
        if self.may(state, fault::MANAGER_RESTARTS) {
            actions.push(Action::CrashManager);
        }
    }

    /// Its own evidence is not modelled: it always has it (rule 6), which only adds promotions.
    fn decisions(&self, state: &State, actions: &mut Vec<Action>) {
        let (manager, record) = (&state.manager, state.newest());
        let mut push = |decision| actions.push(Action::Decide(decision));
        let owner = record.owner();
        if self.scenario.live().contains(&owner)
            && state.hosts[owner].boot != record.boot()
            && record.generation() < self.scenario.generations_max
            && (0..HOSTS).all(|host| !record.promotable(host))
        {
            push(Decision::Regrant);
        }
        for host in 0..self.scenario.hosts {
            let has = |hosts: u8| hosts & (1 << host) != 0;
            if host == owner {
                continue;
            }
            if record.promotable(host)
                && record.generation() < self.scenario.generations_max
                && (has(manager.suspects) || manager.resigned || self.scenario.whim)
            {
                push(Decision::Promote {
                    to: host,
                    keep: false,
                });
                if (0..HOSTS).any(|other| other != host && record.lists(other)) {
                    push(Decision::Promote {
                        to: host,
                        keep: true,
                    });
                }
            }
            match record.standing(host) {
                Standing::Out => {
                    let dead = !self.scenario.live().contains(&host);
                    if !dead && !state.hosts[host].provisional {
                        push(Decision::Join(host));
                    }
                }
                Standing::Joining => {
                    if has(manager.joined) || self.slips(Slip::OwnerNeverHearsOfJoiner) {
                        push(Decision::List(host));
                    }
                    if has(manager.overdue) || self.scenario.whim {
                        push(Decision::Remove(host));
                    }
                }
                Standing::InSync => {
                    if has(manager.overdue | manager.suspects) || self.scenario.whim {
                        push(Decision::Remove(host));
                    }
                }
                Standing::LetGo => {}
            }
        }
    }

    /// One durable compare-and-swap of the record (rule 1).
    pub(crate) fn decide(&self, state: &mut State, decision: Decision) {
        let old = state.newest();
        let record = match decision {
            Decision::Promote { to, keep } => {
                let boot = state.hosts[to].boot;
                let mut record = old.promoting(to, boot, state.manager.resigned);
                if !keep {
                    for host in 0..HOSTS {
                        record = record.with_standing(host, Standing::Out);
                    }
                }
                if self.slips(Slip::DeposedInLease) {
                    record = record.with_standing(old.owner(), Standing::InSync);
                }
                record
            }
            Decision::Regrant => {
                let owner = old.owner();
                old.promoting(owner, state.hosts[owner].boot, false)
            }
            Decision::Remove(host) => {
                let slip = self.slips(Slip::SoloStillPromotable);
                let standing = if slip { Standing::LetGo } else { Standing::Out };
                old.next().with_standing(host, standing)
            }
            Decision::Join(host) => old.next().with_standing(host, Standing::Joining),
            Decision::List(host) => old.next().with_standing(host, Standing::InSync),
        };
        self.append(state, record);
    }

    fn append(&self, state: &mut State, record: Record) {
        let index = state.made;
        let same = record.same_owner(state.newest()) || self.slips(Slip::ResignationOutlivesOwner);
        let resigned = state.manager.resigned && same;
        state.records[usize::from(index)] = record;
        state.made += 1;
        state.manager = Manager {
            newest: index,
            suspects: 0,
            overdue: 0,
            joined: 0,
            resigned,
        };
        if self.slips(Slip::PushBeforeWrite) {
            state.published |= 1 << index;
        } else {
            state.durable |= 1 << index;
        }
    }

    /// What the disk has survives, and nothing else (rule 15).
    pub(crate) fn crash_manager(&self, state: &mut State) {
        state.spent |= fault::MANAGER_RESTARTS;
        let newest = state.newest_durable();
        state.manager = Manager {
            newest,
            suspects: 0,
            overdue: 0,
            joined: 0,
            resigned: false,
        };
    }
}
