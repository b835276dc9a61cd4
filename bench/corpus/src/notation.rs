//! How a packet is written: `PORT: header field=value ... / header / ...`.

/// One header, or other piece of a packet, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layer {
    /// Its name.
    pub(crate) name: String,
    /// A value without a field: the length of `data`, the octets of `hex`.
    pub(crate) argument: Option<String>,
    fields: Vec<(String, String)>,
}

/// A packet as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// Where it comes in, or goes out.
    pub(crate) port: String,
    pub(crate) layers: Vec<Layer>,
}

/// Reads a packet.
///
/// # Errors
/// A sentence that says what is not understood.
pub(crate) fn parse(text: &str) -> Result<Text, String> {
    let (port, packet) = text
        .split_once(": ")
        .ok_or_else(|| format!("\"{text}\" names no port; begin with z/a: or uplink:"))?;
    let layers = packet.split(" / ").map(layer).collect::<Result<_, _>>()?;
    Ok(Text {
        port: port.trim().to_owned(),
        layers,
    })
}

fn layer(text: &str) -> Result<Layer, String> {
    let mut words = text.split_whitespace();
    let name = words
        .next()
        .ok_or("there is nothing between two slashes")?
        .to_owned();
    let (mut argument, mut fields) = (None, Vec::new());
    for word in words {
        match word.split_once('=') {
            Some((field, value)) if !value.is_empty() => {
                fields.push((field.to_owned(), value.to_owned()));
            }
            Some((field, _)) => return Err(format!("{name} {field} has no value")),
            None if argument.is_none() => argument = Some(word.to_owned()),
            None => return Err(format!("{name} has a second value, \"{word}\"")),
        }
    }
    Ok(Layer {
        name,
        argument,
        fields,
    })
}

impl Layer {
    /// Takes a field that is written; what remains in the end is not known.
    pub(crate) fn take(&mut self, field: &str) -> Option<String> {
        let at = self.fields.iter().position(|(name, _)| name == field)?;
        Some(self.fields.remove(at).1)
    }

    /// Takes a number, decimal or with 0x, of at most `bits` bits.
    pub(crate) fn number(&mut self, field: &str, bits: u32) -> Result<Option<u32>, String> {
        let Some(value) = self.take(field) else {
            return Ok(None);
        };
        match number(&value) {
            Some(number) if bits == 32 || number < 1 << bits => Ok(Some(number)),
            _ => Err(format!(
                "{} {field}={value} is no number of {bits} bits",
                self.name
            )),
        }
    }

    /// As [`number`](Self::number), or `otherwise`.
    pub(crate) fn number_or(
        &mut self,
        field: &str,
        bits: u32,
        otherwise: u32,
    ) -> Result<u32, String> {
        Ok(self.number(field, bits)?.unwrap_or(otherwise))
    }

    /// Takes octets in hexadecimal digits; none if they are not written.
    pub(crate) fn octets(&mut self, field: &str) -> Result<Vec<u8>, String> {
        match self.take(field) {
            Some(digits) => octets(&digits),
            None => Ok(Vec::new()),
        }
    }

    /// The length that stands behind the name.
    pub(crate) fn length(&self) -> Result<usize, String> {
        let value = self.argument.as_deref().unwrap_or("nothing");
        let length = number(value).ok_or_else(|| format!("{} {value} is no length", self.name))?;
        Ok(length as usize)
    }

    /// That every field which is written was taken.
    pub(crate) fn finish(&self) -> Result<(), String> {
        match self.fields.first() {
            None => Ok(()),
            Some((field, _)) => Err(format!("{} has no field {field}", self.name)),
        }
    }
}

/// Decimal, or hexadecimal with 0x.
pub(crate) fn number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The octets that hexadecimal digits stand for.
pub(crate) fn octets(digits: &str) -> Result<Vec<u8>, String> {
    let pairs = digits.as_bytes().chunks(2);
    let octet = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| pair.len() == 2);
        pair.and_then(|pair| u8::from_str_radix(pair, 16).ok())
    };
    pairs
        .map(octet)
        .collect::<Option<_>>()
        .ok_or_else(|| format!("\"{digits}\" is no row of hexadecimal octets"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_read_header_by_header() {
        let text = parse("z/a: eth / ipv4 ihl=4 ttl=0x1f / data 32").expect("it is right");
        assert_eq!(text.port, "z/a");
        let [eth, ipv4, data] = &mut text.layers.clone()[..] else {
            panic!("three headers: {text:?}");
        };
        assert_eq!((eth.name.as_str(), eth.argument.as_ref()), ("eth", None));
        assert_eq!(ipv4.number("ttl", 8), Ok(Some(31)));
        assert_eq!(
            ipv4.finish(),
            Err("ipv4 has no field ihl".to_owned()),
            "what was not taken is not known"
        );
        assert_eq!(ipv4.number_or("ihl", 4, 5), Ok(4));
        assert_eq!((ipv4.finish(), data.length()), (Ok(()), Ok(32)));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, what) in [
            ("eth / ipv4", "names no port"),
            ("z/a: eth /  / ipv4", "nothing between two slashes"),
            ("z/a: eth dst=", "eth dst has no value"),
            ("z/a: data 1 2", "data has a second value, \"2\""),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(what), "{error}");
        }
        let mut ipv4 = layer("ipv4 ihl=16 options=9").expect("it is right");
        assert!(ipv4.number("ihl", 4).is_err());
        assert!(ipv4.octets("options").is_err());
    }
}
