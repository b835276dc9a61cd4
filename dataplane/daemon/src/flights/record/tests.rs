use super::*;

fn seen(at: u64, kind: &str) -> Seen {
    Seen {
        at,
        kind: kind.to_owned(),
        text: String::new(),
        ms: None,
    }
}

fn drawn(seen: &[Seen]) -> Vec<(SpanKind, i64, i64)> {
    let spans = spans(seen, &|seen| seen.at as i64);
    let drawn = spans
        .iter()
        .map(|span| (span.kind, span.from_us, span.until_us));
    drawn.collect()
}

#[test]
fn what_lasted_is_drawn_from_what_began_it_to_what_ended_it() {
    let told = [
        seen(1, "muted"),
        seen(2, "hook_started"),
        seen(5, "hook_ended"),
        seen(6, "unmuted"),
        seen(9, "resigned"),
    ];
    let expected = [
        (SpanKind::Muted, 1, 6),
        (SpanKind::Hook, 2, 5),
        (SpanKind::Answering, 6, 9),
    ];
    assert_eq!(drawn(&told), expected);
}

#[test]
fn what_did_not_end_lasts_until_the_last_thing_that_was_seen() {
    let told = [seen(1, "frozen"), seen(2, "unmuted"), seen(8, "settled")];
    let expected = [(SpanKind::Hold, 1, 8), (SpanKind::Answering, 2, 8)];
    assert_eq!(drawn(&told), expected);
    assert!(drawn(&[]).is_empty());
}

#[test]
fn a_silence_is_drawn_back_to_where_it_began() {
    let told = [Seen {
        ms: Some(3),
        ..seen(5_000, "owner_silent")
    }];
    assert_eq!(drawn(&told), [(SpanKind::Silence, 2_000, 5_000)]);
}
