//! What two hosts tell each other before they speak: the questions that prove them alive, and the
//! choices in which they must agree.

use bincode::{Decode, Encode};
use sha2_for_keys::{Digest as _, Sha256};
use wire::address::Layout;
use wire::encode::{DscpRule, HeadingRules, KeepId};

/// The protocol that this program speaks: what bodies mean, and what is expected of whom.
pub const PROTOCOL: u16 = 1;

/// A question that only the living can answer: random, and asked once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Nonce(pub [u8; 16]);

/// The body of the three datagrams of a handshake. All have the same length, so that nobody gets
/// back more than was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// What the other is to answer.
    pub question: Nonce,
    /// The question of the other, answered; zeros in the first of the three.
    pub answer: Nonce,
    /// What this host was configured to do.
    pub offer: Offer,
}

/// The choices in which hosts must agree, as codes: another version's are shown, not misread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Offer {
    protocol: u16,
    layout: u8,
    dscp: u8,
    keep_id: u8,
    experimental: u8,
    timers: Fingerprint,
    options: Fingerprint,
}

/// Stands for settings that are too many to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Fingerprint([u8; 8]);

const DSCP_COPY: u8 = u8::MAX;

impl Fingerprint {
    /// The fingerprint of these settings, in this order: each in a form that is the same on every
    /// host, with its name, such as `"z/10.0.0.3 interval_ms 50"`.
    pub fn of<T: AsRef<str>>(settings: impl IntoIterator<Item = T>) -> Self {
        let hash = settings.into_iter().fold(Sha256::new(), |hash, setting| {
            let setting = setting.as_ref().as_bytes();
            hash.chain_update((setting.len() as u64).to_le_bytes())
                .chain_update(setting)
        });
        let hash: [u8; 32] = hash.finalize().into();
        Self(*hash.first_chunk().expect("a hash of 32 octets has 8"))
    }
}

impl Offer {
    /// What this host offers. `timers` stands for the intervals and multipliers of all groups,
    /// `options` for what else of the groups must be alike, in the order of the groups' ids.
    #[must_use]
    pub fn new(
        layout: Layout,
        rules: &HeadingRules,
        timers: Fingerprint,
        options: Fingerprint,
    ) -> Self {
        let HeadingRules {
            dscp,
            keep_id,
            experimental_allowed,
        } = *rules;
        Self {
            protocol: PROTOCOL,
            layout: match layout {
                Layout::Neutral56 => 0,
                Layout::Fixed72 => 1,
            },
            dscp: match dscp {
                DscpRule::Copy => DSCP_COPY,
                DscpRule::Fixed(dscp) => dscp,
            },
            keep_id: match keep_id {
                KeepId::Off => 0,
                KeepId::Df0 => 1,
                KeepId::All => 2,
            },
            experimental: u8::from(experimental_allowed),
            timers,
            options,
        }
    }

    /// Why this host does not speak with one that offers `theirs`, in a sentence; `None` if it does.
    #[must_use]
    pub fn disagreement(&self, theirs: &Self) -> Option<String> {
        let differences: Vec<String> = self
            .choices()
            .into_iter()
            .zip(theirs.choices())
            .filter(|((_, here), (_, there))| here != there)
            .map(|((name, here), (_, there))| format!("{name} is {here} here and {there} there"))
            .collect();
        if differences.is_empty() {
            return None;
        }
        Some(format!(
            "refused until both hosts are configured alike: {}",
            differences.join(", ")
        ))
    }

    fn choices(&self) -> [(&'static str, String); 7] {
        let Self {
            protocol,
            layout,
            dscp,
            keep_id,
            experimental,
            timers: Fingerprint(timers),
            options: Fingerprint(options),
        } = *self;
        [
            ("the control protocol", format!("version {protocol}")),
            ("[fabric] layout", named(layout, &["neutral56", "fixed72"])),
            (
                "[fabric] dscp",
                match dscp {
                    DSCP_COPY => "copy".to_owned(),
                    fixed => format!("fixed at {fixed}"),
                },
            ),
            ("[fabric] keep_id", named(keep_id, &["off", "df0", "all"])),
            (
                "the passage of protocols 253 and 254",
                named(experimental, &["closed", "open"]),
            ),
            ("the timer profile of the groups", fingerprint(timers)),
            ("the set of groups and their options", fingerprint(options)),
        ]
    }
}

fn named(code: u8, names: &[&str]) -> String {
    names
        .get(usize::from(code))
        .map_or_else(|| format!("code {code}"), |name| (*name).to_owned())
}

fn fingerprint(octets: [u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(rules: HeadingRules) -> Offer {
        let timers = Fingerprint::of(["z/10.0.0.3 interval_ms 50"]);
        Offer::new(Layout::Neutral56, &rules, timers, Fingerprint::default())
    }

    #[test]
    fn equal_offers_agree() {
        let offer = offer(HeadingRules::default());
        assert_eq!(offer.disagreement(&offer), None);
    }

    #[test]
    fn a_disagreement_names_every_difference_from_the_point_of_view_of_its_reader() {
        let here = offer(HeadingRules::default());
        let there = offer(HeadingRules {
            dscp: DscpRule::Fixed(46),
            keep_id: KeepId::All,
            ..HeadingRules::default()
        });
        assert_eq!(
            here.disagreement(&there).as_deref(),
            Some(
                "refused until both hosts are configured alike: [fabric] dscp is copy here and \
                 fixed at 46 there, [fabric] keep_id is off here and all there"
            )
        );
        assert!(
            there.disagreement(&here).is_some_and(
                |sentence| sentence.contains("dscp is fixed at 46 here and copy there")
            )
        );
    }

    #[test]
    fn every_choice_counts() {
        let here = offer(HeadingRules::default());
        let others = [
            Offer {
                protocol: 2,
                ..here
            },
            Offer { layout: 1, ..here },
            Offer { dscp: 0, ..here },
            Offer { keep_id: 9, ..here },
            Offer {
                experimental: 1,
                ..here
            },
            Offer {
                timers: Fingerprint([0; 8]),
                ..here
            },
            Offer {
                options: Fingerprint([1; 8]),
                ..here
            },
        ];
        for there in others {
            assert!(here.disagreement(&there).is_some(), "{there:?}");
        }
    }

    #[test]
    fn a_fingerprint_does_not_depend_on_where_settings_are_cut_only_by_accident() {
        assert_ne!(Fingerprint::of(["ab", "c"]), Fingerprint::of(["a", "bc"]));
        assert_ne!(Fingerprint::of(["a"]), Fingerprint::of(["a", ""]));
    }
}
