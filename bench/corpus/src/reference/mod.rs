//! What must become of any packet, said slowly: the order of checks of docs/wire.md, one after the
//! other, over slices, with a search where the packet path has a table.
//!
//! It answers for a host that has just started, as the cases of the corpus do, without limits of
//! rates, and shares no line with the program. Fuzzing compares the two; a test compares it with every case.

mod errors;
mod guest;
mod ipv4;
mod many;
mod router;
mod substrate;

use std::collections::BTreeMap;

use crate::case::Verdict;
use crate::outcome::{Found, Ids};
use crate::world::{At, World};
use many::Listeners;

/// Protocols that IPv6 would read as extension headers or as ICMPv6 (section 2, FORBIDDEN).
const FORBIDDEN: [u8; 8] = [0, 43, 44, 58, 60, 135, 139, 140];
/// Those of them that may be allowed.
const EXPERIMENTAL: [u8; 2] = [253, 254];
const AH: u8 = 51;
const FRAGMENT: u8 = 44;

/// A host that judges slowly.
#[derive(Clone, Debug)]
pub struct Reference<'a> {
    world: &'a World,
    ids: Ids,
    /// What the path to a host takes, where it is less than the uplink.
    path_mtus: BTreeMap<String, usize>,
    learns: bool,
    listeners: Listeners,
    /// See [`Reference::take_lost`].
    lost: Vec<&'static str>,
}

/// What becomes of a packet, or the name of the reason why nothing does.
type Judged = Result<Found, &'static str>;

impl<'a> Reference<'a> {
    /// The host of this world, just started.
    #[must_use]
    pub fn new(world: &'a World) -> Self {
        Self {
            world,
            ids: Ids::default(),
            path_mtus: BTreeMap::new(),
            learns: true,
            listeners: Listeners::default(),
            lost: Vec::new(),
        }
    }

    /// As a host whose controller does not run: what routers say changes no path.
    #[must_use]
    pub fn unteachable(world: &'a World) -> Self {
        Self {
            learns: false,
            ..Self::new(world)
        }
    }

    /// What must become of a frame that comes in at a port.
    ///
    /// # Errors
    /// A sentence, if the world has no such port.
    pub fn judge(&mut self, port: &str, frame: &[u8]) -> Result<Found, String> {
        let judged = match self.world.at(port)? {
            At::Uplink => self.substrate_brings(frame),
            At::Guest(network, node) => self.guest_sends(port, network, node, frame),
        };
        Ok(judged.unwrap_or_else(|reason| Found {
            verdict: Verdict::Drop(reason.to_owned()),
            out: Vec::new(),
        }))
    }

    fn is_forbidden(&self, protocol: u8) -> bool {
        FORBIDDEN.contains(&protocol)
            || EXPERIMENTAL.contains(&protocol) && !self.world.experimental_allowed()
    }
}

fn left(verdict: Verdict, port: &str, frame: Vec<u8>) -> Found {
    Found {
        verdict,
        out: vec![(port.to_owned(), frame)],
    }
}

/// The 16 bits at an offset.
fn u16_at(octets: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([octets[at], octets[at + 1]])
}
