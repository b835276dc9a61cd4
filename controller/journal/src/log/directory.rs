//! Which of the files in a directory is the log, and whether it is this disk's.
//!
//! ```text
//! marker  log.G  log.G+1
//!   -       -       -      empty (refused if an earlier log was set aside)
//!   -       -     log.1    begun and not finished, if nothing was added: empty
//!   G       x       -      the log
//!   G       x       x      a snapshot was interrupted; nothing was added to it: log.G
//!   G+1     x       x      it was finished, but for the removal: log.G+1
//! ```
//!
//! Everything else is refused: no succession of steps and crashes leads there.

use std::collections::BTreeSet;

use crate::disk::Disk;
use crate::error::{JournalError, Refusal};
use crate::log::{is_head, segment_name};
use crate::marker::{self, Marker};
use crate::planted::{self, Slip};
use crate::segment::{self, SIZE_MAX, Segment};
use crate::snapshot::{NEW_LOG, NEW_MARKER, SET_ASIDE};

/// What was found.
pub(super) enum Examined {
    Empty { leftovers: Vec<String> },
    Refused(Refusal),
    Log(Box<Found>),
}

/// The log.
pub(super) struct Found {
    pub(super) name: String,
    /// Its octets, as they are on the disk.
    pub(super) file: Vec<u8>,
    pub(super) segment: Segment,
    /// Files that are of no use any more.
    pub(super) superfluous: Vec<String>,
}

/// The names in the directory that are ours.
#[derive(Default)]
struct Names {
    segments: BTreeSet<u64>,
    has_marker: bool,
    unfinished: Vec<String>,
    was_set_aside: bool,
}

/// Why the examination ends early.
enum Stop {
    Refusal(Refusal),
    Error(JournalError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refusal(refusal)
    }
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Self {
        Self::Error(error)
    }
}

/// Looks at everything, and changes nothing.
pub(super) fn examine<D: Disk>(disk: &mut D) -> Result<Examined, JournalError> {
    match Names::read(disk).map_err(Stop::from).and_then(|names| {
        if planted::is_on(Slip::MarkerIgnored) {
            return whatever_is_newest(disk, names);
        }
        match read_marker(disk, &names)? {
            Some(marker) => marked(disk, names, &marker),
            None => unmarked(disk, names),
        }
    }) {
        Ok(examined) => Ok(examined),
        Err(Stop::Refusal(refusal)) => Ok(Examined::Refused(refusal)),
        Err(Stop::Error(error)) => Err(error),
    }
}

impl Names {
    fn read<D: Disk>(disk: &mut D) -> Result<Self, JournalError> {
        let mut names = Self::default();
        let list = disk
            .list()
            .map_err(|source| JournalError::unusable("list", "the directory", source))?;
        for name in list {
            if name == marker::NAME {
                names.has_marker = true;
            } else if name == NEW_LOG || name == NEW_MARKER {
                names.unfinished.push(name);
            } else if name.starts_with(SET_ASIDE) {
                names.was_set_aside = true;
            } else if let Some(generation) = generation(&name) {
                names.segments.insert(generation);
            }
        }
        Ok(names)
    }
}

/// The generation of a segment's name.
pub(crate) fn generation(name: &str) -> Option<u64> {
    let generation: u64 = name.strip_prefix("log.")?.parse().ok()?;
    (name == segment_name(generation)).then_some(generation)
}

fn read_marker<D: Disk>(disk: &mut D, names: &Names) -> Result<Option<Marker>, Stop> {
    if !names.has_marker {
        return Ok(None);
    }
    let marker = Marker::read(&read(disk, marker::NAME)?)?;
    let birth = disk
        .birth(marker::NAME)
        .map_err(|source| JournalError::unusable("examine", marker::NAME, source))?;
    if birth != marker.birth {
        let reason = "this marker was written to another file: it was copied, or a backup restored";
        return Err(Refusal::new(marker::NAME, 0, reason).into());
    }
    Ok(Some(marker))
}

fn unmarked<D: Disk>(disk: &mut D, names: Names) -> Result<Examined, Stop> {
    let Some(&newest) = names.segments.last() else {
        if names.was_set_aside {
            let reason = "an earlier log was set aside, and none was begun in its place";
            return Err(Refusal::new(marker::NAME, 0, reason).into());
        }
        let leftovers = names.unfinished;
        return Ok(Examined::Empty { leftovers });
    };
    let name = segment_name(newest);
    let segment = segment::read(&name, &read(disk, &name)?)?;
    // Entries are acknowledged after the marker is there.
    if newest != 1 || !segment.is_as_begun() || names.was_set_aside {
        let reason = "the marker is missing, so that this log may be another disk's or an old one";
        return Err(Refusal::new(&name, 0, reason).into());
    }
    let mut leftovers = names.unfinished;
    leftovers.push(name);
    Ok(Examined::Empty { leftovers })
}

fn marked<D: Disk>(disk: &mut D, names: Names, marker: &Marker) -> Result<Examined, Stop> {
    let name = segment_name(marker.generation);
    if !names.segments.contains(&marker.generation) {
        let reason = "this log is missing, and the marker says that it was the newest";
        return Err(Refusal::new(&name, 0, reason).into());
    }
    let file = read(disk, &name)?;
    let segment = segment::read(&name, &file)?;
    if segment.head.store != marker.store
        || segment.head.generation != marker.generation
        || !is_head(&segment, &marker.head)
    {
        let reason =
            "this log does not begin as the marker says: it is another disk's or an old one";
        return Err(Refusal::new(&name, 0, reason).into());
    }
    let mut superfluous = names.unfinished;
    for generation in names.segments {
        if generation == marker.generation {
            continue;
        }
        let other = segment_name(generation);
        if generation > marker.generation {
            let next = segment::read(&other, &read(disk, &other)?)?;
            if !next.is_as_begun() || next.head.previous != segment.chain {
                let reason = "this log is newer than the marker, and not the beginning of the next";
                return Err(Refusal::new(&other, 0, reason).into());
            }
        }
        superfluous.push(other);
    }
    Ok(Examined::Log(Box::new(Found {
        name,
        file,
        segment,
        superfluous,
    })))
}

fn whatever_is_newest<D: Disk>(disk: &mut D, names: Names) -> Result<Examined, Stop> {
    let Some(&newest) = names.segments.last() else {
        let leftovers = names.unfinished;
        return Ok(Examined::Empty { leftovers });
    };
    let name = segment_name(newest);
    let file = read(disk, &name)?;
    let segment = segment::read(&name, &file)?;
    let superfluous = names.unfinished;
    Ok(Examined::Log(Box::new(Found {
        name,
        file,
        segment,
        superfluous,
    })))
}

fn read<D: Disk>(disk: &mut D, file: &str) -> Result<Vec<u8>, Stop> {
    let unusable = |source| JournalError::unusable("read", file, source);
    let size = disk.size(file).map_err(unusable)?;
    if size > SIZE_MAX {
        let reason = format!("the file has {size} octets, which is none of ours");
        return Err(Refusal::new(file, 0, reason).into());
    }
    Ok(disk.read(file).map_err(unusable)?)
}
