//! Is what became of a packet what must become of it?

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::build::Frame;
use crate::case::{Case, Verdict};
use crate::world::World;

/// The identifications that hosts give to packets that come without one: for each port a counter
/// from 1 (docs/wire.md section 11, delivery).
#[derive(Clone, Debug, Default)]
pub struct Ids(BTreeMap<String, u16>);

impl Ids {
    /// The next one at a port.
    pub fn next(&mut self, port: &str) -> u16 {
        let id = self.0.entry(port.to_owned()).or_insert(1);
        let next = id.wrapping_add(1);
        std::mem::replace(id, next)
    }
}

/// What became of a packet.
#[derive(Clone, Debug)]
pub struct Found {
    /// In a word.
    pub verdict: Verdict,
    /// The frames that left, and where, in order at each port.
    pub out: Vec<(String, Vec<u8>)>,
}

/// Compares.
///
/// # Errors
/// A text for whoever looks into it: what was expected, what was found, and in which header the
/// first difference lies.
pub fn judge(case: &Case, world: &World, ids: &mut Ids, found: &Found) -> Result<(), String> {
    let mut expected = case.out(world, ids)?;
    let mut out = found.out.clone();
    // Between ports there is no order.
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    out.sort_by(|one, other| one.0.cmp(&other.0));
    let mut faults = String::new();
    if found.verdict != case.verdict {
        let _ = writeln!(
            faults,
            "    verdict {:?}, expected {:?}",
            found.verdict, case.verdict
        );
    }
    if out.len() != expected.len() {
        let _ = writeln!(
            faults,
            "    {} packets left, expected {}",
            out.len(),
            expected.len()
        );
    }
    for at in 0..out.len().max(expected.len()) {
        if let Some(fault) = difference(expected.get(at), out.get(at)) {
            faults += &fault;
        }
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{}\n{faults}    in        {}\n",
            case.name,
            hex(&case.rx.frame.octets)
        )),
    }
}

fn difference(
    expected: Option<&(String, Frame)>,
    found: Option<&(String, Vec<u8>)>,
) -> Option<String> {
    let (Some((port, frame)), Some((found_port, octets))) = (expected, found) else {
        let expected = expected.map(|(port, frame)| (port, frame.octets.as_slice()));
        let found = found.map(|(port, octets)| (port, octets.as_slice()));
        let (what, (port, octets)) = match (expected, found) {
            (Some(frame), _) => ("expected", frame),
            (_, Some(frame)) => ("found", frame),
            (None, None) => return None,
        };
        return Some(format!("    {what} at {port}: {}\n", hex(octets)));
    };
    let same = |at: usize| frame.any.contains(&at) || frame.octets.get(at) == octets.get(at);
    let longest = frame.octets.len().max(octets.len());
    let first = (0..longest).find(|at| !same(*at));
    if first.is_none() && port == found_port {
        return None;
    }
    let place = first.map_or(String::new(), |at| {
        let header = frame.headers.iter().rev().find(|(_, start)| *start <= at);
        let (name, start) = header.map_or(("frame", 0), |(name, start)| (name, *start));
        format!("first difference in octet {} of {name}\n", at - start)
    });
    Some(format!(
        "    {place}    expected  {port}: {}\n    found     {found_port}: {}\n",
        hex(&frame.octets),
        hex(octets)
    ))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}
