//! What if an old packet comes back, or one that no stack would send: captured frames are sent octet
//! by octet as they are, or with the Ethernet addresses of the link that they now take.

use std::error::Error;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde::Serialize;
use wire::ethernet::MacAddress;

use crate::capture;
use crate::link::Link;

/// Slow enough that no ring overflows: a replayed frame must be refused, not lost.
const PAUSE: Duration = Duration::from_micros(100);
/// Destination and source address at the start of a frame.
const ADDRESSES_BYTES: usize = 12;

/// What was sent.
#[derive(Debug, Serialize)]
pub struct Replayed {
    /// Frames sent.
    replayed: u64,
    /// Frames left out because they are no Ethernet frames.
    skipped: u64,
}

/// Sends up to `most` frames of a capture on `link`: to the station `to`, or as they are.
pub fn replay(
    file: &Path,
    link: &Link,
    to: Option<MacAddress>,
    most: u64,
) -> Result<Replayed, Box<dyn Error>> {
    let mut frames = Vec::new();
    let mut skipped = 0;
    capture::for_each_frame(file, |frame| {
        let frame = match to {
            Some(to) => readdressed(frame, to, link.mac),
            None => Some(frame.to_vec()),
        };
        match frame {
            Some(frame) => frames.push(frame),
            None => skipped += 1,
        }
    })?;
    let mut replayed = 0;
    for frame in frames.iter().take(usize::try_from(most)?) {
        link.send(frame)?;
        replayed += 1;
        thread::sleep(PAUSE);
    }
    Ok(Replayed { replayed, skipped })
}

fn readdressed(frame: &[u8], to: MacAddress, from: [u8; 6]) -> Option<Vec<u8>> {
    let rest = frame.get(ADDRESSES_BYTES..)?;
    (rest.len() > 2).then(|| [to.0.as_slice(), &from, rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ethernet_addresses_change() {
        let frame: Vec<u8> = (0..60).collect();
        let sent = readdressed(&frame, MacAddress([2; 6]), [4; 6]).unwrap();
        assert_eq!(sent[..6], [2; 6]);
        assert_eq!(sent[6..12], [4; 6]);
        assert_eq!(sent[12..], frame[12..]);
    }

    #[test]
    fn a_scrap_is_no_frame() {
        assert_eq!(readdressed(&[0; 14], MacAddress([2; 6]), [4; 6]), None);
    }
}
