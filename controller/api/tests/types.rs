//! The JSON of version 1: what is in the golden files never changes, fields are only added.

use std::net::Ipv4Addr;

use api::{
    ApiError, Applied, Balance, Done, Event, FlightRecord, GroupStatus, Mapping, MappingBatch,
    MappingKey, NetworkRef, SpanKind, Status, is_flight_id,
};
use serde_json::{Value, json};

#[test]
fn a_status_reads_and_writes_the_golden_json() {
    let golden: Value = serde_json::from_str(include_str!("status.json")).unwrap();
    let status: Status = serde_json::from_value(golden.clone()).unwrap();
    assert_eq!(serde_json::to_value(&status).unwrap(), golden);
    assert_eq!(
        status.balance.drawn(),
        status.balance,
        "the golden balance is not level"
    );
}

#[test]
fn a_status_with_fields_of_a_later_release_is_still_read() {
    let mut later: Value = serde_json::from_str(include_str!("status.json")).unwrap();
    later["groups"] = json!([{"name": "new"}]);
    later["ports"][0]["queues"] = json!(4);
    assert_eq!(serde_json::from_value::<Status>(later).unwrap().host, "r");
}

#[test]
fn batches_read_and_write_the_golden_json() {
    let z = NetworkRef::Name("z".to_owned());
    let address = Ipv4Addr::new(10, 0, 0, 9);
    let plain = Mapping {
        network: z.clone(),
        address,
        host: "s".to_owned(),
        generation: None,
    };
    let full = Mapping {
        network: NetworkRef::Id(0x12_3456),
        generation: Some(2),
        ..plain.clone()
    };
    let rows = [
        (
            MappingBatch::Add {
                mappings: vec![plain, full],
            },
            json!({"op": "add", "mappings": [
                {"network": "z", "address": "10.0.0.9", "host": "s"},
                {"network": 0x12_3456, "address": "10.0.0.9", "host": "s",
                 "generation": 2},
            ]}),
        ),
        (
            MappingBatch::Remove {
                mappings: vec![MappingKey {
                    network: z,
                    address,
                }],
            },
            json!({"op": "remove", "mappings": [{"network": "z", "address": "10.0.0.9"}]}),
        ),
    ];
    for (batch, golden) in rows {
        assert_eq!(serde_json::to_value(&batch).unwrap(), golden);
        assert_eq!(
            MappingBatch::from_json(golden.to_string().as_bytes()).unwrap(),
            batch
        );
    }
}

#[test]
fn answers_read_and_write_the_golden_json() {
    let applied = Applied {
        table_version: 8,
        changed: 2,
        persisted: false,
        note: "not persisted: gone when the daemon restarts".to_owned(),
    };
    let golden = json!({"table_version": 8, "changed": 2, "persisted": false,
        "note": "not persisted: gone when the daemon restarts"});
    assert_eq!(serde_json::to_value(&applied).unwrap(), golden);
    assert_eq!(serde_json::from_value::<Applied>(golden).unwrap(), applied);

    let error = ApiError::at(1, "there is no network \"q\"");
    let golden = json!({"kind": "invalid", "message": "there is no network \"q\"", "index": 1});
    assert_eq!(serde_json::to_value(&error).unwrap(), golden);
    assert_eq!(serde_json::from_value::<ApiError>(golden).unwrap(), error);
}

#[test]
fn groups_events_and_flight_records_read_and_write_the_golden_json() {
    let golden: Value = serde_json::from_str(include_str!("groups.json")).unwrap();
    let groups: Vec<GroupStatus> = serde_json::from_value(golden.clone()).unwrap();
    assert_eq!(serde_json::to_value(&groups).unwrap(), golden);
    let golden: Value = serde_json::from_str(include_str!("flight.json")).unwrap();
    let flight: FlightRecord = serde_json::from_value(golden.clone()).unwrap();
    assert_eq!(serde_json::to_value(&flight).unwrap(), golden);
    assert!(is_flight_id(&flight.id));
    for line in include_str!("events.jsonl").lines() {
        let golden: Value = serde_json::from_str(line).unwrap();
        let event: Event = serde_json::from_value(golden.clone()).unwrap();
        assert_eq!(serde_json::to_value(&event).unwrap(), golden);
    }
    let done = Done {
        epoch: Some("1.18".to_owned()),
        owner: Some("t".to_owned()),
        checkpoint: None,
        flight: None,
        note: "t owns 10.0.0.3 now".to_owned(),
    };
    let golden = json!({"epoch": "1.18", "owner": "t", "note": "t owns 10.0.0.3 now"});
    assert_eq!(serde_json::to_value(&done).unwrap(), golden);
    assert_eq!(serde_json::from_value::<Done>(golden).unwrap(), done);
}

#[test]
fn a_span_of_a_later_release_is_still_read() {
    assert_eq!(
        serde_json::from_value::<SpanKind>(json!("dream")).unwrap(),
        SpanKind::Other
    );
}

#[test]
fn no_path_is_the_id_of_a_flight_record() {
    for wrong in [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "a b",
        "a%2fb",
        &"x".repeat(101),
    ] {
        assert!(!is_flight_id(wrong), "{wrong:?}");
    }
}

#[test]
fn a_network_is_an_id_where_it_is_a_number_and_a_name_otherwise() {
    let rows: [(&str, Option<NetworkRef>); 12] = [
        ("0x123456", Some(NetworkRef::Id(0x12_3456))),
        ("17", Some(NetworkRef::Id(17))),
        ("0xfffffe", Some(NetworkRef::Id(0xff_fffe))),
        ("z", Some(NetworkRef::Name("z".to_owned()))),
        (
            "tenant-1_b",
            Some(NetworkRef::Name("tenant-1_b".to_owned())),
        ),
        ("17a", Some(NetworkRef::Name("17a".to_owned()))),
        ("0", None),
        ("0xffffff", None),
        ("99999999999999999999", None),
        ("", None),
        ("Z", None),
        ("z/a", None),
    ];
    for (text, expected) in rows {
        assert_eq!(text.parse().ok(), expected, "{text:?}");
    }
}

#[test]
fn arbitrary_text_is_no_batch_and_no_panic() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "\u{0}",
        "{\"op\":[]}",
        "{\"op\":\"add\",\"mappings\":{}}",
    ] {
        assert!(
            MappingBatch::from_json(body.as_bytes()).is_err(),
            "{body:?}"
        );
    }
    let deep = "[".repeat(100_000);
    assert!(MappingBatch::from_json(deep.as_bytes()).is_err());
    let deep = format!("{{\"op\":\"add\",\"mappings\":[{deep}");
    assert!(MappingBatch::from_json(deep.as_bytes()).is_err());
}

#[test]
fn the_balance_is_what_came_in_less_what_went_out() {
    let level = Balance {
        received: 10,
        injected: 2,
        copied: 3,
        generated: 5,
        delivered: 9,
        transmitted: 4,
        punted: 1,
        dropped: 3,
        kept: 3,
        unexplained: 99,
    };
    assert_eq!(level.drawn().unexplained, 0);
    assert_eq!(
        Balance {
            received: 11,
            ..level
        }
        .drawn()
        .unexplained,
        1
    );
    assert_eq!(
        Balance {
            delivered: 11,
            ..level
        }
        .drawn()
        .unexplained,
        -2
    );
    let huge = Balance {
        received: u64::MAX,
        ..Balance::default()
    };
    assert_eq!(huge.drawn().unexplained, i64::MAX);
}
