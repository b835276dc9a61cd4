//! What an operator can choose about re-heading.

use std::{fmt, str::FromStr};

/// What both ends of a fabric must have chosen alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadingRules {
    /// Whether the guest's DSCP is shown to the substrate.
    pub dscp: DscpRule,
    /// Which packets carry their IPv4 ID across.
    pub keep_id: KeepId,
    /// Whether protocols 253 and 254 pass.
    pub experimental_allowed: bool,
}

/// What the substrate sees of the guest's DSCP. ECN always passes, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DscpRule {
    /// The guest's, and it is restored.
    #[default]
    Copy,
    /// This one, in 6 bits, and 0 is restored.
    Fixed(u8),
}

const ECN: u8 = 0b11;

impl DscpRule {
    /// The traffic class of a guest's TOS.
    #[must_use]
    #[inline]
    pub const fn to_substrate(self, tos: u8) -> u8 {
        match self {
            Self::Copy => tos,
            Self::Fixed(dscp) => dscp << 2 | tos & ECN,
        }
    }

    /// The guest's TOS of a traffic class.
    #[must_use]
    #[inline]
    pub const fn to_guest(self, traffic_class: u8) -> u8 {
        match self {
            Self::Copy => traffic_class,
            Self::Fixed(_) => traffic_class & ECN,
        }
    }
}

/// Which packets carry their IPv4 ID across, in a Fragment header of 8 octets.
/// Fragments and AH always do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeepId {
    /// No others.
    #[default]
    Off,
    /// Those that a router might have to fragment: DF clear.
    Df0,
    /// All; without options a packet then arrives octet for octet as it was sent.
    All,
}

impl fmt::Display for KeepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Off => "off",
            Self::Df0 => "df0",
            Self::All => "all",
        })
    }
}

/// The text names no choice of [`KeepId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadKeepId(String);

impl fmt::Display for BadKeepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "keep_id = \"{}\" is not known; use off, df0 or all",
            self.0
        )
    }
}

impl std::error::Error for BadKeepId {}

impl FromStr for KeepId {
    type Err = BadKeepId;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "off" => Ok(Self::Off),
            "df0" => Ok(Self::Df0),
            "all" => Ok(Self::All),
            _ => Err(BadKeepId(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_of_ids_reads_as_it_is_shown_and_others_are_named() {
        for choice in [KeepId::Off, KeepId::Df0, KeepId::All] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        let error = "df1".parse::<KeepId>().unwrap_err();
        let said = "keep_id = \"df1\" is not known; use off, df0 or all";
        assert_eq!(error.to_string(), said);
    }

    #[test]
    fn the_dscp_is_the_guests_or_the_fabrics_and_ecn_always_the_guests() {
        for tos in 0..=255 {
            assert_eq!(
                DscpRule::Copy.to_guest(DscpRule::Copy.to_substrate(tos)),
                tos
            );
            let fixed = DscpRule::Fixed(46);
            assert_eq!(fixed.to_substrate(tos), 46 << 2 | tos & 3);
            assert_eq!(fixed.to_guest(fixed.to_substrate(tos)), tos & 3);
        }
    }
}
