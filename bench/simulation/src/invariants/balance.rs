//! I8: every packet is accounted for.

use super::{Invariant, Violation, claim};
use crate::clock::Moment;
use crate::ledger::Ledger;
use crate::numbers::Numbers;

/// I8: what was made is delivered, dropped for a reason, or on its way.
///
/// # Errors
///
/// If it is not.
pub fn balanced(moment: Moment, ledger: &Ledger) -> Result<(), Violation> {
    let (made, accounted) = ledger.balance();
    claim(made == accounted, Invariant::I8, moment, || {
        format!("{made} frames were made and {accounted} are accounted for: {ledger:?}")
    })
}

/// I8, where nothing is lost on the way and replicas buffer: the owner's guest has every request,
/// by itself or by the buffer of the one before it.
///
/// # Errors
///
/// If one is missing.
pub fn nothing_missing(
    moment: Moment,
    group: usize,
    sent: &Numbers,
    has: &Numbers,
) -> Result<(), Violation> {
    let missing: Vec<u32> = sent.without(has).take(10).collect();
    claim(missing.is_empty(), Invariant::I8, moment, || {
        format!("the owner's guest of group {group} never got requests {missing:?}")
    })
}
