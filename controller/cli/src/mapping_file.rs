//! A file of mappings, one a line: `NETWORK ADDRESS HOST [GENERATION]` or a JSON object; `#` begins a
//! comment.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use api::Mapping;

use crate::failure::Failure;

/// So many wrong lines are told; whoever has more has another file in hand than they think.
const TOLD_LINES_MAX: usize = 20;

/// A mapping and the line that it stands on, counted from 1.
#[derive(Debug, PartialEq)]
pub struct Line {
    pub number: usize,
    pub mapping: Mapping,
}

/// How the file is called in messages.
pub fn name(path: &Path) -> String {
    if is_stdin(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// Reads the whole file; every line that is wrong is told, with its number.
pub fn read(path: &Path) -> Result<Vec<Line>, Failure> {
    let unreadable = |error| Failure::Failed(format!("cannot read {}: {error}", name(path)));
    if is_stdin(path) {
        parse(&name(path), io::stdin().lock()).map_err(unreadable)?
    } else {
        let file = File::open(path).map_err(unreadable)?;
        parse(&name(path), BufReader::new(file)).map_err(unreadable)?
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn parse(name: &str, mut text: impl BufRead) -> io::Result<Result<Vec<Line>, Failure>> {
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    let mut octets = Vec::new();
    let mut number = 0;
    while text.read_until(b'\n', &mut octets)? > 0 {
        number += 1;
        match parse_line(&octets) {
            Ok(Some(mapping)) => lines.push(Line { number, mapping }),
            Ok(None) => {}
            Err(problem) => wrong.push(format!("{name}:{number}: {problem}")),
        }
        octets.clear();
    }
    if wrong.is_empty() {
        return Ok(Ok(lines));
    }
    let more = wrong.len().saturating_sub(TOLD_LINES_MAX);
    wrong.truncate(TOLD_LINES_MAX);
    if more > 0 {
        wrong.push(format!("and {more} more wrong lines"));
    }
    wrong.push("nothing was sent".to_owned());
    Ok(Err(Failure::Failed(wrong.join("\n"))))
}

fn parse_line(octets: &[u8]) -> Result<Option<Mapping>, String> {
    let line = str::from_utf8(octets)
        .map_err(|_| "this is not UTF-8 text".to_owned())?
        .trim();
    if line.starts_with('{') {
        let mapping = serde_json::from_str(line);
        return mapping.map(Some).map_err(|error| error.to_string());
    }
    let line = line
        .split_once('#')
        .map_or(line, |(before, _comment)| before);
    let words: Vec<_> = line.split_whitespace().collect();
    let (network, address, host, generation) = match *words.as_slice() {
        [] => return Ok(None),
        [network, address, host] => (network, address, host, None),
        [network, address, host, generation] => (network, address, host, Some(generation)),
        _ => {
            let count = words.len();
            return Err(format!(
                "{count} word{} where 3 or 4 belong; \
                 write NETWORK ADDRESS HOST [GENERATION], as in: z 10.0.0.9 s",
                if count == 1 { "" } else { "s" }
            ));
        }
    };
    Ok(Some(Mapping {
        network: network.parse()?,
        address: address
            .parse()
            .map_err(|_| format!("address {address:?} is not an IPv4 address like 10.0.0.9"))?,
        host: host.to_owned(),
        generation: generation
            .map(str::parse)
            .transpose()
            .map_err(|_| "the generation is not a number within 0 to 255".to_owned())?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::NetworkRef;
    use std::net::Ipv4Addr;

    fn parse(text: &[u8]) -> Result<Vec<Line>, String> {
        super::parse("f", text)
            .unwrap()
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn both_forms_comments_and_empty_lines_are_read_with_their_line_numbers() {
        let text = b"# fabric\n\nz 10.0.0.9 s # k\r\n\t0x123456  10.0.0.9 s 2\n\
            {\"network\": \"z\", \"address\": \"10.0.0.8\", \"host\": \"r\", \"generation\": 3}";
        let k = Mapping {
            network: NetworkRef::Name("z".to_owned()),
            address: Ipv4Addr::new(10, 0, 0, 9),
            host: "s".to_owned(),
            generation: None,
        };
        let by_id = Mapping {
            network: NetworkRef::Id(0x12_3456),
            generation: Some(2),
            ..k.clone()
        };
        let named = Mapping {
            address: Ipv4Addr::new(10, 0, 0, 8),
            host: "r".to_owned(),
            generation: Some(3),
            ..k.clone()
        };
        let expected = [(3, k), (4, by_id), (5, named)];
        assert_eq!(
            parse(text).unwrap(),
            expected.map(|(number, mapping)| Line { number, mapping })
        );
    }

    #[test]
    fn every_wrong_line_is_told_with_its_number_and_what_to_write() {
        let text = b"z 10.0.0.9\nz 10.0.9 s\nZ! 10.0.0.9 s\nz 10.0.0.9 s later\nz 10.0.0.9 s\n\
            \xff\n{}\na b c d e\n";
        let error = parse(text).unwrap_err();
        let told: Vec<_> = error.lines().collect();
        assert_eq!(
            told[0],
            "f:1: 2 words where 3 or 4 belong; \
             write NETWORK ADDRESS HOST [GENERATION], as in: z 10.0.0.9 s"
        );
        assert_eq!(
            told[1],
            "f:2: address \"10.0.9\" is not an IPv4 address like 10.0.0.9"
        );
        assert!(
            told[2].starts_with("f:3: network \"Z!\" is neither an id nor a name"),
            "{error}"
        );
        assert!(
            told[3].starts_with("f:4: ") && told[3].contains("generation"),
            "{error}"
        );
        assert_eq!(told[4], "f:6: this is not UTF-8 text");
        assert!(
            told[5].starts_with("f:7: missing field `network`"),
            "{error}"
        );
        assert!(told[6].starts_with("f:8: 5 words"), "{error}");
        assert_eq!(told[7..], ["nothing was sent"]);
    }

    #[test]
    fn a_file_that_is_wrong_throughout_is_told_in_a_few_lines() {
        let error = parse("nonsense\n".repeat(1000).as_bytes()).unwrap_err();
        assert_eq!(error.lines().count(), TOLD_LINES_MAX + 2);
        assert!(error.contains("and 980 more wrong lines"), "{error}");
    }
}
