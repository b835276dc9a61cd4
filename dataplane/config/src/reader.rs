//! Sections, keys and types: from the parser's tree to values that remember their place
//!
//! A [`Section`] knows which keys were asked for, so what nobody asked for is unknown. Nothing
//! here stops at the first error.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::name::{closest, listed};
use crate::problem::{Draft, Drafts};
use crate::source::{At, Span};

/// A TOML type that a key may have.
pub(crate) trait Shape: Sized {
    /// The type in the operator's words, with its article.
    const WANTED: &'static str;

    /// `None` if the value is of another type.
    fn from_toml(file: usize, value: &DeValue<'_>) -> Option<Self>;
}

impl Shape for String {
    const WANTED: &'static str = "a string in double quotes";

    fn from_toml(_: usize, value: &DeValue<'_>) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Shape for i64 {
    const WANTED: &'static str = "a whole number";

    fn from_toml(_: usize, value: &DeValue<'_>) -> Option<Self> {
        let integer = value.as_integer()?;
        // Numbers beyond 64 bits saturate: no key allows them, and its range check names the range.
        let saturated = if integer.as_str().starts_with('-') { i64::MIN } else { i64::MAX };
        Some(Self::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(saturated))
    }
}

impl Shape for bool {
    const WANTED: &'static str = "true or false";

    fn from_toml(_: usize, value: &DeValue<'_>) -> Option<Self> {
        value.as_bool()
    }
}

impl Shape for Vec<At<String>> {
    const WANTED: &'static str = "a list of strings, such as [\"a\", \"b\"]";

    fn from_toml(file: usize, value: &DeValue<'_>) -> Option<Self> {
        list(file, value)
    }
}

impl Shape for Vec<At<i64>> {
    const WANTED: &'static str = "a list of whole numbers, such as [1, 2]";

    fn from_toml(file: usize, value: &DeValue<'_>) -> Option<Self> {
        list(file, value)
    }
}

fn list<T: Shape>(file: usize, value: &DeValue<'_>) -> Option<Vec<At<T>>> {
    let element = |item: &Spanned<DeValue<'_>>| {
        let value = T::from_toml(file, item.get_ref())?;
        Some(At { value, span: Span::new(file, item.span()) })
    };
    value.as_array()?.iter().map(element).collect()
}

/// One table of a file while it is read.
pub(crate) struct Section<'a> {
    /// As the operator writes it: `[uplink]`, `[[port]]`.
    name: &'static str,
    /// Where it begins.
    pub span: Span,
    table: &'a DeTable<'a>,
    drafts: &'a Drafts,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub fn new(
        name: &'static str,
        span: Span,
        table: &'a DeTable<'a>,
        drafts: &'a Drafts,
    ) -> Self {
        Self { name, span, table, drafts, known: Vec::new() }
    }

    /// The value of a key that may be left out.
    pub fn optional<T: Shape>(&mut self, key: &'static str) -> Option<At<T>> {
        let (value, span) = self.value(key)?;
        let read = T::from_toml(span.file, value).map(|value| At { value, span });
        if read.is_none() {
            let message = format!(
                "`{key}` in {} must be {}, but this is {}",
                self.name,
                T::WANTED,
                with_article(value.type_str())
            );
            let help = format!("write {key} = {}", example_of::<T>(value));
            self.drafts.push(Draft::error(message).at(span, T::WANTED).help(help));
        }
        read
    }

    /// The value of a key that must be there; `example` is a line that would do.
    pub fn required<T: Shape>(&mut self, key: &'static str, example: &str) -> Option<At<T>> {
        if !self.table.contains_key(key) {
            self.known.push(key);
            let draft = Draft::error(format!("{} has no `{key}`", self.name))
                .at(self.span, format!("`{key}` is missing here"));
            self.drafts.push(draft.help(format!("add a line such as {example}")));
            return None;
        }
        self.optional(key)
    }

    /// A table below this one, written `[name]`.
    pub fn section(&mut self, key: &'static str, name: &'static str) -> Option<Section<'a>> {
        let (value, span) = self.value(key)?;
        if let DeValue::Table(table) = value {
            return Some(Section::new(name, span, table, self.drafts));
        }
        let span = match value {
            DeValue::Array(list) => list.first().map_or(span, |one| Span::new(span.file, one.span())),
            _ => span,
        };
        let message = format!("`{key}` must be one section, but this is {}", with_article(value.type_str()));
        let help = format!("write {name} on a line of its own, with its keys below");
        self.drafts.push(Draft::error(message).at(span, "not a section").help(help));
        None
    }

    /// The tables of a list below this one, each written `[[name]]`.
    pub fn sections(&mut self, key: &'static str, name: &'static str) -> Vec<Section<'a>> {
        let Some((value, span)) = self.value(key) else { return Vec::new() };
        let refuse = |span, kind: &str| {
            let message = format!("`{key}` must be a list of sections, but this is {}", with_article(kind));
            let help = format!("write {name}, with double brackets, once for each {key}");
            self.drafts.push(Draft::error(message).at(span, "not a list of sections").help(help));
        };
        let DeValue::Array(list) = value else {
            refuse(span, value.type_str());
            return Vec::new();
        };
        let mut sections = Vec::with_capacity(list.len());
        for item in list {
            let span = Span::new(span.file, item.span());
            match item.get_ref() {
                DeValue::Table(table) => sections.push(Section::new(name, span, table, self.drafts)),
                other => refuse(span, other.type_str()),
            }
        }
        sections
    }

    /// Refuses a section that another version reads.
    pub fn not_yet(&mut self, key: &'static str, message: &str, help: &str) {
        if let Some((value, span)) = self.value(key) {
            let first = value.as_array().and_then(|list| list.first());
            let span = first.map_or(span, |one| Span::new(span.file, one.span()));
            self.drafts.push(Draft::error(message).at(span, "not in this version").help(help));
        }
    }

    /// Ends the section: every key that was not asked for is unknown.
    pub fn finish(self) {
        for key in self.table.keys() {
            let (word, span) = (key.get_ref().as_ref(), Span::new(self.span.file, key.span()));
            if self.known.contains(&word) {
                continue;
            }
            let help = match closest(word, self.known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("remove it, or use one of {}", listed(self.known.iter().copied())),
            };
            let message = format!("unknown key `{word}` in {}", self.name);
            self.drafts.push(Draft::error(message).at(span, "unknown key").help(help));
        }
    }

    fn value(&mut self, key: &'static str) -> Option<(&'a DeValue<'a>, Span)> {
        self.known.push(key);
        let value = self.table.get(key)?;
        Some((value.get_ref(), Span::new(self.span.file, value.span())))
    }
}

/// What the operator may have meant: the number in a string as a number, and the other way round.
fn example_of<T: Shape>(found: &DeValue<'_>) -> String {
    match found {
        DeValue::Integer(number) if T::WANTED == String::WANTED => format!("\"{number}\""),
        DeValue::Integer(number) if T::WANTED == Vec::<At<i64>>::WANTED => format!("[{number}]"),
        DeValue::String(text) if T::WANTED == Vec::<At<String>>::WANTED => format!("[\"{text}\"]"),
        DeValue::String(text) if T::WANTED == i64::WANTED && text.parse::<i64>().is_ok() => {
            format!("{text}, without quotes")
        }
        _ => T::WANTED.to_owned(),
    }
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {kind}")
}
