//! The slips that prove that the invariants bite. Each is a line in the very code that the daemon
//! runs, compiled in with the feature `planted` only; a thread makes one of them at a time.

/// A slip in one of the crates under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// In the state machines.
    Failover(failover::planted::Slip),
    /// In persistence.
    Journal(journal::planted::Slip),
    /// In the codec.
    Codec(messages::planted::Slip),
}

impl Slip {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let failover = failover::planted::Slip::ALL.iter().copied();
        let journal = journal::planted::Slip::ALL.iter().copied();
        let codec = messages::planted::Slip::ALL.iter().copied();
        failover
            .map(Self::Failover)
            .chain(journal.map(Self::Journal))
            .chain(codec.map(Self::Codec))
    }

    /// Its name, as the command line takes it.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Failover(slip) => hyphenated(&format!("{slip:?}")),
            Self::Journal(slip) => format!("journal-{}", hyphenated(&format!("{slip:?}"))),
            Self::Codec(slip) => format!("codec-{}", hyphenated(&format!("{slip:?}"))),
        }
    }

    /// The slip of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|slip| slip.name() == name)
    }
}

/// Switches a slip on for the calling thread, and every other one off. Without the feature
/// `planted` there is none to switch on.
pub fn plant(slip: Option<Slip>) {
    #[cfg(feature = "planted")]
    {
        failover::planted::plant(match slip {
            Some(Slip::Failover(slip)) => Some(slip),
            _ => None,
        });
        journal::planted::plant(match slip {
            Some(Slip::Journal(slip)) => Some(slip),
            _ => None,
        });
        messages::planted::plant(match slip {
            Some(Slip::Codec(slip)) => Some(slip),
            _ => None,
        });
    }
    #[cfg(not(feature = "planted"))]
    let _ = slip;
}

/// Whether slips are compiled in.
#[must_use]
pub const fn is_possible() -> bool {
    cfg!(feature = "planted")
}

fn hyphenated(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push('-');
        }
        words.extend(letter.to_lowercase());
    }
    words
}
