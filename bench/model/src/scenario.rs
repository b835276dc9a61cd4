//! What may happen in a run, and how often.

use crate::{DRIFT_TICKS, HOSTS, RECORDS_MAX, Slip};

/// Faults that may each happen once in a run; bits of [`Scenario::faults`].
pub mod fault {
    /// A host that holds a grant restarts.
    pub const OWNER_RESTARTS: u8 = 1;
    /// A host that holds no grant restarts.
    pub const MEMBER_RESTARTS: u8 = 2;
    /// The receiver restarts.
    pub const RECEIVER_RESTARTS: u8 = 4;
    /// The manager loses everything but its disk.
    pub const MANAGER_RESTARTS: u8 = 8;
    /// An owner's guest port closes: it resigns.
    pub const OWNER_RESIGNS: u8 = 16;
    /// All of them.
    pub const ALL: u8 = 31;
}

/// The bounds of a run. Within them every order of steps is taken.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the printed result is called.
    pub name: &'static str,
    /// Hosts that take part, 2 or 3.
    pub hosts: usize,
    /// Members in sync at the start; host 0 owns.
    pub members: &'static [usize],
    /// G in ticks of one heartbeat interval (`detect_mult`), at least 2: a replica keeps its
    /// promise for this long after the receipt of a heartbeat. L is [`DRIFT_TICKS`] less: that
    /// is what `L = G(1 - 2ρ) - 1 ms` stands for.
    pub grace_ticks: u8,
    /// Heartbeats arrive at once or never; only acknowledgements take time. A heartbeat that
    /// takes time only makes the promise longer that its acknowledgement rests on.
    pub prompt_beats: bool,
    /// Records that the manager may make, the first included; at most 7.
    pub records_max: usize,
    /// Promotions are decided up to this generation.
    pub generations_max: u8,
    /// Which faults may happen ([`fault`]).
    pub faults: u8,
    /// How many of them in one run.
    pub faults_max: u32,
    /// Whether there is a receiver.
    pub receiver: bool,
    /// The manager promotes and removes members at whim, without a hint: its evidence is wrong,
    /// or an operator told it to.
    pub whim: bool,
    /// Host 0 is lost without a word at the start; its lease runs on.
    pub first_owner_lost: bool,
}

impl Scenario {
    /// An owner and one replica, all faults, three changes of the record: enough for Solo and a
    /// rejoin, or for a promotion and the old owner's return as a member in sync.
    pub fn pair() -> Self {
        Self {
            name: "pair",
            hosts: 2,
            members: &[1],
            grace_ticks: 3,
            prompt_beats: false,
            records_max: 4,
            generations_max: 3,
            faults: fault::ALL,
            faults_max: 5,
            receiver: true,
            whim: false,
            first_owner_lost: false,
        }
    }

    /// An owner and two replicas, all faults, two changes of the record: two promotions, or a
    /// promotion beside a change of the members.
    pub fn trio() -> Self {
        Self {
            name: "trio",
            hosts: 3,
            members: &[1, 2],
            grace_ticks: 2,
            prompt_beats: true,
            records_max: 3,
            ..Self::pair()
        }
    }

    /// Whether the state holds what the model has room for.
    pub fn fits(&self) -> bool {
        (2..=HOSTS).contains(&self.hosts)
            && self.records_max < RECORDS_MAX
            && self.generations_max <= 4
            && (2..=4).contains(&self.grace_ticks)
            && self
                .members
                .iter()
                .all(|member| (1..self.hosts).contains(member))
    }

    /// The hosts that do anything.
    pub fn live(&self) -> std::ops::Range<usize> {
        usize::from(self.first_owner_lost)..self.hosts
    }
}

/// The model that the checker explores: the rules, the bounds, and at most one mistake.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// The bounds.
    pub scenario: Scenario,
    /// The planted mistake; `None` is the protocol as written.
    pub slip: Option<Slip>,
}

impl Protocol {
    /// Whether `slip` is the planted mistake.
    pub fn slips(&self, slip: Slip) -> bool {
        self.slip == Some(slip)
    }

    /// G.
    pub(crate) fn grace_ticks(&self) -> u8 {
        self.scenario.grace_ticks
    }

    /// How long a lease lasts at most in the time of the others, from the sending of the
    /// heartbeat: L on the slowest clock.
    pub(crate) fn lease_ticks(&self) -> u8 {
        let short = if self.slips(Slip::LeaseIgnoresDrift) {
            0
        } else {
            DRIFT_TICKS
        };
        self.scenario.grace_ticks - short + DRIFT_TICKS
    }
}
