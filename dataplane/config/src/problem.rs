//! What is wrong with a configuration, for a human and for a machine
//!
//! While the files are checked, findings are collected as [`Draft`]s that point at byte ranges.
//! When all is read they become [`Problem`]s, which carry their text and outlive the checker.

use std::cell::RefCell;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};
use miette::{Severity, SourceCode};

use crate::source::{Source, Span};

/// The report shows so many problems in full; the lines and the JSON show all.
const REPORTED_PROBLEMS_MAX: usize = 50;

/// Why a configuration cannot be used: at least one [`Problem`], every one that was found.
///
/// `Display` gives one line each, `FILE:LINE:COLUMN: MESSAGE (HELP)`; [`Errors::report`] draws the
/// lines of the file around them, [`Errors::json`] is for machines.
#[derive(Clone, Debug)]
pub struct Errors {
    problems: Vec<Problem>,
}

impl Errors {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        debug_assert!(!problems.is_empty(), "refused without a reason");
        Self { problems }
    }

    /// Errors and warnings in the order of the files, for each its place and a remedy.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// As [`report`], for all problems.
    #[must_use]
    pub fn report(&self, colour: bool) -> String {
        report(&self.problems, colour)
    }

    /// As [`json`], for all problems.
    #[must_use]
    pub fn json(&self) -> String {
        json(&self.problems)
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}

/// One thing that is wrong (or, as a warning, odd), where, and what to write instead.
///
/// `Display` gives `FILE:LINE:COLUMN: MESSAGE; see FILE:LINE:COLUMN (HELP)` on one line.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Whether it keeps the configuration from being used.
    pub severity: Severity,
    /// What is wrong, with the value found.
    pub message: String,
    /// What to write instead.
    pub help: String,
    /// The place to change, then those that it conflicts with; never empty.
    pub places: Vec<Place>,
}

/// A place in a file, and its part in the problem.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file, as the operator named it.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What stands here.
    pub label: String,
    offset: usize,
    bytes: usize,
    text: Arc<NamedSource<String>>,
}

impl Place {
    fn new(sources: &[Source], span: Span, label: String) -> Self {
        let source = &sources[span.file];
        let (line, column) = source.line_column(span.start);
        Self {
            file: source.path.clone(),
            line,
            column,
            label,
            offset: span.start,
            bytes: span.end - span.start,
            text: Arc::clone(&source.text),
        }
    }

    /// The report's heading names the place of the primary mark.
    fn mark(&self, primary: bool) -> LabeledSpan {
        let (label, span) = (Some(self.label.clone()), (self.offset, self.bytes));
        match primary {
            true => LabeledSpan::new_primary_with_span(label, span),
            false => LabeledSpan::new_with_span(label, span),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warning = if self.severity == Severity::Error {
            ""
        } else {
            "warning: "
        };
        write!(f, "{}: {warning}{}", self.places[0], self.message)?;
        for place in &self.places[1..] {
            write!(f, "; see {place}")?;
        }
        write!(f, " ({})", self.help)
    }
}

/// The problems drawn into the lines that they are about, with colours or without.
#[must_use]
pub fn report(problems: &[Problem], colour: bool) -> String {
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(100);
    let mut out = String::new();
    for problem in problems.iter().take(REPORTED_PROBLEMS_MAX) {
        if handler
            .render_report(&mut out, &Drawn::of(problem))
            .is_err()
        {
            out.push_str(&problem.to_string());
        }
        out.push('\n');
    }
    if let Some(more @ 1..) = problems.len().checked_sub(REPORTED_PROBLEMS_MAX) {
        out.push_str(&format!("and {more} more\n"));
    }
    out
}

/// The problems as a JSON array of `{severity, file, line, column, message, help, see}`, where
/// `see` lists the other places as `{file, line, column, label}`.
#[must_use]
pub fn json(problems: &[Problem]) -> String {
    let list: Vec<_> = problems
        .iter()
        .map(|problem| {
            let place = &problem.places[0];
            let see: Vec<_> = problem.places[1..]
                .iter()
                .map(|other| {
                    serde_json::json!({
                        "file": other.file.display().to_string(),
                        "line": other.line,
                        "column": other.column,
                        "label": other.label,
                    })
                })
                .collect();
            serde_json::json!({
                "severity": if problem.severity == Severity::Error { "error" } else { "warning" },
                "file": place.file.display().to_string(),
                "line": place.line,
                "column": place.column,
                "message": problem.message,
                "help": problem.help,
                "see": see,
            })
        })
        .collect();
    format!("{:#}", serde_json::Value::Array(list))
}

/// A problem as miette draws it: one file each, so places in another file become a sub-report.
#[derive(Debug)]
struct Drawn<'a> {
    severity: Severity,
    message: &'a str,
    help: &'a str,
    places: Vec<&'a Place>,
    elsewhere: Vec<Drawn<'a>>,
}

impl<'a> Drawn<'a> {
    fn of(problem: &'a Problem) -> Self {
        let (places, others): (Vec<_>, Vec<_>) = problem
            .places
            .iter()
            .partition(|place| place.file == problem.places[0].file);
        let elsewhere = others
            .into_iter()
            .map(|place| Drawn {
                severity: Severity::Advice,
                message: &place.label,
                help: "",
                places: vec![place],
                elsewhere: Vec::new(),
            })
            .collect();
        let Problem {
            severity,
            message,
            help,
            ..
        } = problem;
        Self {
            severity: *severity,
            message,
            help,
            places,
            elsewhere,
        }
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source_code().is_none() {
            write!(f, "{}: ", self.places[0].file.display())?;
        }
        f.write_str(self.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.help.is_empty()).then(|| Box::new(self.help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let text = &self.places[0].text;
        // An empty or unreadable file has no line to draw; then the message names the file.
        (!text.inner().is_empty()).then_some(&**text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let marks = self.places.iter().enumerate();
        Some(Box::new(marks.map(|(index, place)| place.mark(index == 0))))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        (!self.elsewhere.is_empty()).then(|| {
            let each = self.elsewhere.iter().map(|other| other as &dyn Diagnostic);
            Box::new(each) as Box<dyn Iterator<Item = &dyn Diagnostic>>
        })
    }
}

/// A finding of the checker, before its places are looked up.
#[derive(Debug)]
pub(crate) struct Draft {
    severity: Severity,
    message: String,
    help: String,
    marks: Vec<(Span, String)>,
}

impl Draft {
    pub fn error(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            severity: Severity::Error,
            message,
            help: String::new(),
            marks: Vec::new(),
        }
    }

    pub fn warning(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(message)
        }
    }

    /// Adds a place: first the one to change, then those that it conflicts with.
    pub fn at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.marks.push((span, label.into()));
        self
    }

    /// Says what to write instead, without a full stop.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// Everything found so far.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    list: RefCell<Vec<Draft>>,
}

impl Drafts {
    pub fn push(&self, draft: Draft) {
        debug_assert!(
            !draft.marks.is_empty() && !draft.help.is_empty(),
            "{draft:?}"
        );
        self.list.borrow_mut().push(draft);
    }

    pub fn has_errors(&self) -> bool {
        self.list
            .borrow()
            .iter()
            .any(|draft| draft.severity == Severity::Error)
    }

    /// Looks the places up and sorts the problems as a reader of the files meets them.
    pub fn into_problems(self, sources: &[Source]) -> Vec<Problem> {
        let mut drafts = self.list.into_inner();
        drafts.sort_by_key(|draft| draft.marks[0].0);
        drafts
            .into_iter()
            .map(
                |Draft {
                     severity,
                     message,
                     help,
                     marks,
                 }| Problem {
                    severity,
                    message,
                    help,
                    places: marks
                        .into_iter()
                        .map(|(span, label)| Place::new(sources, span, label))
                        .collect(),
                },
            )
            .collect()
    }
}
