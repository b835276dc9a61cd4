//! Requests of local programs, over the real socket.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use api::server::{HostView, Socket, serve};
use api::{ApiError, Applied, Done, GroupKey, GroupRequest, MappingBatch, Status};

use crate::Target;
use crate::choices::Choices;

pub(crate) const TARGET: Target = Target {
    name: "requests",
    claim: "whatever is asked, a well-formed request gets one answer of HTTP with a status that is no \
            failure of the server, JSON in it, a refusal with a sentence; and the next request is \
            answered",
    run,
};

/// A host that takes everything.
struct Agreeable;

impl HostView for Agreeable {
    fn status(&self) -> Status {
        let golden = include_str!("../../../../controller/api/tests/status.json");
        serde_json::from_str(golden).expect("the golden status")
    }

    async fn apply(&self, batch: MappingBatch) -> Result<Applied, ApiError> {
        let changed = match batch {
            MappingBatch::Add { mappings } => mappings.len(),
            MappingBatch::Remove { mappings } => mappings.len(),
        };
        Ok(Applied {
            table_version: 1,
            changed: changed as u64,
            persisted: false,
            note: String::new(),
        })
    }

    async fn operate(&self, _: GroupKey, request: GroupRequest) -> Result<Done, ApiError> {
        Ok(Done {
            epoch: None,
            owner: None,
            checkpoint: None,
            flight: None,
            note: format!("{request:?}"),
        })
    }
}

/// A server on a thread of its own, for as long as the process lives.
static SERVER: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory").keep();
    let path = directory.join("fuzz.sock");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let bound = runtime.block_on(async { Socket::bind(&path) });
    let socket = bound.expect("a socket");
    thread::spawn(move || {
        runtime.block_on(serve(socket, Arc::new(Agreeable), std::future::pending()));
    });
    path
});

const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "get", ""];
const PATHS: &[&str] = &[
    "/v1/status",
    "/v1/mappings",
    "/v1/groups",
    "/v1/groups/z/10.0.0.3",
    "/v1/groups/0x123456/10.0.0.3",
    "/v1/manager/raise-term",
    "/v1/flights",
    "/v1/flights/2026",
    "/",
    "*",
];
const BODIES: &[&str] = &[
    r#"{"op":"add","mappings":[{"network":"z","address":"10.0.0.9","host":"s"}]}"#,
    r#"{"op":"remove","mappings":[{"network":1193046,"address":"10.0.0.9"}]}"#,
    r#"{"op":"promote","to":"s"}"#,
    r#"{"op":"move","to":"t"}"#,
    "{}",
    "",
];

fn run(octets: &[u8]) {
    let mut choices = Choices::new(octets);
    let (request, whole) = match choices.one_in(4) {
        true => (choices.rest().to_vec(), false),
        false => request(&mut choices),
    };
    let answer = exchange(&request, whole);
    if whole {
        check(&request, &answer);
    } else if let Some(line) = answer.split(|octet| *octet == b'\r').next()
        && !line.is_empty()
    {
        assert!(line.starts_with(b"HTTP/1.1 "), "{answer:02x?}");
        assert!(!line.starts_with(b"HTTP/1.1 500"), "of {request:02x?}");
    }
    let next = exchange(b"GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n", true);
    assert!(
        next.starts_with(b"HTTP/1.1 200"),
        "after {request:02x?}: {next:02x?}"
    );
}

/// A request, and whether it is well-formed HTTP, so that an answer is due.
fn request(choices: &mut Choices<'_>) -> (Vec<u8>, bool) {
    let method = choices.pick(METHODS);
    let mut path = choices.pick(PATHS).to_owned().into_bytes();
    let mut body = choices.pick(BODIES).as_bytes().to_vec();
    if choices.one_in(3) {
        let length = choices.below(16);
        let more = choices.octets(length).iter();
        path.extend(more.map(|octet| b'!' + octet % 90));
    }
    if choices.one_in(2) {
        choices.spoil(&mut body);
    }
    let mut request = [method.as_bytes(), b" ", &path, b" HTTP/1.1\r\nhost: x\r\n"].concat();
    request.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
    request.extend(&body);
    let plain = ["GET", "POST", "PUT", "DELETE"].contains(&method) && path.starts_with(b"/");
    // Letters that a target may have (RFC 3986, without '%' and '#').
    let target =
        |octet: &u8| octet.is_ascii_alphanumeric() || b"/-._~*:@!$&'()+,;=?".contains(octet);
    (request, plain && path.iter().all(target))
}

fn exchange(request: &[u8], whole: bool) -> Vec<u8> {
    let mut stream = UnixStream::connect(&*SERVER).expect("the server listens");
    let patience = Some(Duration::from_secs(10));
    stream.set_read_timeout(patience).expect("a timeout");
    // The server may have refused and hung up before it has read everything.
    let _ = stream.write_all(request);
    if !whole {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let timed_out = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
    assert!(
        !read.as_ref().is_err_and(timed_out),
        "no end to {request:02x?}"
    );
    answer
}

fn check(request: &[u8], answer: &[u8]) {
    let text = String::from_utf8_lossy(answer);
    let status: u16 = text
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .unwrap_or_else(|| panic!("no status in {text} to {request:02x?}"));
    // 503: it has no manager.
    assert!(
        (200..500).contains(&status) || status == 503,
        "{text} to {request:02x?}"
    );
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    if matches!(status, 400 | 409 | 422 | 503) {
        let error: serde_json::Value = serde_json::from_str(body)
            .unwrap_or_else(|error| panic!("{error}: {text} to {request:02x?}"));
        assert!(
            error.as_object().is_some_and(|object| !object.is_empty()),
            "{text}"
        );
    }
}
