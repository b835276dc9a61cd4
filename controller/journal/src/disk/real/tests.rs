use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::log::{Log, Opened, ROOM_OCTETS, StoreId};

const STORE: StoreId = StoreId([1; 16]);

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn nobody_else_may_read_what_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state/manager");
    let disk = RealDisk::open(&path).unwrap();
    let _log = Log::begin(disk, STORE, ROOM_OCTETS, &[]).unwrap();
    assert_eq!(mode(&path), 0o700);
    for file in ["log.1", "marker"] {
        assert_eq!(mode(&path.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_directory_that_others_may_write_to_is_not_used() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o770)).unwrap();
    let error = RealDisk::open(directory.path()).unwrap_err().to_string();
    assert!(error.contains("others may write to it"), "{error}");
}

#[test]
fn two_daemons_never_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let first = RealDisk::open(directory.path()).unwrap();
    let error = RealDisk::open(directory.path()).unwrap_err().to_string();
    assert!(error.contains("another daemon uses it"), "{error}");
    drop(first);
    RealDisk::open(directory.path()).unwrap();
}

#[test]
fn a_copy_of_the_directory_is_recognised() {
    let directory = tempfile::tempdir().unwrap();
    let (here, copy) = (directory.path().join("here"), directory.path().join("copy"));
    drop(Log::begin(RealDisk::open(&here).unwrap(), STORE, ROOM_OCTETS, &[]).unwrap());
    let opened = Log::open(RealDisk::open(&here).unwrap(), ROOM_OCTETS).unwrap();
    assert!(matches!(opened, Opened::Restored(..)), "{opened:?}");
    let copied = RealDisk::open(&copy).unwrap();
    for file in ["log.1", "marker"] {
        fs::copy(here.join(file), copy.join(file)).unwrap();
    }
    let opened = Log::open(copied, ROOM_OCTETS).unwrap();
    assert!(matches!(opened, Opened::Refused(..)), "{opened:?}");
}
