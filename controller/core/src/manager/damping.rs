//! How soon after a promotion may the next one be?

use std::time::Duration;

use messages::Time;

use crate::config::Damping;

/// How soon after a promotion the next one may be.
///
/// A group flaps if a promotion had to wait for this, or came less than twice the gap after the one
/// before. Two faults in a row that are further apart are two faults.
#[derive(Debug, Default)]
pub(super) struct Gap {
    promoted: Option<Time>,
    /// When it flapped last.
    trouble: Option<Time>,
    gap: Duration,
    /// Whether the present wait was noted.
    pub(super) noted: bool,
}

impl Gap {
    /// Until when the next promotion has to wait; `None` if it need not.
    pub(super) fn wait(&mut self, now: Time, damping: &Damping) -> Option<Time> {
        let stable = self
            .trouble
            .is_none_or(|trouble| now >= trouble.after(damping.stable_after));
        if stable {
            self.gap = damping.promotion_gap_min;
        }
        let until = self.promoted?.after(self.gap);
        if now >= until {
            return None;
        }
        self.trouble = Some(now);
        Some(until)
    }

    pub(super) fn promoted(&mut self, now: Time, damping: &Damping) {
        let soon = self
            .promoted
            .is_some_and(|before| now < before.after(self.gap * 2));
        if soon {
            self.trouble = Some(now);
            self.gap *= 2;
        }
        self.gap = self
            .gap
            .clamp(damping.promotion_gap_min, damping.promotion_gap_max);
        self.promoted = Some(now);
        self.noted = false;
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        Some(self.promoted?.after(self.gap))
    }
}
