//! The server over a real unix socket, asked by our own client and by callers who misbehave.

mod groups;
mod running;

use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
use tokio::task::spawn_blocking;

use super::{BindError, CONNECTIONS_MAX, REQUEST_S_MAX, Socket};
use crate::client::{Client, ClientError};
use crate::{ApiError, BODY_BYTES_MAX, ErrorKind, Mapping, MappingBatch, MappingKey, NetworkRef};

use running::Running;

fn post(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST /v1/mappings HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}")
        .into()
}

fn add(address: Ipv4Addr, host: &str) -> Mapping {
    let network = NetworkRef::Name("z".to_owned());
    Mapping {
        network,
        address,
        host: host.to_owned(),
        generation: None,
    }
}

const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

#[tokio::test]
async fn what_is_added_is_seen_in_the_status_and_gone_once_removed() {
    let server = Running::start();
    let batch = MappingBatch::Add {
        mappings: vec![add(A, "s"), add(Ipv4Addr::LOCALHOST, "r")],
    };
    let applied = server.client.apply(&batch).await.unwrap();
    assert_eq!(
        (applied.table_version, applied.changed, applied.persisted),
        (1, 2, false)
    );
    let status = server.client.status().await.unwrap();
    assert_eq!((status.table_version, status.mappings), (1, 2));

    let key = MappingKey {
        network: NetworkRef::Name("z".to_owned()),
        address: A,
    };
    let batch = MappingBatch::Remove {
        mappings: vec![key],
    };
    assert_eq!(server.client.apply(&batch).await.unwrap().changed, 1);
    assert_eq!(server.client.status().await.unwrap().mappings, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_batch_with_one_wrong_entry_changes_nothing_and_names_the_entry() {
    let server = Running::start();
    let batch = MappingBatch::Add {
        mappings: vec![add(A, "s"), add(A, "nowhere")],
    };
    let ClientError::Refused(error) = server.client.apply(&batch).await.unwrap_err() else {
        panic!("not refused by the host");
    };
    assert_eq!(error, ApiError::at(1, "there is no host \"nowhere\""));
    assert_eq!(server.client.status().await.unwrap().mappings, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_answered_with_a_sentence() {
    let server = Running::start();
    let rows: [(Vec<u8>, &str, &str); 9] = [
        (
            post("{"),
            "HTTP/1.1 400",
            "the body is not a batch of mappings",
        ),
        (
            post(r#"{"op":"move","mappings":[]}"#),
            "HTTP/1.1 400",
            "unknown variant `move`",
        ),
        (
            post(r#"{"op":"add"}"#),
            "HTTP/1.1 400",
            "missing field `mappings`",
        ),
        (
            post(r#"{"op":"add","mappings":[{"network":"z","address":"10.0.0.9"}]}"#),
            "HTTP/1.1 400",
            "entry 0 cannot be read: missing field `host`",
        ),
        (
            post(r#"{"op":"remove","mappings":[{"network":0,"address":"10.0.0.9"}]}"#),
            "HTTP/1.1 400",
            "is not within 1 to 0xfffffe",
        ),
        (
            post(r#"{"op":"add","mappings":[{"network":"z","address":"10.0.9","host":"s"}]}"#),
            "HTTP/1.1 400",
            "invalid IPv4 address",
        ),
        (
            b"GET /v2/status HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
            "HTTP/1.1 404",
            "there is no /v2/status",
        ),
        (
            b"DELETE /v1/mappings HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
            "HTTP/1.1 405",
            "/v1/mappings does not take DELETE",
        ),
        (b"\x16\x03\x01 hello\r\n\r\n".to_vec(), "HTTP/1.1 400", ""),
    ];
    for (request, status, sentence) in rows {
        let answer = server.raw(request.clone()).await;
        let request = String::from_utf8_lossy(&request);
        assert!(answer.starts_with(status), "{request}: {answer}");
        assert!(answer.contains(sentence), "{request}: {answer}");
    }
    assert_eq!(
        server.client.status().await.unwrap().table_version,
        0,
        "something was applied"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let server = Running::start();
    let start = r#"{"op":"add","mappings":["#;
    let body = |bytes: usize| format!("{start}{}]}}", " ".repeat(bytes - start.len() - 2));
    let fits = server.raw(post(&body(BODY_BYTES_MAX))).await;
    assert!(fits.starts_with("HTTP/1.1 200"), "{fits}");
    let too_large = server.raw(post(&body(BODY_BYTES_MAX + 1))).await;
    assert!(too_large.starts_with("HTTP/1.1 413"), "{too_large}");
    let sentence = format!("the body is larger than {BODY_BYTES_MAX} octets");
    assert!(too_large.contains(&sentence), "{too_large}");
    assert!(too_large.contains(r#""kind":"too_large""#), "{too_large}");
    server.stop().await;
}

#[tokio::test]
async fn half_a_request_harms_nobody_but_its_sender() {
    let server = Running::start();
    let whole =
        post(r#"{"op":"add","mappings":[{"network":"z","address":"10.0.0.9","host":"s"}]}"#);
    for length in [0, 1, 20, whole.len() - 1] {
        UnixStream::connect(&server.path)
            .unwrap()
            .write_all(&whole[..length])
            .unwrap();
    }
    let status = server.client.status().await.unwrap();
    assert_eq!(status.mappings, 0, "half a batch was applied");
    server.stop().await;
}

#[tokio::test]
async fn a_hundred_callers_at_once_are_all_answered() {
    let server = Running::start();
    let asked: Vec<_> = (0..100)
        .map(|_| {
            let client = server.client.clone();
            tokio::spawn(async move { client.status().await })
        })
        .collect();
    for status in asked {
        assert_eq!(status.await.unwrap().unwrap().host, "r");
    }
    server.stop().await;
}

#[tokio::test]
async fn callers_who_stall_lose_their_places_to_those_who_wait() {
    let server = Running::start();
    let stalled: Vec<_> = (0..CONNECTIONS_MAX)
        .map(|_| UnixStream::connect(&server.path).unwrap())
        .collect();
    let late = post(r#"{"op":"add","mappings":["#);
    (&stalled[0]).write_all(&late[..late.len() - 4]).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(
        server.client.status().await.unwrap().host,
        "r",
        "after the stalled were hung up on"
    );
    let mut answer = Vec::new();
    (&stalled[0]).read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(
        answer.contains(&format!("within {REQUEST_S_MAX} s")),
        "{answer}"
    );
    server.stop().await;
}

#[tokio::test]
async fn the_end_takes_200_ms_at_most_even_with_a_caller_who_stalls() {
    let server = Running::start();
    let path = server.path.clone();
    let _stalled = UnixStream::connect(&path).unwrap();
    server.client.status().await.unwrap();
    tokio::time::timeout(Duration::from_millis(200), server.stop())
        .await
        .unwrap();
    assert!(!path.exists(), "the socket's file is left");
    let error = Client::new(&path).status().await.unwrap_err();
    assert!(error.to_string().contains("no such socket"), "{error}");
}

fn bind_error(path: &Path) -> String {
    Socket::bind(path).unwrap_err().to_string()
}

#[tokio::test]
async fn a_second_server_on_the_same_socket_is_refused_and_the_first_stays() {
    let server = Running::start();
    assert!(matches!(
        Socket::bind(&server.path),
        Err(BindError::InUse { .. })
    ));
    assert!(bind_error(&server.path).contains("another daemon answers on"));
    assert_eq!(server.client.status().await.unwrap().host, "r");
    server.stop().await;
}

#[tokio::test]
async fn the_path_stays_taken_until_the_last_lock_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sock");
    let socket = Socket::bind(&path).unwrap();
    let lock = socket.lock();
    drop(socket);
    assert!(!path.exists());
    assert!(matches!(Socket::bind(&path), Err(BindError::InUse { .. })));
    drop(lock);
    assert!(Socket::bind(&path).is_ok());
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_nothing_else_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.sock");
    drop(UnixListener::bind(&path).unwrap());
    let error = Client::new(&path).status().await.unwrap_err();
    assert!(error.to_string().contains("the socket is stale"), "{error}");
    drop(Socket::bind(&path).unwrap());

    let foreign = UnixListener::bind(&path).unwrap();
    assert!(
        bind_error(&path).contains("another daemon answers on"),
        "a program without our lock"
    );
    drop(foreign);
    fs::remove_file(&path).unwrap();

    fs::write(&path, "precious").unwrap();
    assert!(bind_error(&path).contains("is there and is not a socket"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[tokio::test]
async fn only_owner_and_group_may_connect() {
    let server = Running::start();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&server.path), 0o660);
    assert_eq!(
        mode(server.path.parent().unwrap()) & 0o022,
        0,
        "others may replace the socket"
    );
    server.stop().await;
}

/// What becomes of `request` when user and group `id` sends it.
async fn as_user(id: u32, path: PathBuf, request: Vec<u8>) -> io::Result<String> {
    // The kernel keeps the ids of each thread: this one is given up with them.
    let thread = std::thread::spawn(move || {
        set_thread_groups(&[])?;
        set_thread_gid(Gid::from_raw(id))?;
        set_thread_uid(Uid::from_raw(id))?;
        let mut stream = UnixStream::connect(path)?;
        stream.write_all(&request)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    });
    spawn_blocking(move || thread.join().unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn strangers_may_not_connect_and_with_an_open_socket_read_but_not_write() {
    const STRANGER: u32 = 54_321;
    if !rustix::process::geteuid().is_root() {
        println!("not root: cannot become somebody else");
        return;
    }
    let server = Running::start();
    let open = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    open(server.path.ancestors().nth(2).unwrap(), 0o755);
    let write = post(r#"{"op":"add","mappings":[]}"#);
    let read = b"GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n".to_vec();

    let refused = as_user(STRANGER, server.path.clone(), read.clone())
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    open(&server.path, 0o666);
    let answer = as_user(STRANGER, server.path.clone(), read).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let answer = as_user(STRANGER, server.path.clone(), write.clone())
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("user 54321"), "{answer}");
    assert!(
        answer.contains("a member of the group understudy"),
        "{answer}"
    );
    for path in ["/v1/groups/z/g/checkpoint", "/v1/manager/raise-term"] {
        let request = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
        let answer = as_user(STRANGER, server.path.clone(), request.into());
        let answer = answer.await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{path}: {answer}");
    }
    assert_eq!(
        server.client.status().await.unwrap().table_version,
        0,
        "a stranger's batch is in"
    );
    let answer = server.raw(write).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "root itself: {answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_an_error_not_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let error = bind_error(&dir.path().join("x".repeat(120)));
    assert!(error.starts_with("cannot listen on"), "{error}");
}

#[test]
fn every_kind_of_refusal_has_its_own_http_status() {
    use ErrorKind::*;
    let kinds = [
        Malformed,
        Forbidden,
        UnknownPath,
        WrongMethod,
        TooSlow,
        Conflict,
        TooLarge,
        Invalid,
        Unavailable,
    ];
    let statuses: std::collections::BTreeSet<_> = kinds.iter().map(|k| k.http_status()).collect();
    assert_eq!(statuses.len(), kinds.len());
}
