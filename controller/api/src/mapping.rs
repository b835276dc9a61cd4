//! Changes to which host owns a virtual address: the body of `POST /v1/mappings`.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use crate::{ApiError, BODY_BYTES_MAX, ErrorKind};

/// A change to the mappings that is made as one: all of its entries, or none.
///
/// In JSON `{"op": "add", "mappings": [...]}` or `{"op": "remove", "mappings": [...]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub enum MappingBatch {
    /// Adds mappings; one that is there already is replaced.
    Add {
        /// What to add.
        mappings: Vec<Mapping>,
    },
    /// Removes mappings.
    Remove {
        /// What to remove.
        mappings: Vec<MappingKey>,
    },
}

/// The JSON of a batch that adds mappings, written one after the other for as long as a host takes it.
#[derive(Clone, Debug, Default)]
pub struct AddedMappings {
    json: Vec<u8>,
}

impl AddedMappings {
    const BEGIN: &[u8] = br#"{"op":"add","mappings":["#;
    const END: &[u8] = b"]}";

    /// Adds a mapping. False, and nothing is added, if the batch would then be above
    /// [`BODY_BYTES_MAX`]; the first is added in any case.
    pub fn add(&mut self, mapping: &Mapping) -> bool {
        let before = self.json.len();
        let between: &[u8] = match before {
            0 => Self::BEGIN,
            _ => b",",
        };
        self.json.extend_from_slice(between);
        // Strings and numbers into memory: neither fails.
        let written = serde_json::to_writer(&mut self.json, mapping).is_ok();
        let fits = self.json.len() + Self::END.len() <= BODY_BYTES_MAX;
        if written && (fits || before == 0) {
            return true;
        }
        self.json.truncate(before);
        false
    }

    /// The whole batch.
    #[must_use]
    pub fn into_json(mut self) -> Vec<u8> {
        if self.json.is_empty() {
            self.json.extend_from_slice(Self::BEGIN);
        }
        self.json.extend_from_slice(Self::END);
        self.json
    }
}

/// A virtual address and the host that owns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The network.
    pub network: NetworkRef,
    /// The virtual address.
    pub address: Ipv4Addr,
    /// The name of the owning host.
    pub host: String,
    /// The owner generation that the owner's packets carry (docs/wire.md section 2): 1, and so
    /// left out, unless the address has moved to another host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u8>,
}

/// A virtual address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappingKey {
    /// The network.
    pub network: NetworkRef,
    /// The virtual address.
    pub address: Ipv4Addr,
}

/// A network by its id or its name. Text that is a number, decimal or `0x...`, is an id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NetworkRef {
    /// The 24-bit id.
    Id(u32),
    /// The name in the configuration.
    Name(String),
}

/// What a batch has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// The version of the tables that first holds the whole batch.
    pub table_version: u64,
    /// Mappings that are different now.
    pub changed: u64,
    /// The change survives a restart of the daemon.
    pub persisted: bool,
    /// Why it does not, or what else there is to know.
    pub note: String,
}

impl MappingBatch {
    /// Reads the JSON of a batch. An entry that cannot be read is named by its index.
    pub fn from_json(body: &[u8]) -> Result<Self, ApiError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Raw<'a> {
            op: Op,
            #[serde(borrow)]
            mappings: &'a RawValue,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Op {
            Add,
            Remove,
        }
        let raw: Raw<'_> = serde_json::from_slice(body).map_err(|error| no_batch(&error))?;
        Ok(match raw.op {
            Op::Add => Self::Add {
                mappings: entries(raw.mappings)?,
            },
            Op::Remove => Self::Remove {
                mappings: entries(raw.mappings)?,
            },
        })
    }

    /// `add` or `remove`.
    #[must_use]
    pub fn op(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Remove { .. } => "remove",
        }
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Add { mappings } => mappings.len(),
            Self::Remove { mappings } => mappings.len(),
        }
    }

    /// It has no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn no_batch(error: &serde_json::Error) -> ApiError {
    let message = format!(
        "the body is not a batch of mappings: {error}; \
         write {{\"op\": \"add\" or \"remove\", \"mappings\": [...]}}"
    );
    ApiError::new(ErrorKind::Malformed, message)
}

fn entries<T: DeserializeOwned>(all: &RawValue) -> Result<Vec<T>, ApiError> {
    // Nearly always all of them are right; which one is not, a second and slower look finds.
    if let Ok(entries) = serde_json::from_str(all.get()) {
        return Ok(entries);
    }
    let each: Vec<&RawValue> = serde_json::from_str(all.get()).map_err(|error| no_batch(&error))?;
    let entry = |(index, one): (usize, &RawValue)| {
        serde_json::from_str(one.get()).map_err(|error| ApiError {
            kind: ErrorKind::Malformed,
            message: format!("entry {index} cannot be read: {error}"),
            index: Some(index),
        })
    };
    each.into_iter().enumerate().map(entry).collect()
}

impl fmt::Display for NetworkRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id:#08x}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl FromStr for NetworkRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let id = match text.strip_prefix("0x") {
            Some(hex) => u32::from_str_radix(hex, 16),
            None if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => text.parse(),
            None => return name(text),
        };
        match id {
            Ok(id @ NETWORK_ID_MIN..=NETWORK_ID_MAX) => Ok(Self::Id(id)),
            _ => Err(not_an_id(text)),
        }
    }
}

/// The ids of guests' networks.
const NETWORK_ID_MIN: u32 = 1;
const NETWORK_ID_MAX: u32 = 0xff_fffe;

fn not_an_id(text: &str) -> String {
    format!("network id {text:?} is not within 1 to 0xfffffe")
}

fn name(text: &str) -> Result<NetworkRef, String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
    if (1..=63).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(NetworkRef::Name(text.to_owned()))
    } else {
        Err(format!(
            "network {text:?} is neither an id nor a name (1 to 63 of a-z, 0-9, _ and -)"
        ))
    }
}

impl Serialize for NetworkRef {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Id(id) => to.serialize_u32(*id),
            Self::Name(name) => to.serialize_str(name),
        }
    }
}

impl<'a> Deserialize<'a> for NetworkRef {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NetworkVisitor)
    }
}

struct NetworkVisitor;

impl de::Visitor<'_> for NetworkVisitor {
    type Value = NetworkRef;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a network: its id, a number, or its name, a string")
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<NetworkRef, E> {
        match u32::try_from(id) {
            Ok(id @ NETWORK_ID_MIN..=NETWORK_ID_MAX) => Ok(NetworkRef::Id(id)),
            _ => Err(E::custom(not_an_id(&id.to_string()))),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<NetworkRef, E> {
        text.parse().map_err(E::custom)
    }
}
