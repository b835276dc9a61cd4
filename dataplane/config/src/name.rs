//! Names: which are legal, which are taken, and which one was probably meant

use std::collections::HashMap;

use crate::problem::{Draft, Drafts};
use crate::source::{At, Span};

/// The longest name in characters: it becomes part of a file name and of a metric's label.
const NAME_CHARACTERS_MAX: usize = 63;

/// A list in a message is cut after so many names.
const LISTED_MAX: usize = 8;

/// The names of one kind, each with its position in the list that it came from.
pub(crate) struct Names<'a> {
    by_name: HashMap<&'a str, (usize, Span)>,
    in_order: Vec<&'a str>,
}

impl<'a> Names<'a> {
    /// Checks each name and reports those that are used twice; `kind` is the singular.
    ///
    /// A missing name keeps its position.
    pub fn collect(
        drafts: &Drafts,
        kind: &str,
        names: impl Iterator<Item = Option<&'a At<String>>>,
    ) -> Self {
        let mut known = Self {
            by_name: HashMap::new(),
            in_order: Vec::new(),
        };
        for (index, name) in names.enumerate() {
            let Some(At { value, span }) = name else {
                continue;
            };
            check_characters(drafts, kind, value, *span);
            if let Some((_, first)) = known.by_name.get(value.as_str()) {
                let draft = Draft::error(format!("two {kind}s are named \"{value}\""))
                    .at(*span, "the second")
                    .at(*first, "the first")
                    .help(format!("give each {kind} a name of its own"));
                drafts.push(draft);
                continue;
            }
            known.by_name.insert(value, (index, *span));
            known.in_order.push(value);
        }
        known
    }

    pub fn get(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).map(|&(index, _)| index)
    }

    /// Whether there is nothing to refer to; that has been reported where the list is checked.
    pub fn is_empty(&self) -> bool {
        self.in_order.is_empty()
    }

    /// The remedy for a name that is not known: the one that was meant, or all there are.
    pub fn suggest(&self, kind: &str, wrong: &str) -> String {
        match closest(wrong, self.in_order.iter().copied()) {
            Some(meant) => format!("did you mean \"{meant}\"?"),
            None if self.in_order.is_empty() => format!("no {kind} is defined yet: add it first"),
            None => format!("known {kind}s: {}", listed(self.in_order.iter().copied())),
        }
    }
}

fn check_characters(drafts: &Drafts, kind: &str, name: &str, span: Span) {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let (message, label) = if name.is_empty() {
        (format!("the name of a {kind} is empty"), "empty".to_owned())
    } else if let Some(wrong) = name.chars().find(|&c| !allowed(c)) {
        (
            format!("{wrong:?} in \"{name}\" may not stand in the name of a {kind}"),
            format!("contains {wrong:?}"),
        )
    } else if name.len() > NAME_CHARACTERS_MAX {
        (
            format!("the name of a {kind} has {} characters", name.len()),
            "too long".to_owned(),
        )
    } else {
        return;
    };
    let help =
        format!("use 1 to {NAME_CHARACTERS_MAX} characters of a to z, 0 to 9, \"-\" and \"_\"");
    drafts.push(Draft::error(message).at(span, label).help(help));
}

/// The candidate that differs from `word` by a slip of the finger or two.
pub(crate) fn closest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let slips_max = word.chars().count().div_ceil(3).min(3);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|&(slips, candidate)| slips <= slips_max && slips < candidate.chars().count())
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, candidate)| candidate)
}

/// `a, b, c`, cut when there are many.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    let shown = names[..names.len().min(LISTED_MAX)].join(", ");
    match names.len().checked_sub(LISTED_MAX) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}
