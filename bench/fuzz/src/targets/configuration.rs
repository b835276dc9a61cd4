//! The configuration: any text, and texts that were right before a change.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use crate::Target;
use crate::choices::Choices;

pub(crate) const TARGET: Target = Target {
    name: "configuration",
    claim: "a file is refused with a sentence, a remedy and a place, or what it says makes a snapshot",
    run,
};

/// Files that are right: the worlds of the corpus.
static RIGHT: LazyLock<Vec<String>> = LazyLock::new(|| {
    let worlds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/worlds");
    let names = ["plain", "group", "fixed72"];
    let read = |name| fs::read_to_string(worlds.join(format!("{name}.toml")));
    names
        .map(|name| read(name).expect("the world is there"))
        .into()
});

/// What a slip or an attack puts in the place of a value.
const VALUES: &[&str] = &[
    "0",
    "-1",
    "65536",
    "99999999999999999999",
    "1.5",
    "nan",
    "true",
    "\"\"",
    "\"\u{e9}\"",
    "[]",
    "[[]]",
    "{}",
    "{ a = 1 }",
    "2026-01-01",
    "\"\\u0000\"",
    "\"::/0\"",
    "\"10.0.0.0/33\"",
    "\"/\"",
    "[\"host.toml\"]",
];

fn run(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let text = match choices.below(8) {
        0 => choices.rest().to_vec(),
        _ => changed(&mut choices),
    };
    let directory = tempfile::tempdir_in(place()).expect("a directory");
    let path = directory.path().join("host.toml");
    fs::write(&path, &text).expect("written");
    match config::load(&path) {
        Ok(config) => {
            let mac = wire::ethernet::MacAddress([2, 0, 0, 0, 0, 1]);
            let tables = knowledge::first_snapshot(&config, mac);
            assert_eq!(tables.nodes.len(), config.ports.len());
        }
        Err(errors) => {
            let problems = errors.problems();
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(
                    !problem.message.is_empty() && !problem.help.is_empty(),
                    "{problem:?}"
                );
                assert!(!problem.places.is_empty(), "no place: {problem:?}");
                for place in &problem.places {
                    assert!(place.line >= 1 && place.column >= 1, "{problem:?}");
                }
            }
            assert!(!errors.report(false).is_empty());
            let json: serde_json::Value =
                serde_json::from_str(&errors.json()).expect("JSON that can be read");
            assert!(json.is_array());
        }
    }
}

/// In memory, if there is such a place: a file is written for each input.
fn place() -> &'static Path {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory
    } else {
        Path::new("/tmp")
    }
}

/// A right file with lines left out, repeated, exchanged, or given another value, or octets changed.
fn changed(choices: &mut Choices<'_>) -> Vec<u8> {
    let right = &RIGHT[choices.below(RIGHT.len())];
    let mut lines: Vec<String> = right.lines().map(str::to_owned).collect();
    for _ in 0..choices.below(4) {
        let at = choices.below(lines.len());
        match choices.below(5) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let other = choices.below(lines.len());
                lines.swap(at, other);
            }
            _ => {
                if let Some((key, _)) = lines[at].split_once('=') {
                    lines[at] = format!("{key}= {}", choices.pick(VALUES));
                }
            }
        }
    }
    let mut text = lines.join("\n").into_bytes();
    choices.spoil(&mut text);
    text
}
