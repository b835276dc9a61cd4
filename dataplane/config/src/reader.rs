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

    /// Reads a value, or says what is not as wanted.
    fn from_toml<'a>(file: usize, value: &'a Spanned<DeValue<'a>>) -> Result<Self, Mistyped<'a>>;

    /// A value of this type that the operator may have meant.
    fn meant(_found: &DeValue<'_>) -> Option<String> {
        None
    }
}

/// A value of another type than wanted: the one of a key, or one in its list.
pub(crate) struct Mistyped<'a> {
    found: &'a Spanned<DeValue<'a>>,
    wanted: &'static str,
    meant: Option<String>,
}

impl<'a> Mistyped<'a> {
    fn new<T: Shape>(found: &'a Spanned<DeValue<'a>>) -> Self {
        Self {
            found,
            wanted: T::WANTED,
            meant: T::meant(found.get_ref()),
        }
    }
}

impl Shape for String {
    const WANTED: &'static str = "a string in double quotes";

    fn from_toml<'a>(_: usize, value: &'a Spanned<DeValue<'a>>) -> Result<Self, Mistyped<'a>> {
        let text = value.get_ref().as_str().map(str::to_owned);
        text.ok_or_else(|| Mistyped::new::<Self>(value))
    }

    fn meant(found: &DeValue<'_>) -> Option<String> {
        found.as_integer().map(|number| format!("\"{number}\""))
    }
}

impl Shape for i64 {
    const WANTED: &'static str = "a whole number";

    fn from_toml<'a>(_: usize, value: &'a Spanned<DeValue<'a>>) -> Result<Self, Mistyped<'a>> {
        let integer = value
            .get_ref()
            .as_integer()
            .ok_or_else(|| Mistyped::new::<Self>(value))?;
        // Numbers beyond 64 bits saturate: no key allows them, and its range check names the range.
        let saturated = if integer.as_str().starts_with('-') {
            i64::MIN
        } else {
            i64::MAX
        };
        Ok(Self::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(saturated))
    }

    fn meant(found: &DeValue<'_>) -> Option<String> {
        let text = match found {
            DeValue::String(text) => text.as_ref(),
            DeValue::Float(float) => float.as_str().trim_end_matches('0').trim_end_matches('.'),
            _ => return None,
        };
        text.parse::<Self>().ok().map(|number| number.to_string())
    }
}

impl Shape for bool {
    const WANTED: &'static str = "true or false";

    fn from_toml<'a>(_: usize, value: &'a Spanned<DeValue<'a>>) -> Result<Self, Mistyped<'a>> {
        value
            .get_ref()
            .as_bool()
            .ok_or_else(|| Mistyped::new::<Self>(value))
    }

    fn meant(found: &DeValue<'_>) -> Option<String> {
        found
            .as_str()
            .filter(|text| matches!(*text, "true" | "false"))
            .map(str::to_owned)
    }
}

impl Shape for Vec<At<String>> {
    const WANTED: &'static str = "a list of strings in square brackets";

    fn from_toml<'a>(file: usize, value: &'a Spanned<DeValue<'a>>) -> Result<Self, Mistyped<'a>> {
        list(file, value)
    }

    fn meant(found: &DeValue<'_>) -> Option<String> {
        found.as_str().map(|text| format!("[\"{text}\"]"))
    }
}

impl Shape for Vec<At<i64>> {
    const WANTED: &'static str = "a list of whole numbers in square brackets";

    fn from_toml<'a>(file: usize, value: &'a Spanned<DeValue<'a>>) -> Result<Self, Mistyped<'a>> {
        list(file, value)
    }

    fn meant(found: &DeValue<'_>) -> Option<String> {
        found.as_integer().map(|number| format!("[{number}]"))
    }
}

fn list<'a, T: Shape>(
    file: usize,
    value: &'a Spanned<DeValue<'a>>,
) -> Result<Vec<At<T>>, Mistyped<'a>>
where
    Vec<At<T>>: Shape,
{
    let items = value
        .get_ref()
        .as_array()
        .ok_or_else(|| Mistyped::new::<Vec<At<T>>>(value))?;
    let item = |item: &'a Spanned<DeValue<'a>>| {
        let span = Span::new(file, item.span());
        T::from_toml(file, item).map(|value| At { value, span })
    };
    items.iter().map(item).collect()
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
    /// Required keys that are not there, each with a line that would do.
    missing: Vec<(&'static str, &'static str)>,
}

impl<'a> Section<'a> {
    pub fn new(name: &'static str, span: Span, table: &'a DeTable<'a>, drafts: &'a Drafts) -> Self {
        Self {
            name,
            span,
            table,
            drafts,
            known: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// The value of a key that may be left out.
    pub fn optional<T: Shape>(&mut self, key: &'static str) -> Option<At<T>> {
        let value = self.value(key)?;
        let mistyped = match T::from_toml(self.span.file, value) {
            Ok(read) => {
                return Some(At {
                    value: read,
                    span: self.place(value),
                });
            }
            Err(mistyped) => mistyped,
        };
        let Mistyped {
            found,
            wanted,
            meant,
        } = mistyped;
        let whole = found.span() == value.span();
        let which = if whole { "" } else { "each value of " };
        let kind = kind_of(found.get_ref());
        let message = format!(
            "{which}`{key}` in {} must be {wanted}, but this is {kind}",
            self.name
        );
        let help = match meant {
            Some(meant) if whole => format!("write {key} = {meant}"),
            Some(meant) => format!("write {meant} in the list"),
            None => format!("write {wanted} here"),
        };
        self.drafts.push(
            Draft::error(message)
                .at(self.place(found), "of another type")
                .help(help),
        );
        None
    }

    /// The value of a key that must be there; `example` is a line that would do.
    pub fn required<T: Shape>(
        &mut self,
        key: &'static str,
        example: &'static str,
    ) -> Option<At<T>> {
        if !self.table.contains_key(key) {
            self.missing.push((key, example));
        }
        self.optional(key)
    }

    /// A table below this one, written `[name]`.
    pub fn section(&mut self, key: &'static str, name: &'static str) -> Option<Section<'a>> {
        let value = self.value(key)?;
        if let DeValue::Table(table) = value.get_ref() {
            return Some(Section::new(name, self.place(value), table, self.drafts));
        }
        let kind = kind_of(value.get_ref());
        let draft = Draft::error(format!("`{key}` must be one section, but this is {kind}"))
            .at(self.place(first_of(value)), "not a section")
            .help(format!(
                "write {name} on a line of its own, with its keys below"
            ));
        self.drafts.push(draft);
        None
    }

    /// The tables of a list below this one, each written `[[name]]`.
    pub fn sections(&mut self, key: &'static str, name: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let items = match value.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![value],
        };
        let listed = value.get_ref().is_array();
        let mut sections = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) if listed => {
                    sections.push(Section::new(name, self.place(item), table, self.drafts));
                }
                other => {
                    let kind = kind_of(other);
                    let message = format!("`{key}` must be a list of sections, but this is {kind}");
                    let help = format!("write {name}, with double brackets, once for each {key}");
                    let draft = Draft::error(message).at(self.place(item), "not in a list");
                    self.drafts.push(draft.help(help));
                }
            }
        }
        sections
    }

    /// Ends the section: every key that was not asked for is unknown.
    ///
    /// A required key that was misspelt is reported once, as unknown.
    pub fn finish(mut self) {
        for key in self.table.keys() {
            let (word, span) = (
                key.get_ref().as_ref(),
                Span::new(self.span.file, key.span()),
            );
            if self.known.contains(&word) {
                continue;
            }
            let meant = closest(word, self.known.iter().copied());
            let help = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!(
                    "remove it, or use one of {}",
                    listed(self.known.iter().copied())
                ),
            };
            self.missing.retain(|(key, _)| Some(*key) != meant);
            let message = format!("unknown key `{word}` in {}", self.name);
            self.drafts
                .push(Draft::error(message).at(span, "unknown key").help(help));
        }
        for (key, example) in self.missing {
            let draft = Draft::error(format!("{} has no `{key}`", self.name))
                .at(self.span, format!("`{key}` is missing here"))
                .help(format!("add a line such as {example}"));
            self.drafts.push(draft);
        }
    }

    fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.table.get(key)
    }

    fn place(&self, value: &Spanned<DeValue<'_>>) -> Span {
        Span::new(self.span.file, value.span())
    }
}

/// What to point at: a list's first element, for a list of sections has no place of its own.
fn first_of<'a>(value: &'a Spanned<DeValue<'a>>) -> &'a Spanned<DeValue<'a>> {
    value
        .get_ref()
        .as_array()
        .and_then(|list| list.first())
        .unwrap_or(value)
}

/// A value's type in the operator's words.
fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a single section",
    }
}
