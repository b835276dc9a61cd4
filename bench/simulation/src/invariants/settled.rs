//! I7: after the last fault things come to rest, and the address is served.

use messages::{Epoch, HostId};

use super::{Invariant, Violation, claim};
use crate::clock::Moment;
use crate::naming::Host;

/// How a group stands at one live host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The host.
    pub host: Host,
    /// The owner and epoch that it holds as confirmed; `None` if it holds none.
    pub holds: Option<(Option<HostId>, Epoch)>,
    /// Whether its member owns the address and its output passes now.
    pub is_heard: bool,
}

/// I7, once the bound is over: `Ok` if all agree and exactly one is heard.
///
/// # Errors
///
/// What they disagree about.
pub fn settled(moment: Moment, group: usize, standings: &[Standing]) -> Result<(), Violation> {
    let first = standings.first().and_then(|standing| standing.holds);
    claim(
        first.is_some() && standings.iter().all(|standing| standing.holds == first),
        Invariant::I7,
        moment,
        || format!("live hosts do not agree about group {group}: {standings:?}"),
    )?;
    let heard = standings
        .iter()
        .filter(|standing| standing.is_heard)
        .count();
    claim(heard == 1, Invariant::I7, moment, || {
        format!("{heard} owners of group {group} are heard: {standings:?}")
    })
}
