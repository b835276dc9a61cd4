//! Colours, fonts, and text that is safe to stand in a document.

use api::SpanKind;

/// How the classes look. Fonts are those that each system has.
pub const STYLE: &str = "<style>\n\
text { font-family: 'Inter', 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif; fill: #1f2328; }\n\
.paper { fill: #ffffff; }\n\
.lane { fill: #f4f6f8; }\n\
.grid { stroke: #e1e6eb; stroke-width: 1; }\n\
.title { font-size: 24px; font-weight: 600; }\n\
.cause { font-size: 14px; }\n\
.facts { font-size: 12.5px; fill: #57606a; }\n\
.host { font-size: 15px; font-weight: 600; }\n\
.part { font-size: 12px; fill: #424a53; }\n\
.small { font-size: 10px; fill: #6e7781; }\n\
.bar, .beside { font-size: 11.5px; }\n\
.label { font-size: 11px; }\n\
.label, .beside { paint-order: stroke; stroke: #f4f6f8; stroke-width: 4px; stroke-linejoin: round; }\n\
.at { fill: #57606a; }\n\
.leader { stroke: #b4bcc5; stroke-width: 1; }\n\
.reach { stroke: #57606a; stroke-width: 1.5; fill: none; }\n\
.tick { font-size: 11px; fill: #57606a; text-anchor: middle; }\n\
.axis { font-size: 11px; fill: #57606a; }\n\
.legend { font-size: 11.5px; fill: #424a53; }\n\
line.zero { stroke: #6e7781; stroke-dasharray: 4 3; }\n\
line.answer { stroke: #1a7f37; stroke-width: 1.5; stroke-dasharray: 4 3; }\n\
text.zero { font-size: 11px; fill: #6e7781; }\n\
text.answer { font-size: 11.5px; font-weight: 600; fill: #1a7f37; }\n\
</style>\n";

/// What a span is called.
pub fn span_name(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Lease => "lease",
        SpanKind::Silence => "silence",
        SpanKind::Muted => "muted",
        SpanKind::Hold => "held back",
        SpanKind::Release => "release",
        SpanKind::Hook => "hook",
        SpanKind::Answering => "answering",
        SpanKind::Other => "other",
    }
}

/// Light enough for dark text on it.
pub fn span_colour(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Lease => "#a9d8f5",
        SpanKind::Silence => "#f6c1bc",
        SpanKind::Muted => "#f3b37a",
        SpanKind::Hold => "#f5dd8a",
        SpanKind::Release => "#b6b4f0",
        SpanKind::Hook => "#d9bfe8",
        SpanKind::Answering => "#97d9a4",
        SpanKind::Other => "#d0d7de",
    }
}

/// Marks by what they are about, in the order of a flight.
const MARKS: [(&str, &str, &[&str]); 4] = [
    (
        "#cf222e",
        "evidence",
        &[
            "suspect",
            "fault",
            "stopped",
            "bounce",
            "probe_failed",
            "lease_over",
            "withdrawn",
        ],
    ),
    (
        "#8250df",
        "decision",
        &[
            "decided",
            "persisted",
            "granted",
            "handover",
            "aborted",
            "operator",
        ],
    ),
    (
        "#0969da",
        "knowledge",
        &[
            "heartbeat",
            "installed",
            "announced",
            "acknowledged",
            "fenced",
            "frozen",
            "muted",
        ],
    ),
    (
        "#1a7f37",
        "output",
        &["unmuted", "released", "first_answer", "forwarded"],
    ),
];

/// What is none of those.
const OTHER: (&str, &str) = ("#57606a", "other");

/// The colour of a mark of this kind.
pub fn mark_colour(kind: &str) -> &'static str {
    let group = MARKS.iter().find(|(_, _, kinds)| kinds.contains(&kind));
    group.map_or(OTHER.0, |(colour, _, _)| colour)
}

/// The colours of marks and what each stands for.
pub fn mark_groups() -> impl Iterator<Item = (&'static str, &'static str)> {
    MARKS
        .iter()
        .map(|&(colour, name, _)| (colour, name))
        .chain([OTHER])
}

/// Text that is only text in an XML document: what would be markup is escaped, what may not stand in
/// one at all (XML 1.0 section 2.2) is replaced.
pub fn escaped(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for character in words.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            '\t' | '\n' | '\r' => text.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => text.push('\u{fffd}'),
            other => text.push(other),
        }
    }
    text
}
