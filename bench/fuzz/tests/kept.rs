//! Every target over the inputs that are kept, over what was found before, and over inputs made from
//! them: the part of fuzzing that needs no instrumentation.

use std::fs;
use std::path::{Path, PathBuf};

use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Inputs made for each target.
const MADE: u32 = 100;
const OCTETS_MAX: usize = 600;

fn inputs(of: &str, target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(of).join(target);
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let read = |entry: fs::DirEntry| {
        let octets = fs::read(entry.path()).expect("a file");
        (entry.path(), octets)
    };
    let mut all: Vec<_> = entries.flatten().map(read).collect();
    all.sort();
    all
}

/// One of those that are kept with some octets changed, or any octets.
fn made(random: &mut ChaCha8Rng, kept: &[(PathBuf, Vec<u8>)]) -> Vec<u8> {
    let mut octets = vec![0; random.random_range(0..OCTETS_MAX)];
    random.fill_bytes(&mut octets);
    if !kept.is_empty() && random.random_bool(0.5) {
        let base = kept[random.random_range(0..kept.len())].1.clone();
        let changes = octets.iter().take(8).copied().collect::<Vec<_>>();
        octets = base;
        for change in changes {
            if !octets.is_empty() {
                let at = random.random_range(0..octets.len());
                octets[at] = change;
            }
        }
    }
    octets
}

/// A panic of a target names no input by itself.
fn try_one(target: &fuzz::Target, what: &str, octets: &[u8]) {
    let outcome = std::panic::catch_unwind(|| (target.run)(octets));
    assert!(
        outcome.is_ok(),
        "{}: not so for {what}: {octets:02x?}\nclaimed: {}",
        target.name,
        target.claim
    );
}

fn hold(name: &str) {
    let target = fuzz::target(name).expect("a target of this name");
    let kept = inputs("corpus", name);
    for (path, octets) in kept.iter().chain(&inputs("finds", name)) {
        try_one(&target, &path.display().to_string(), octets);
    }
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for number in 0..MADE {
        let octets = made(&mut random, &kept);
        try_one(&target, &format!("made input {number}"), &octets);
    }
}

macro_rules! each_target {
    ($($name:ident)*) => {
        $(#[test] fn $name() { hold(stringify!($name)); })*

        #[test]
        fn every_target_is_held() {
            let held = [$(stringify!($name)),*];
            assert!(fuzz::TARGETS.iter().map(|target| target.name).eq(held));
        }
    };
}

each_target! {
    reheader packet_path isolation groups arp
    datagrams_before datagrams_after agent bulk
    journal_log journal_kept journal_arbitrary
    configuration neighbour endpoint requests
}

#[test]
fn every_kept_input_is_of_a_target() {
    for of in ["corpus", "finds"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(of);
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().expect("UTF-8");
            assert!(fuzz::target(&name).is_some(), "{of}/{name} is of no target");
        }
    }
}
