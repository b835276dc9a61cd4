//! Groups, events and flight records over the real socket.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use tokio::time::timeout;

use super::running::{EVENTS_KEPT, Running, events, flight_record};
use crate::client::ClientError;
use crate::server::FOLLOWERS_MAX;
use crate::{
    AddMember, Checkpoint, EventQuery, GroupRef, GroupRequest, LOST, Move, Promote, RemoveMember,
};

fn group(text: &str) -> GroupRef {
    text.parse().unwrap()
}

fn follow(since: u64) -> EventQuery {
    EventQuery {
        follow: true,
        since,
    }
}

#[tokio::test]
async fn a_group_is_found_by_address_and_by_each_member_and_network_id() {
    let server = Running::start();
    let all = server.client.groups().await.unwrap();
    assert_eq!(all.len(), 2);
    for name in ["z/10.0.0.3", "0x123456/10.0.0.3", "z/g", "z/j"] {
        let found = server.client.group(&group(name)).await.unwrap();
        assert_eq!(found, all[0], "{name}");
    }
    let error = server.client.group(&group("z/q")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no group z/q: known are z/10.0.0.3, y/10.0.0.4"
    );
    server.stop().await;
}

#[tokio::test]
async fn every_action_arrives_with_its_body_at_the_group_that_is_meant() {
    let server = Running::start();
    let (to, host) = (Some("t".to_owned()), "t".to_owned());
    let requests = [
        GroupRequest::Promote(Promote {
            to: to.clone(),
            fenced: true,
        }),
        GroupRequest::Promote(Promote::default()),
        GroupRequest::Move(Move { to }),
        GroupRequest::Checkpoint(Checkpoint::Whole),
        GroupRequest::Checkpoint(Checkpoint::Begin),
        GroupRequest::Checkpoint(Checkpoint::Commit { number: 5 }),
        GroupRequest::AddMember(AddMember {
            host: host.clone(),
            rank: Some(2),
        }),
        GroupRequest::RemoveMember(RemoveMember { host }),
        GroupRequest::ResetToConfig,
    ];
    for request in requests {
        let done = server
            .client
            .operate(&group("z/j"), &request)
            .await
            .unwrap();
        assert_eq!(done.note, format!("0x123456 10.0.0.3 {request:?}"));
    }
    let error = server.client.raise_term().await.unwrap_err();
    assert_eq!(error.to_string(), "this host knows of no manager");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_none_of_an_action_is_answered_with_the_right_one() {
    let server = Running::start();
    let rows = [
        ("promote", r#"{"too":"t"}"#, "400", r#"write {\"to\": HOST"#),
        ("add-member", "", "400", "missing field `host`"),
        (
            "checkpoint",
            r#"{"at":1}"#,
            "400",
            r#"write {}, {\"begin\": true} or {\"commit\": NUMBER}"#,
        ),
        (
            "checkpoint",
            r#"{"begin":true,"commit":1}"#,
            "400",
            "a checkpoint begins first and is committed later",
        ),
        ("explode", "", "404", "it is one of promote, move"),
    ];
    for (action, body, status, sentence) in rows {
        let request = format!(
            "POST /v1/groups/z/g/{action} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = server.raw(request.into()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{action}: {answer}"
        );
        assert!(answer.contains(sentence), "{action}: {answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn flight_records_are_listed_and_shown_and_no_path_is_one() {
    let server = Running::start();
    let flights = server.client.flights().await.unwrap();
    assert_eq!(flights, [flight_record().summary()]);
    let flight = server.client.flight(&flights[0].id).await.unwrap();
    assert_eq!(flight, flight_record());
    let up = b"GET /v1/flights/..%2f..%2fetc%2fpasswd HTTP/1.1\r\nhost: x\r\n\r\n".to_vec();
    let answer = server.raw(up).await;
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn events_are_told_to_the_end_or_as_they_happen() {
    let server = Running::start();
    for event in events() {
        server.log.push(event);
    }
    let mut reader = server.client.events(EventQuery::default()).await.unwrap();
    for event in events() {
        assert_eq!(reader.next().await.unwrap(), Some(event));
    }
    assert_eq!(reader.next().await.unwrap(), None);

    let mut reader = server.client.events(follow(2)).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap().sequence, 3);
    let late = timeout(Duration::from_millis(30), reader.next()).await;
    assert!(late.is_err(), "an event out of nothing");
    server.log.push(events().remove(0));
    assert_eq!(reader.next().await.unwrap().unwrap().sequence, 4);
    server.stop().await;
    let error = reader.next().await.unwrap_err();
    assert!(
        error.to_string().contains("has the daemon stopped?"),
        "{error}"
    );
}

#[tokio::test]
async fn a_follower_who_stops_reading_loses_the_oldest_and_is_told() {
    let server = Running::start();
    let mut reader = server.client.events(follow(0)).await.unwrap();
    let mut long = events().remove(0);
    long.text = "x".repeat(1 << 16);
    // What the socket and the server's own buffer hold is not lost.
    for _ in 0..200 {
        server.log.push(long.clone());
        tokio::task::yield_now().await;
    }
    let mut missing = 0;
    let mut read = 0;
    loop {
        let event = reader.next().await.unwrap().unwrap();
        if event.kind == LOST {
            missing += event.fields["events"].as_u64().unwrap();
        } else {
            read += 1;
        }
        if event.sequence == 200 {
            break;
        }
    }
    assert!(missing > 0, "everything was kept");
    assert_eq!(read + missing, 200);
    assert!(read >= EVENTS_KEPT as u64);
    server.stop().await;
}

#[tokio::test]
async fn followers_outlast_other_connections_and_have_places_of_their_own() {
    let server = Running::start();
    let mut readers = Vec::new();
    for _ in 0..FOLLOWERS_MAX {
        readers.push(server.client.events(follow(0)).await.unwrap());
    }
    let Err(ClientError::Refused(error)) = server.client.events(follow(0)).await else {
        panic!("one too many")
    };
    assert!(error.message.contains("16 readers follow"), "{error}");
    assert!(server.client.events(EventQuery::default()).await.is_ok());
    readers.pop();
    let mut tries = 0;
    while server.client.events(follow(0)).await.is_err() {
        tries += 1;
        assert!(
            tries < 100,
            "the place of a reader who left is not given back"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_follower_is_still_told_after_the_time_of_a_connection() {
    let server = Running::start();
    let mut stream = UnixStream::connect(&server.path).unwrap();
    stream
        .write_all(b"GET /v1/events?follow=1 HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let patience = Duration::from_secs(crate::server::CONNECTION_S_MAX + 1);
    tokio::time::sleep(patience).await;
    server.log.push(events().remove(1));
    let read = tokio::task::spawn_blocking(move || {
        let mut answer = Vec::new();
        let mut octets = [0; 4096];
        while !String::from_utf8_lossy(&answer).contains("promoted") {
            let count = stream.read(&mut octets).unwrap();
            assert!(count > 0, "hung up");
            answer.extend_from_slice(&octets[..count]);
        }
        let _ = stream.shutdown(Shutdown::Both);
    });
    read.await.unwrap();
    server.stop().await;
}
