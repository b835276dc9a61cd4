//! Values as octets and back: the one file that calls bincode.
//!
//! An encoding is the octet of its version, then what that version says. A version never changes
//! once it has been released: [`v1`] is held in place by the golden octets in `tests/golden/`. The
//! next one gets a module of its own, and types of its own where they differ.
//!
//! What is decoded is hostile until proven otherwise. An input is refused if it is longer than its
//! kind may be, if it claims more than a small multiple of that in memory (a length field of 2^60
//! allocates nothing), or if an octet is left over.

use bincode::Encode;
use bincode::error::{DecodeError, EncodeError};

use crate::body::Body;
use crate::record::{Record, SignedRecord};

/// The version that is written.
pub const VERSION: u8 = v1::VERSION;

/// A value that hosts exchange or keep. Only this crate adds to them: each has its golden octets.
pub trait Encoded: Encode + v1::Read {}

/// Why octets are not the value that they should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// Not even a version.
    #[error("the encoding is empty")]
    Empty,
    /// Written by another version of the program.
    #[error("the encoding has version {0}, which this program does not read")]
    Version(u8),
    /// Longer than this kind of value can be.
    #[error("the encoding has {octets} octets where {most} are the most")]
    TooLong {
        /// How many there are.
        octets: usize,
        /// How many there may be.
        most: usize,
    },
    /// Not an encoding of this kind of value.
    #[error("the encoding does not hold what it should")]
    Malformed(#[source] DecodeError),
    /// A value, and then something else.
    #[error("the encoding has {0} octets more than the value that it begins with")]
    Trailing(usize),
    /// A value that cannot be written.
    #[error("the value cannot be encoded")]
    Unwritable(#[source] EncodeError),
}

/// The value in the newest version.
///
/// # Errors
///
/// [`CodecError::TooLong`] for what no reader would take.
pub fn encode<T: Encoded>(value: &T) -> Result<Vec<u8>, CodecError> {
    let mut octets = Vec::new();
    encode_into(value, &mut octets)?;
    Ok(octets)
}

/// The same, behind what `octets` holds already. After an error it holds what it held before.
///
/// # Errors
///
/// As [`encode`].
pub fn encode_into<T: Encoded>(value: &T, octets: &mut Vec<u8>) -> Result<(), CodecError> {
    let before = octets.len();
    octets.push(VERSION);
    let written = v1::write(value, octets).and_then(|()| match octets.len() - before {
        length if length > T::OCTETS_MAX => Err(CodecError::TooLong {
            octets: length,
            most: T::OCTETS_MAX,
        }),
        _ => Ok(()),
    });
    if written.is_err() {
        octets.truncate(before);
    }
    written
}

/// The value that these octets are, all of them.
///
/// # Errors
///
/// Whatever keeps them from being one.
pub fn decode<T: Encoded>(octets: &[u8]) -> Result<T, CodecError> {
    let (&version, rest) = octets.split_first().ok_or(CodecError::Empty)?;
    if octets.len() > T::OCTETS_MAX {
        return Err(CodecError::TooLong {
            octets: octets.len(),
            most: T::OCTETS_MAX,
        });
    }
    let (value, read) = match version {
        v1::VERSION => T::read(rest).map_err(CodecError::Malformed)?,
        other => return Err(CodecError::Version(other)),
    };
    match rest.len() - read {
        0 => Ok(value),
        left => Err(CodecError::Trailing(left)),
    }
}

/// Version 1: bincode 2 as bincode 1 wrote it. Little endian, integers of fixed width, lengths of
/// 64 bits, variants of 32. **Frozen.**
pub mod v1 {
    use bincode::config;
    use bincode::error::DecodeError;

    use super::{Body, CodecError, Encode, Encoded, Record, SignedRecord};

    /// The octet that says so.
    pub const VERSION: u8 = 1;

    /// How a kind of value is read: its bounds are part of the version.
    pub trait Read: Sized {
        /// The longest encoding, its version included.
        const OCTETS_MAX: usize;

        /// The value at the front, and how many octets it took.
        ///
        /// # Errors
        ///
        /// Bincode's, for what is no such value.
        fn read(octets: &[u8]) -> Result<(Self, usize), DecodeError>;
    }

    /// In memory a value may be larger than on the wire (a variant takes 8 octets instead of 4, an
    /// absent address as many as a present one), but not by more than this.
    const MEMORY_PER_OCTET: usize = 8;

    macro_rules! read {
        ($($type:ty: $octets_max:expr,)*) => {$(
            impl Encoded for $type {}

            impl Read for $type {
                const OCTETS_MAX: usize = $octets_max;

                fn read(octets: &[u8]) -> Result<(Self, usize), DecodeError> {
                    const LIMIT: usize = MEMORY_PER_OCTET * $octets_max;
                    bincode::decode_from_slice(octets, config::legacy().with_limit::<LIMIT>())
                }
            }
        )*};
    }

    read! {
        Body: crate::datagram::BODY_BYTES_MAX,
        Record: 1_024,
        SignedRecord: 1_088,
        Vec<SignedRecord>: crate::bulk::PAYLOAD_BYTES_MAX,
        crate::bulk::End: 64,
        crate::session::Hello: 128,
    }

    pub(super) fn write<T: Encode>(value: &T, octets: &mut Vec<u8>) -> Result<(), CodecError> {
        bincode::encode_into_std_write(value, octets, config::legacy())
            .map(|_octets| ())
            .map_err(CodecError::Unwritable)
    }
}
