//! `understudyd replay` from the outside.

mod support;

use std::fs;

use pcap_file::DataLink;
use pcap_file::pcap::PcapHeader;
use support::frames::{self, udp};
use support::{Files, text, understudyd};

const A: [u8; 4] = [10, 0, 0, 2];
const C: [u8; 4] = [10, 0, 0, 4];
const G: [u8; 4] = [10, 0, 0, 3];

/// Replays `inputs` (`PORT=FILE`) into `out` and returns the lines of verdicts.jsonl.
fn replay(files: &Files, host: &str, inputs: &[&str]) -> Vec<serde_json::Value> {
    files.replay(host, inputs, "out");
    let lines = fs::read_to_string(files.path("out/verdicts.jsonl")).expect("verdicts");
    lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect()
}

#[test]
fn what_one_host_transmits_the_other_delivers_as_it_was_sent() {
    let files = Files::new();
    let sent: Vec<_> = (0..50)
        .map(|i| (i, udp(A, G, &vec![i as u8; i as usize * 29])))
        .collect();
    frames::write(&files.path("a.pcap"), &sent);
    let lines = replay(&files, "r", &["z/a=a.pcap"]);
    for (index, line) in lines.iter().enumerate() {
        let expected = serde_json::json!({
            "port": "z/a", "index": index, "verdict": "transmit", "reason": null, "out": [["uplink", index]],
        });
        assert_eq!(*line, expected);
    }
    assert_eq!(lines.len(), sent.len());
    fs::rename(files.path("out/uplink.pcap"), files.path("across.pcap")).expect("renamed");

    let lines = replay(&files, "s", &["uplink=across.pcap"]);
    assert!(lines.iter().all(|line| line["verdict"] == "deliver"));
    let arrived = frames::read(&files.path("out/z/g.pcap"));
    assert_eq!(arrived.len(), sent.len());
    for ((sent_us, sent), (us, arrived)) in sent.iter().zip(&arrived) {
        assert_eq!((us, &arrived[14..]), (sent_us, &sent[14..]));
    }
    assert!(frames::read(&files.path("out/y/g.pcap")).is_empty());
}

#[test]
fn every_verdict_has_its_form() {
    let files = Files::new();
    let mut arp = vec![0xff; 6];
    arp.extend([
        2, 0x55, 10, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0x55, 10, 0, 0, 2,
    ]);
    arp.extend([&A[..], &[0; 6], &G[..]].concat());
    let mut echo = vec![0; 12];
    echo.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 58, 64]);
    echo.extend([0x20; 16]);
    echo.extend(
        "2001:db8:0:1::2"
            .parse::<std::net::Ipv6Addr>()
            .expect("an address")
            .octets(),
    );
    echo.extend([128, 0, 0, 0, 0, 0, 0, 0]);
    frames::write(
        &files.path("a.pcap"),
        &[
            (0, udp(A, G, b"out")),
            (1, udp(A, C, b"here")),
            (2, udp(C, G, b"forged")),
            (3, arp),
        ],
    );
    frames::write(&files.path("up.pcap"), &[(4, echo), (5, vec![1, 2, 3])]);
    let lines = replay(&files, "r", &["z/a=a.pcap", "uplink=up.pcap"]);
    let line = |port: &str,
                index: u32,
                verdict: &str,
                reason: Option<&str>,
                out: serde_json::Value| {
        serde_json::json!({"port": port, "index": index, "verdict": verdict, "reason": reason, "out": out})
    };
    let none = || serde_json::json!([]);
    let expected = [
        line(
            "z/a",
            0,
            "transmit",
            None,
            serde_json::json!([["uplink", 0]]),
        ),
        line("z/a", 1, "deliver", None, serde_json::json!([["z/c", 0]])),
        // The forged packet carries the forger's own MAC in Ethernet only.
        line("z/a", 2, "drop", Some("l2_source_mac"), none()),
        line("z/a", 3, "transmit", None, serde_json::json!([["z/a", 0]])),
        line("uplink", 0, "punt", None, none()),
        line("uplink", 1, "drop", Some("l2_malformed"), none()),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn inputs_merge_by_time_and_ties_by_the_order_of_the_arguments() {
    let files = Files::new();
    let at = |times: &[u64], from, to| -> Vec<_> {
        times
            .iter()
            .map(|us| (*us, udp(from, to, &us.to_be_bytes())))
            .collect()
    };
    frames::write(&files.path("a.pcap"), &at(&[10, 20, 30], A, C));
    frames::write(&files.path("c.pcap"), &at(&[5, 20, 29], C, A));
    let order = |lines: Vec<serde_json::Value>| -> Vec<String> {
        lines
            .iter()
            .map(|line| {
                format!(
                    "{}{}",
                    line["port"].as_str().expect("a port"),
                    line["index"]
                )
            })
            .collect()
    };
    let lines = replay(&files, "r", &["z/a=a.pcap", "z/c=c.pcap"]);
    assert_eq!(
        order(lines),
        ["z/c0", "z/a0", "z/a1", "z/c1", "z/c2", "z/a2"]
    );
    let lines = replay(&files, "r", &["z/c=c.pcap", "z/a=a.pcap"]);
    assert_eq!(
        order(lines),
        ["z/c0", "z/a0", "z/c1", "z/a1", "z/c2", "z/a2"]
    );
}

#[test]
fn a_replay_is_repeatable_to_the_octet() {
    let files = Files::new();
    let packets: Vec<_> = (0..100)
        .map(|i| (i, udp(A, if i % 3 == 0 { C } else { G }, &[i as u8; 40])))
        .collect();
    frames::write(&files.path("a.pcap"), &packets);
    let run = || {
        replay(&files, "r", &["z/a=a.pcap"]);
        [
            "uplink.pcap",
            "z/a.pcap",
            "z/c.pcap",
            "y/a.pcap",
            "verdicts.jsonl",
        ]
        .map(|name| fs::read(files.path("out").join(name)).expect("every port has a file"))
    };
    assert_eq!(run(), run());
}

#[test]
fn a_capture_that_was_cut_at_its_snap_length_is_read_as_far_as_it_goes() {
    let files = Files::new();
    let header = PcapHeader {
        snaplen: 20,
        ..PcapHeader::default()
    };
    frames::write_with(&files.path("a.pcap"), header, &[(0, udp(A, G, b"cut"))]);
    let lines = replay(&files, "r", &["z/a=a.pcap"]);
    assert_eq!(lines[0]["verdict"], "transmit");
}

#[test]
fn what_cannot_be_replayed_is_said_in_a_sentence() {
    let files = Files::new();
    frames::write(&files.path("a.pcap"), &[]);
    let raw = PcapHeader {
        datalink: DataLink::RAW,
        ..PcapHeader::default()
    };
    frames::write_with(&files.path("raw.pcap"), raw, &[]);
    fs::write(files.path("text.pcap"), "hello, I am no capture").expect("written");
    fs::write(files.path("empty.pcap"), "").expect("written");
    let two = [(0, udp(A, G, b"whole")), (1, udp(A, G, b"cut off"))];
    frames::write(&files.path("half.pcap"), &two);
    let half = fs::read(files.path("half.pcap")).expect("written");
    fs::write(files.path("half.pcap"), &half[..half.len() - 5]).expect("written");
    let config = files.path("r.toml");
    for (input, sentence) in [
        (
            "z/g=a.pcap",
            "z/g is no port of host r; it has uplink, z/a, z/c, y/a",
        ),
        ("z/a=none.pcap", "No such file or directory"),
        ("z/a=text.pcap", "is not a usable capture"),
        ("z/a=.", "cannot read"),
        ("z/a=half.pcap", "it ends after 1 frames in something else"),
        ("z/a=empty.pcap", "it is shorter than a header"),
        ("z/a=raw.pcap", "only Ethernet (1) can be replayed"),
    ] {
        let (port, file) = input.split_once('=').expect("PORT=FILE");
        let input = format!("{port}={}", files.path(file).display());
        let (config, out) = (config.to_str().expect("UTF-8"), files.path("out"));
        let arguments = [
            "replay",
            "--config",
            config,
            "--rx",
            &input,
            "--out",
            out.to_str().expect("UTF-8"),
        ];
        let output = understudyd(&arguments);
        assert_eq!(output.status.code(), Some(1), "{input}");
        assert!(
            text(&output.stderr).contains(sentence),
            "{input}: {}",
            text(&output.stderr)
        );
    }
    let output = understudyd(&["replay", "--config", "x", "--rx", "uplink", "--out", "y"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("write PORT=FILE"));
}

#[test]
fn all_packet_blocks_of_pcapng_are_judged_in_their_order() {
    let block = |kind: u32, body: &[u8]| {
        let padded = body.len().next_multiple_of(4);
        let length = (12 + padded as u32).to_le_bytes();
        let mut block = [&kind.to_le_bytes()[..], &length, body].concat();
        block.resize(8 + padded, 0);
        block.extend(length);
        block
    };
    let frame = |n: u8| udp(A, G, &[n; 30]);
    let length = (frame(0).len() as u32).to_le_bytes();
    let section = [
        &0x1a2b_3c4d_u32.to_le_bytes()[..],
        &[1, 0, 0, 0],
        &[0xff; 8],
    ]
    .concat();
    let capture = [
        block(0x0a0d_0d0a, &section),
        block(1, &[1, 0, 0, 0, 0, 0, 0, 0]),
        // enhanced, at 5 microseconds; simple, without a time; enhanced, at 9
        block(
            6,
            &[&[0; 8][..], &[5, 0, 0, 0], &length, &length, &frame(0)].concat(),
        ),
        block(3, &[&length[..], &frame(1)].concat()),
        block(
            6,
            &[&[0; 8][..], &[9, 0, 0, 0], &length, &length, &frame(2)].concat(),
        ),
    ];
    let files = Files::new();
    fs::write(files.path("a.pcapng"), capture.concat()).expect("written");
    let lines = replay(&files, "r", &["z/a=a.pcapng"]);
    assert!(lines.iter().all(|line| line["verdict"] == "transmit"));
    let out = frames::read(&files.path("out/uplink.pcap"));
    assert_eq!(out.len(), 3);
    // Nanoseconds, since pcapng may have them.
    assert_eq!(
        out.iter().map(|(at, _)| *at).collect::<Vec<_>>(),
        [5_000, 5_000, 9_000]
    );
    assert!((0..3).all(|n| out[n].1[62..] == [n as u8; 30]));
}
