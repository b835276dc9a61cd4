//! Values that travel as the text people write, by their own `Display` and `FromStr`.
//!
//! Used as `#[serde(with = "crate::text")]`, or `crate::text::option` for what may be absent.

use std::fmt::Display;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serializer, de};

/// Writes `value` as its text.
pub fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// Reads a value from its text.
pub fn deserialize<'a, T: FromStr<Err: Display>, D: Deserializer<'a>>(
    from: D,
) -> Result<T, D::Error> {
    String::deserialize(from)?
        .parse()
        .map_err(de::Error::custom)
}

/// The same for a value that may be absent.
pub mod option {
    use super::{Deserialize, Deserializer, Display, FromStr, Serializer, de};

    /// Writes `value` as its text, or `null`.
    pub fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::serialize(value, to),
            None => to.serialize_none(),
        }
    }

    /// Reads a value from its text; `null` is none.
    pub fn deserialize<'a, T: FromStr<Err: Display>, D: Deserializer<'a>>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(de::Error::custom))
            .transpose()
    }
}
