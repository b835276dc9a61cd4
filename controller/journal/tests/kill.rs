//! A manager's persistence on a real file system, killed at random moments of its life.
//!
//! `JOURNAL_KILLS=1000 cargo test -p journal --test kill` for more than the usual number.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use journal::{Completed, Fact, KeptRecord, Log, Opened, RealDisk, Restored, StoreId, Writer};
use messages::{Epoch, GroupId};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const DIRECTORY: &str = "JOURNAL_KILL_DIRECTORY";
const KILLS: &str = "JOURNAL_KILLS";
/// Eight entries, so that snapshots are frequent.
const ROOM: usize = 8 * 4096;
const STORE: StoreId = StoreId(*b"killed at random");

/// The decision with this number: about one of five groups, of one to four sectors.
fn decision(number: u64) -> Fact {
    let octets = (0..number % 1800).map(|at| (at ^ number) as u8).collect();
    Fact::Record(KeptRecord {
        group: GroupId::new(1, Ipv4Addr::new(10, 0, 0, (number % 5) as u8)),
        epoch: Epoch {
            term: 1,
            seq: number,
        },
        octets,
    })
}

fn open(path: &Path) -> (Log<RealDisk>, Restored) {
    let disk = RealDisk::open(path).unwrap();
    match Log::open(disk, ROOM).unwrap() {
        Opened::Restored(log, restored) => (log, restored),
        Opened::Empty(disk) => {
            let log = Log::begin(disk, STORE, ROOM, &[]).unwrap();
            let restored = log.restored(None);
            (log, restored)
        }
        Opened::Refused(_, refusal) => panic!("{refusal}"),
    }
}

fn newest(restored: &Restored) -> u64 {
    let numbers = restored.records.iter().map(|record| record.epoch.seq);
    numbers.max().unwrap_or(0)
}

/// Not a test of its own: the process that is killed. It decides for ever, and prints what it was
/// told is durable.
#[test]
fn decides_until_it_is_killed() {
    let Some(directory) = env::var_os(DIRECTORY) else {
        return;
    };
    let (log, restored) = open(Path::new(&directory));
    let mut sent = newest(&restored);
    let mut writer = Writer::spawn("journal", log, || ()).unwrap();
    loop {
        // Up to three wait at once and share an fsync.
        let burst = sent + 1 + sent % 3;
        while sent < burst {
            sent += 1;
            writer.submit(sent, vec![decision(sent)]).unwrap();
        }
        let mut answered = 0;
        while answered < sent {
            match writer.poll() {
                Some(Completed::Durable(token)) => {
                    println!("durable {token}");
                    std::io::stdout().flush().unwrap();
                    answered = token;
                }
                Some(failed) => panic!("{failed:?}"),
                None => thread::yield_now(),
            }
        }
    }
}

/// Starts the process, kills it after `delay`, and gives the last number that it was told.
fn killed_after(delay: Duration, directory: &Path) -> Option<u64> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "decides_until_it_is_killed", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (lives, is_alive) = mpsc::channel();
    let reader = thread::spawn(move || {
        // The line that was being printed may be cut short.
        let lines = output.split(b'\n').map_while(Result::ok);
        // The first is the test harness's own, before anything is opened.
        let lines = lines.inspect(|_| _ = lives.send(()));
        let said = lines.filter_map(|line| {
            let line = String::from_utf8(line).ok()?;
            let (_, number) = line.split_once("durable ")?;
            number.parse().ok()
        });
        said.last()
    });
    is_alive.recv().unwrap();
    thread::sleep(delay);
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "it must be killed, not end by itself");
    reader.join().unwrap()
}

#[test]
fn a_manager_that_is_killed_loses_nothing_that_it_acknowledged() {
    let kills: u32 = env::var(KILLS).map_or(100, |kills| kills.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let (mut acknowledged, mut told) = (0, 0);
    for kill in 0..kills {
        let delay = Duration::from_micros(random.random_range(0..50_000));
        if let Some(number) = killed_after(delay, directory.path()) {
            acknowledged = number;
            told += 1;
        }
        let (_, restored) = open(directory.path());
        let found = newest(&restored);
        // Of what was not acknowledged any part may be there, but nothing that was not decided.
        assert!(
            (acknowledged..=acknowledged + 3).contains(&found),
            "kill {kill}: {acknowledged} was acknowledged, found {found}"
        );
        for record in restored.records {
            let expected = decision(record.epoch.seq);
            assert_eq!(Fact::Record(record), expected, "kill {kill}");
        }
        acknowledged = found;
    }
    assert!(
        told > kills / 4,
        "only {told} of {kills} lives came to a decision"
    );
    println!("{kills} kills, {acknowledged} decisions, {told} lives with one at least");
}
