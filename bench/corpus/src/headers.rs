//! One function a header: from the fields that are written, and those of an honest packet where
//! nothing is written, to octets.

use std::net::Ipv4Addr;

use crate::checksum;
use crate::notation::{Layer, octets};

/// The two ends of the nearest IP header in front, for pseudo-headers: 4 or 16 octets each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ends {
    pub(crate) source: Vec<u8>,
    pub(crate) destination: Vec<u8>,
}

/// The first line of a flow label, docs/wire.md section 2, as an honest packet has it.
const TTL: u32 = 64;

/// IPv4 (RFC 791). `id` is what `id=next` stands for.
pub(crate) fn ipv4(
    layer: &mut Layer,
    ends: &Ends,
    protocol: u32,
    id: impl FnOnce() -> u16,
    payload_bytes: usize,
) -> Result<Vec<u8>, String> {
    let mut options = layer.octets("options")?;
    options.resize(options.len().next_multiple_of(4), 0);
    let header_bytes = 20 + options.len();
    let version = layer.number_or("version", 4, 4)?;
    let words = layer.number_or("ihl", 4, header_bytes as u32 / 4)?;
    let dont_fragment = layer.number_or("df", 1, 1)?;
    let id = match layer.take("id") {
        None => 0,
        Some(next) if next == "next" => id(),
        Some(text) => crate::notation::number(&text)
            .and_then(|id| u16::try_from(id).ok())
            .ok_or_else(|| format!("ipv4 id={text} is no number of 16 bits"))?,
    };
    let flags = layer.number_or("rf", 1, 0)? << 15
        | dont_fragment << 14
        | layer.number_or("mf", 1, 0)? << 13
        | layer.number_or("off", 13, 0)?;
    let total = layer.number_or("total", 16, (header_bytes + payload_bytes) as u32)?;
    let mut header = vec![
        (version << 4 | words) as u8,
        layer.number_or("tos", 8, 0)? as u8,
    ];
    header.extend((total as u16).to_be_bytes());
    header.extend(id.to_be_bytes());
    header.extend((flags as u16).to_be_bytes());
    header.push(layer.number_or("ttl", 8, TTL)? as u8);
    header.push(layer.number_or("proto", 8, protocol)? as u8);
    header.extend([0, 0]);
    header.extend(&ends.source);
    header.extend(&ends.destination);
    header.extend(options);
    let honest = checksum::of(&header);
    put_checksum(layer, &mut header, 10, honest)?;
    Ok(header)
}

/// IPv6 (RFC 8200), its flow label as docs/wire.md section 2 has it. An honest hop limit is
/// `hop_limit`. Says whether HASH is written.
pub(crate) fn ipv6(
    layer: &mut Layer,
    ends: &Ends,
    next_header: u32,
    hop_limit: u32,
    payload_bytes: usize,
) -> Result<(Vec<u8>, bool), String> {
    let hash = layer.number("hash", 8)?;
    let parts = layer.number_or("ttl", 8, TTL)? << 12
        | layer.number_or("df", 1, 1)? << 11
        | layer.number_or("c", 1, 0)? << 10
        | layer.number_or("e", 2, 1)? << 8
        | hash.unwrap_or(0x5a);
    let label = layer.number("label", 20)?;
    let first = layer.number_or("version", 4, 6)? << 28
        | layer.number_or("tc", 8, 0)? << 20
        | label.unwrap_or(parts);
    let length = layer.number_or("len", 16, payload_bytes as u32)?;
    let mut header = first.to_be_bytes().to_vec();
    header.extend((length as u16).to_be_bytes());
    header.push(layer.number_or("nh", 8, next_header)? as u8);
    header.push(layer.number_or("hop", 8, hop_limit)? as u8);
    header.extend(&ends.source);
    header.extend(&ends.destination);
    Ok((header, hash.is_some() || label.is_some()))
}

/// The Fragment header (RFC 8200 section 4.5); `off` in units of 8 octets.
pub(crate) fn fragment(layer: &mut Layer, next_header: u32) -> Result<Vec<u8>, String> {
    let mut header = vec![
        layer.number_or("nh", 8, next_header)? as u8,
        layer.number_or("res", 8, 0)? as u8,
    ];
    let place = layer.number_or("off", 13, 0)? << 3
        | layer.number_or("res2", 2, 0)? << 1
        | layer.number_or("mf", 1, 0)?;
    header.extend((place as u16).to_be_bytes());
    header.extend(layer.number_or("id", 32, 1)?.to_be_bytes());
    Ok(header)
}

/// An extension header of the general form (RFC 8200 section 4): `kind` says which, `len` in units
/// of 8 octets beyond the first.
pub(crate) fn extension(layer: &mut Layer, next_header: u32) -> Result<Vec<u8>, String> {
    let mut content = layer.octets("content")?;
    if content.is_empty() {
        // PadN over the rest.
        content = vec![1, 4, 0, 0, 0, 0];
    }
    content.resize((content.len() + 2).next_multiple_of(8) - 2, 0);
    let length = (content.len() + 2) / 8 - 1;
    let mut header = vec![
        layer.number_or("nh", 8, next_header)? as u8,
        layer.number_or("len", 8, length as u32)? as u8,
    ];
    header.extend(content);
    Ok(header)
}

/// UDP (RFC 768).
pub(crate) fn udp(layer: &mut Layer, ends: &Ends, payload: &[u8]) -> Result<Vec<u8>, String> {
    let length = layer.number_or("len", 16, 8 + payload.len() as u32)?;
    let mut header = Vec::new();
    header.extend((layer.number_or("sport", 16, 40_000)? as u16).to_be_bytes());
    header.extend((layer.number_or("dport", 16, 7_000)? as u16).to_be_bytes());
    header.extend((length as u16).to_be_bytes());
    header.extend([0, 0]);
    let honest = match with_pseudo_header(ends, 17, &header, payload) {
        0 => 0xffff,
        sum => sum,
    };
    put_checksum(layer, &mut header, 6, honest)?;
    Ok(header)
}

/// TCP (RFC 9293); `off` in words, `flags` as one octet.
pub(crate) fn tcp(layer: &mut Layer, ends: &Ends, payload: &[u8]) -> Result<Vec<u8>, String> {
    let mut options = layer.octets("options")?;
    options.resize(options.len().next_multiple_of(4), 0);
    let offset = layer.number_or("off", 4, 5 + options.len() as u32 / 4)?;
    let mut header = Vec::new();
    header.extend((layer.number_or("sport", 16, 40_000)? as u16).to_be_bytes());
    header.extend((layer.number_or("dport", 16, 80)? as u16).to_be_bytes());
    header.extend(layer.number_or("seq", 32, 1)?.to_be_bytes());
    header.extend(layer.number_or("ack", 32, 0)?.to_be_bytes());
    header.extend([(offset << 4) as u8, layer.number_or("flags", 8, 2)? as u8]);
    header.extend((layer.number_or("win", 16, 0xffff)? as u16).to_be_bytes());
    header.extend([0, 0]);
    header.extend((layer.number_or("urg", 16, 0)? as u16).to_be_bytes());
    header.extend(options);
    let honest = with_pseudo_header(ends, 6, &header, payload);
    put_checksum(layer, &mut header, 16, honest)?;
    Ok(header)
}

/// ICMP of IPv4 (RFC 792) and, with `ends`, of IPv6 (RFC 4443). `rest` is the second word; `mtu` its
/// lower half, or all of it.
pub(crate) fn icmp(
    layer: &mut Layer,
    ends: Option<&Ends>,
    payload: &[u8],
) -> Result<Vec<u8>, String> {
    let echo = if ends.is_some() { 128 } else { 8 };
    let mut header = vec![
        layer.number_or("type", 8, echo)? as u8,
        layer.number_or("code", 8, 0)? as u8,
        0,
        0,
    ];
    let mtu = layer.number("mtu", 32)?;
    let rest = layer.number_or("rest", 32, mtu.unwrap_or(0))?;
    header.extend(rest.to_be_bytes());
    let honest = match ends {
        Some(ends) => with_pseudo_header(ends, 58, &header, payload),
        None => checksum::of(&[&header, payload].concat()),
    };
    put_checksum(layer, &mut header, 2, honest)?;
    Ok(header)
}

/// ARP (RFC 826); `smac` and `tmac` come read.
pub(crate) fn arp(
    layer: &mut Layer,
    sender: ([u8; 6], Ipv4Addr),
    target: ([u8; 6], Ipv4Addr),
) -> Result<Vec<u8>, String> {
    let mut message = Vec::new();
    message.extend((layer.number_or("hw", 16, 1)? as u16).to_be_bytes());
    message.extend((layer.number_or("proto", 16, 0x0800)? as u16).to_be_bytes());
    message.extend([
        layer.number_or("hlen", 8, 6)? as u8,
        layer.number_or("plen", 8, 4)? as u8,
    ]);
    message.extend((layer.number_or("op", 16, 1)? as u16).to_be_bytes());
    message.extend(sender.0);
    message.extend(sender.1.octets());
    message.extend(target.0);
    message.extend(target.1.octets());
    Ok(message)
}

/// An option of neighbour discovery (RFC 4861 section 4.6); `len` in units of 8 octets.
pub(crate) fn discovery_option(layer: &mut Layer) -> Result<Vec<u8>, String> {
    let mut content = layer.octets("content")?;
    content.resize((content.len() + 2).next_multiple_of(8) - 2, 0);
    let length = (content.len() + 2) / 8;
    let mut option = vec![
        layer.number_or("type", 8, 1)? as u8,
        layer.number_or("len", 8, length as u32)? as u8,
    ];
    option.extend(content);
    Ok(option)
}

/// Octets that stand for nothing: `data N` counts up from 0, `zeros N`, `hex DIGITS`.
pub(crate) fn plain(layer: &Layer) -> Result<Vec<u8>, String> {
    match layer.name.as_str() {
        "data" => Ok((0..layer.length()?).map(|n| n as u8).collect()),
        "zeros" => Ok(vec![0; layer.length()?]),
        _ => octets(layer.argument.as_deref().unwrap_or_default()),
    }
}

/// A checksum over pseudo-header (RFC 768, RFC 8200 section 8.1), header and payload. The length of
/// the pseudo-header is that of header and payload, whatever else is written.
fn with_pseudo_header(ends: &Ends, protocol: u8, header: &[u8], payload: &[u8]) -> u16 {
    let length = (header.len() + payload.len()) as u32;
    let mut all = [&ends.source[..], &ends.destination].concat();
    all.extend(length.to_be_bytes());
    all.extend([0, 0, 0, protocol]);
    all.extend(header);
    all.extend(payload);
    checksum::of(&all)
}

/// Writes `sum`: as it is written, one that is certainly wrong for `sum=wrong`, else the honest one.
fn put_checksum(
    layer: &mut Layer,
    header: &mut [u8],
    at: usize,
    honest: u16,
) -> Result<(), String> {
    let value = match layer.take("sum") {
        None => honest,
        Some(text) if text == "wrong" => honest ^ 0x0101,
        Some(text) => crate::notation::number(&text)
            .and_then(|sum| u16::try_from(sum).ok())
            .ok_or_else(|| format!("{} sum={text} is no number of 16 bits", layer.name))?,
    };
    header[at..at + 2].copy_from_slice(&value.to_be_bytes());
    Ok(())
}
