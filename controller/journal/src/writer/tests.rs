use std::thread::yield_now;

use super::*;
use crate::fixture::{MemoryDisk, SMALL_ROOM, STORE, record};
use crate::log::Opened;

fn spawn(disk: &MemoryDisk) -> Writer<MemoryDisk> {
    let log = Log::begin(disk.clone(), STORE, SMALL_ROOM, &[]).unwrap();
    Writer::spawn("journal", log, || ()).unwrap()
}

fn next(writer: &mut Writer<MemoryDisk>) -> Completed {
    loop {
        match writer.poll() {
            Some(completed) => return completed,
            None => yield_now(),
        }
    }
}

#[test]
fn jobs_are_answered_in_their_order_and_are_durable_then() {
    let disk = MemoryDisk::default();
    let mut writer = spawn(&disk);
    let (mut sent, mut answered) = (0, 0);
    while answered < 1000 {
        while sent < 1000 && writer.submit(sent, vec![record(1, sent + 1, 40)]).is_ok() {
            sent += 1;
        }
        assert_eq!(next(&mut writer), Completed::Durable(answered));
        answered += 1;
    }
    let Opened::Restored(_, found) = Log::open(disk.crash(&mut |_| 0), SMALL_ROOM).unwrap() else {
        panic!("the log must open");
    };
    assert_eq!(found.records[0].epoch.seq, 1000);
    // Jobs that waited together shared an entry.
    assert!(found.entries < 1000, "{} entries", found.entries);
}

#[test]
fn what_was_submitted_before_the_end_is_done() {
    let disk = MemoryDisk::default();
    let mut writer = spawn(&disk);
    for token in 0..20 {
        writer
            .submit(token, vec![record(token as u8, 1, 40)])
            .unwrap();
    }
    let log = writer.stop().unwrap();
    assert_eq!(log.restored(None).records.len(), 20);
}

#[test]
fn no_more_jobs_are_taken_than_can_be_answered() {
    let mut writer = spawn(&MemoryDisk::default());
    for token in 0..JOBS_MAX as u64 {
        writer.submit(token, vec![record(1, token + 1, 9)]).unwrap();
    }
    assert_eq!(
        writer.submit(0, vec![record(1, 1, 9)]),
        Err(vec![record(1, 1, 9)])
    );
    assert_eq!(next(&mut writer), Completed::Durable(0));
    writer.submit(999, vec![]).unwrap();
}

#[test]
fn a_full_disk_is_answered_and_the_writer_goes_on() {
    let disk = MemoryDisk::default();
    let mut writer = spawn(&disk);
    disk.0.lock().room = Some(0);
    writer.submit(1, vec![record(1, 1, 40)]).unwrap();
    let completed = next(&mut writer);
    let Completed::Full { token: 1, sentence } = completed else {
        panic!("{completed:?}");
    };
    assert!(
        sentence.starts_with("there is no room to write log.1"),
        "{sentence}"
    );
    disk.0.lock().room = None;
    writer.submit(2, vec![record(1, 1, 40)]).unwrap();
    assert_eq!(next(&mut writer), Completed::Durable(2));
}

#[test]
fn a_failed_fsync_ends_the_writer() {
    let disk = MemoryDisk::default();
    let mut writer = spawn(&disk);
    disk.0.lock().fails_to_sync = true;
    writer.submit(1, vec![record(1, 1, 40)]).unwrap();
    let Completed::Broken { sentence } = next(&mut writer) else {
        panic!("a failed fsync must not be answered otherwise");
    };
    assert!(sentence.ends_with("so the process ends"), "{sentence}");
    while !writer.is_finished() {
        yield_now();
    }
    writer.submit(2, vec![record(1, 1, 40)]).unwrap_err();
}

#[test]
fn room_is_made_while_nobody_waits() {
    let disk = MemoryDisk::default();
    let mut writer = spawn(&disk);
    for token in 1..=10 {
        writer.submit(token, vec![record(1, token, 40)]).unwrap();
        assert_eq!(next(&mut writer), Completed::Durable(token));
    }
    while !disk.file_names().contains(&"log.2".into()) {
        yield_now();
    }
}
