use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::*;
use crate::entropy;

const FABRIC: FabricId = FabricId([7; 16]);
const A: HostId = HostId([1; 9]);
const B: HostId = HostId([2; 9]);

fn pairs() -> (Pair, Pair) {
    let a = Keys::insecure_lab(FABRIC, A, [A, B]);
    let b = Keys::insecure_lab(FABRIC, B, [A, B]);
    let pair = |keys: &Keys, host| keys.pair(host).expect("a peer").clone();
    (pair(&a, B), pair(&b, A))
}

#[test]
fn both_ends_derive_the_same_keys() {
    let (a, b) = pairs();
    for (sealing, opening) in [(&a.out, &b.back), (&b.out, &a.back)] {
        assert_eq!(sealing.id, opening.id);
        assert!(
            opening
                .datagrams
                .holds(b"text", &sealing.datagrams.tag(b"text"))
        );
        assert!(opening.frames.holds(b"text", &sealing.frames.tag(b"text")));
    }
}

#[test]
fn each_direction_and_each_purpose_has_a_key_of_its_own() {
    let (a, _) = pairs();
    let macs = [
        &a.out.datagrams,
        &a.out.frames,
        &a.back.datagrams,
        &a.back.frames,
    ];
    for (i, one) in macs.iter().enumerate() {
        for (j, other) in macs.iter().enumerate() {
            assert_eq!(other.holds(b"text", &one.tag(b"text")), i == j);
        }
    }
    assert_ne!(a.out.id, a.back.id);
}

#[test]
fn a_tag_is_the_front_of_hmac_sha_256() {
    // RFC 4231 test case 1, whose key of 20 octets is padded with zeros as ours of 32 is.
    let mut key = [0; 32];
    key[..20].fill(0x0b);
    let tag = Mac::new(&key).tag(b"Hi There");
    assert_eq!(
        tag,
        0xb034_4c61_d8db_3853_5ca8_afce_af0b_f12b_u128.to_be_bytes()
    );
}

#[test]
fn another_fabric_has_other_keys() {
    let (a, _) = pairs();
    let keys = Keys::insecure_lab(FabricId([8; 16]), B, [A]);
    let other = keys.pair(A).expect("a peer");
    assert!(
        !other
            .back
            .datagrams
            .holds(b"text", &a.out.datagrams.tag(b"text"))
    );
}

#[test]
fn a_public_key_that_gives_no_secret_is_refused() {
    let mut keys = Keys::insecure_lab(FABRIC, A, []);
    let mut one = [0; 32];
    one[0] = 1;
    for small_order in [[0; 32], one] {
        assert!(matches!(
            keys.add_peer(B, HostPublic(small_order)),
            Err(KeyError::Weak)
        ));
    }
    assert_eq!(keys.peers().count(), 0);
}

#[test]
fn public_keys_read_back_as_written_and_nothing_else_reads() {
    let host = entropy::host_secret().expect("random octets").public();
    let manager = entropy::manager_secret().expect("random octets").public();
    assert_eq!(host.to_string().parse::<HostPublic>().expect("a key"), host);
    assert_eq!(
        manager.to_string().parse::<ManagerPublic>().expect("a key"),
        manager
    );
    let text = host.to_string();
    let wrong = [
        "",
        "x25519",
        "x25519:",
        "x25519:AAAA",
        &text[1..],
        &text[..text.len() - 1],
        &manager.to_string(),
    ];
    for text in wrong {
        let error = text.parse::<HostPublic>().expect_err(text);
        assert!(error.to_string().contains("x25519:"), "{error}");
    }
    assert!(format!("{text} ").parse::<HostPublic>().is_err());
    assert!(host.to_string().parse::<ManagerPublic>().is_err());
}

#[test]
fn a_manager_key_of_small_order_is_refused() {
    let mut one = [0; 32];
    one[0] = 1;
    let text = HostPublic(one).to_string().replace("x25519", "ed25519");
    assert!(matches!(text.parse::<ManagerPublic>(), Err(KeyError::Weak)));
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let secret = HostSecret::from_random([0x61; 32]);
    assert_eq!(format!("{secret:?}"), "HostSecret(..)");
    assert_eq!(
        format!("{:?}", Keys::insecure_lab(FABRIC, A, [B])),
        "Keys(..)"
    );
}

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("host.key");
    (directory, path)
}

#[test]
fn a_key_file_reads_back_and_is_for_its_owner_only() {
    let (_directory, path) = directory();
    let secret = entropy::host_secret().expect("random octets");
    write_secret(&path, &secret).expect("a new file");
    let mode = fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(
        read_host_secret(&path).expect("a key file").public(),
        secret.public()
    );
}

#[test]
fn a_key_file_is_never_replaced() {
    let (_directory, path) = directory();
    write_secret(&path, &HostSecret::from_random([1; 32])).expect("a new file");
    let error = write_secret(&path, &HostSecret::from_random([2; 32])).expect_err("it exists");
    assert!(error.to_string().contains("never replaced"), "{error}");
    let kept = read_host_secret(&path).expect("a key file").public();
    assert_eq!(kept, HostSecret::from_random([1; 32]).public());
}

#[test]
fn a_key_file_that_others_may_read_is_refused_with_its_remedy() {
    let (_directory, path) = directory();
    write_secret(&path, &HostSecret::from_random([1; 32])).expect("a new file");
    for mode in [0o640, 0o604, 0o660, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("our file");
        let error = read_host_secret(&path).expect_err("exposed").to_string();
        assert!(
            error.contains("chmod 600") && error.contains(&format!("{mode:04o}")),
            "{error}"
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("our file");
    assert!(read_host_secret(&path).is_ok());
}

#[test]
fn a_manager_key_is_no_host_key() {
    let (_directory, path) = directory();
    write_secret(&path, &ManagerSecret::from_random([1; 32])).expect("a new file");
    assert!(matches!(
        read_host_secret(&path),
        Err(KeyError::Content { .. })
    ));
    assert!(read_manager_secret(&path).is_ok());
}

#[test]
fn what_is_no_key_file_is_refused() {
    let key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    assert!(HostSecret::from_text(&format!("understudy host key 1\n{key}\n")).is_ok());
    let wrong = [
        String::new(),
        format!("{key}\n"),
        format!("understudy host key 2\n{key}\n"),
        format!("understudy host key 1\n{key}\n{key}\n"),
        format!("understudy host key 1\n{}\n", &key[4..]),
        format!("understudy host key 1\n{key}A\n"),
        "understudy host key 1\n".to_owned(),
    ];
    for text in wrong {
        assert!(
            matches!(HostSecret::from_text(&text), Err(KeyError::Secret { .. })),
            "{text}"
        );
    }
}
