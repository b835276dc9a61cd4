use super::*;
use api::{FlightEntry, FlightHost};

fn golden() -> FlightRecord {
    serde_json::from_str(include_str!("../../../../api/tests/flight.json")).unwrap()
}

/// Where labels stand: row, from, until.
fn label_places(host: &FlightHost, scale: &Scale) -> Vec<(usize, f64, f64)> {
    let (labels, _) = labels::labels(&host.entries, |at| scale.x(at));
    let place = |label: labels::Label<'_>| {
        let from = scale.x(label.entry.at_us);
        let words = format!("{} {}", milliseconds(label.entry.at_us), label.entry.text);
        (label.row, from, from + width(&words))
    };
    labels.into_iter().map(place).collect()
}

#[test]
fn no_label_covers_another_and_no_leader_crosses_a_label() {
    let mut flight = golden();
    flight.hosts[2]
        .entries
        .extend((0..40).map(|number| FlightEntry {
            at_us: 150_000 + number * 137,
            kind: "acknowledged".to_owned(),
            text: format!("acknowledged by host {number}"),
        }));
    let scale = Scale::over(&flight);
    for host in &flight.hosts {
        let places = label_places(host, &scale);
        for (index, &(row, from, until)) in places.iter().enumerate() {
            for &(other_row, other_from, _) in &places[index + 1..] {
                assert!(row != other_row || until <= other_from, "covered");
                // The leader of the other goes down through all rows above its own.
                let crosses = other_row > row && other_from > from && other_from < until;
                assert!(!crosses, "crossed");
            }
        }
    }
}

#[test]
fn what_a_record_says_is_text_and_never_markup() {
    let mut flight = golden();
    let evil = "</text><script>alert(\"1\")</script>&\u{0}\u{b}'";
    flight.text = evil.to_owned();
    flight.cause = evil.to_owned();
    flight.group = evil.to_owned();
    flight.time_base.zero = evil.to_owned();
    flight.missing = vec![evil.to_owned()];
    flight.packets_by_fate.insert(evil.to_owned(), 1);
    let host = &mut flight.hosts[1];
    host.host = evil.to_owned();
    host.part = evil.to_owned();
    host.epochs[0] = Some(evil.to_owned());
    host.spans[0].text = evil.to_owned();
    host.entries[0].text = evil.to_owned();
    host.entries[0].kind = evil.to_owned();
    let picture = draw(&flight);
    assert!(!picture.contains("<script") && !picture.contains('\u{0}'));
    assert!(picture.contains("&lt;script&gt;alert(&quot;1&quot;)"));
}

#[test]
fn odd_records_are_drawn_too() {
    let mut empty = golden();
    empty.hosts.clear();
    empty.missing.clear();
    empty.first_answer_us = None;
    (empty.from, empty.to) = (None, None);
    assert!(draw(&empty).contains("nobody \u{2192} nobody"));
    let mut extreme = golden();
    extreme.hosts[0].entries[0].at_us = i64::MIN;
    extreme.hosts[0].spans[0].until_us = i64::MAX;
    extreme.hosts[1].spans[0].until_us = -1;
    extreme.hosts[1].uncertainty_us = u64::MAX;
    let picture = draw(&extreme);
    assert!(!picture.contains("NaN") && !picture.contains("inf"));
}

#[test]
fn ticks_are_round_and_apart() {
    let mut flight = golden();
    for factor in [1, 10, 100, 1000, 100_000] {
        flight.hosts.truncate(1);
        flight.hosts[0].spans.truncate(1);
        flight.hosts[0].spans[0].until_us = 1234 * factor;
        let scale = Scale::over(&flight);
        let ticks = scale.ticks();
        assert!((3..=16).contains(&ticks.len()), "{ticks:?}");
        for pair in ticks.windows(2) {
            assert!(scale.x(pair[1]) - scale.x(pair[0]) > 60.0, "{ticks:?}");
        }
    }
}
