//! The files of cases.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::build::{self, Frame, Packet};
use crate::outcome::Ids;
use crate::world::World;

/// A class of malformed input: one file.
#[derive(Clone, Debug)]
pub struct File {
    /// The file.
    pub path: PathBuf,
    /// The hosts and networks that its cases speak of.
    pub world: World,
    /// In the order of the file.
    pub cases: Vec<Case>,
}

/// One packet, and what must become of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// What is wrong with it; unique in the file.
    pub name: String,
    /// The packet.
    pub rx: Packet,
    /// What becomes of it, in a word.
    pub verdict: Verdict,
    /// Why no kernel interface carries it, if that is so.
    pub not_live: Option<String>,
    /// What leaves, as it is written.
    tx: Vec<String>,
}

/// What must become of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It, or an answer to it, leaves.
    Transmit,
    /// A guest of this host gets it.
    Deliver,
    /// It ends, and the counter of this name says so.
    Drop(String),
    /// The controller gets it.
    Punt,
    /// A member of this host keeps it.
    Buffer,
}

/// A file of cases cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct CaseError {
    path: PathBuf,
    what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    world: String,
    case: Vec<RawCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    name: String,
    rx: String,
    expect: String,
    #[serde(default)]
    tx: Vec<String>,
    not_live: Option<String>,
}

/// Every file of cases in a directory, by name; their worlds lie in `worlds` beside it.
///
/// # Errors
/// The first thing that is not understood: where, and what.
pub fn load(directory: &Path) -> Result<Vec<File>, CaseError> {
    let at = |what: std::io::Error| CaseError {
        path: directory.to_owned(),
        what: what.to_string(),
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(at)? {
        let path = entry.map_err(at)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
    paths.sort();
    let worlds = directory.with_file_name("worlds");
    let load = |path: PathBuf| load_file(&path, &worlds).map_err(|what| CaseError { path, what });
    paths.into_iter().map(load).collect()
}

fn load_file(path: &Path, worlds: &Path) -> Result<File, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let raw: RawFile = toml::from_str(&text).map_err(|error| error.to_string())?;
    let world = World::load(&worlds.join(format!("{}.toml", raw.world)))?;
    let mut names = BTreeSet::new();
    let mut cases = Vec::new();
    for raw in raw.case {
        let name = raw.name.clone();
        if !names.insert(name.clone()) {
            return Err(format!("two cases are named \"{name}\""));
        }
        cases.push(case(&world, raw).map_err(|what| format!("case \"{name}\": {what}"))?);
    }
    Ok(File {
        path: path.to_owned(),
        world,
        cases,
    })
}

fn case(world: &World, raw: RawCase) -> Result<Case, String> {
    let rx = build::incoming(world, &raw.rx)?;
    let verdict = verdict(&raw.expect)?;
    let says_nothing = matches!(verdict, Verdict::Transmit | Verdict::Deliver);
    if says_nothing && raw.tx.is_empty() {
        return Err(format!(
            "it expects \"{}\" and does not say what leaves",
            raw.expect
        ));
    }
    let case = Case {
        not_live: raw.not_live.or_else(|| not_live(world, &rx)),
        name: raw.name,
        rx,
        verdict,
        tx: raw.tx,
    };
    // What is not understood shall show when the file is read.
    case.out(world, &mut Ids::default())?;
    Ok(case)
}

fn verdict(text: &str) -> Result<Verdict, String> {
    match text.split_once(' ') {
        Some(("drop", reason)) => Ok(Verdict::Drop(reason.to_owned())),
        None if text == "transmit" => Ok(Verdict::Transmit),
        None if text == "deliver" => Ok(Verdict::Deliver),
        None if text == "punt" => Ok(Verdict::Punt),
        None if text == "buffer" => Ok(Verdict::Buffer),
        _ => Err(format!(
            "\"{text}\" is no verdict; write transmit, deliver, punt, buffer, or drop and its reason"
        )),
    }
}

/// What a kernel interface refuses to send or receive.
fn not_live(world: &World, rx: &Packet) -> Option<String> {
    const ETHERNET_BYTES: usize = 14;
    let bytes = rx.frame.octets.len();
    let mtu = world.mtu(&rx.port);
    if bytes < ETHERNET_BYTES {
        Some("shorter than an Ethernet header".to_owned())
    } else if bytes > ETHERNET_BYTES + mtu {
        Some(format!("longer than the interface's MTU of {mtu}"))
    } else {
        None
    }
}

impl Case {
    /// What must leave for it, and where, in this order at each port.
    ///
    /// # Errors
    /// A sentence about what is not understood.
    pub fn out(&self, world: &World, ids: &mut Ids) -> Result<Vec<(String, Frame)>, String> {
        let one = |text: &String| build::outgoing(world, text, &self.rx, ids);
        self.tx.iter().map(one).collect()
    }
}
