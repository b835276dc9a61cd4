//! From the path of a host's file to a configuration: includes, syntax, then every check

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::check;
use crate::model::Config;
use crate::problem::{Draft, Drafts, Errors};
use crate::raw::Raw;
use crate::source::{At, Source, Span};
use crate::syntax;

/// Reads a host's file and all that it includes, and checks everything.
///
/// Paths in `include` are relative to the file that has them.
///
/// # Errors
/// All that is wrong in all files, found in one run. A file with a syntax error is reported for
/// that alone, and then what other files refer to in it is not judged.
pub fn load(path: &Path) -> Result<Config, Errors> {
    let mut loader = Loader::default();
    loader.read_first(path);
    loader.read_includes();
    let Loader {
        sources,
        drafts,
        raw,
        unread,
        ..
    } = loader;
    let checked = if unread {
        None
    } else {
        check::all(&raw, &drafts)
    };
    let refused = drafts.has_errors();
    let problems = drafts.into_problems(&sources);
    match checked {
        Some(mut config) if !refused => {
            config.files = sources.into_iter().map(|source| source.path).collect();
            config.warnings = problems;
            Ok(config)
        }
        _ => Err(Errors::new(problems)),
    }
}

#[derive(Default)]
struct Loader {
    sources: Vec<Source>,
    drafts: Drafts,
    raw: Raw,
    /// Who asked for a file, by the file's real path; `None` for the host's own.
    seen: HashMap<PathBuf, Option<Span>>,
    waiting: Vec<At<String>>,
    /// A file is missing or is not legal TOML: what others refer to may well be in it.
    unread: bool,
}

impl Loader {
    fn read_first(&mut self, path: &Path) {
        match Source::read(path) {
            Ok(source) => {
                self.seen.insert(real(path), None);
                self.parse(source);
            }
            Err(why) => {
                self.unread = true;
                self.sources.push(Source::new(path, String::new()));
                let draft = Draft::error(format!("the configuration {why}"))
                    .at(Span::new(0, 0..0), "not readable");
                self.drafts
                    .push(draft.help("give the path of a host's TOML file that you may read"));
            }
        }
    }

    fn read_includes(&mut self) {
        while let Some(At { value, span }) = self.waiting.pop() {
            let parent = self.sources[span.file]
                .path
                .parent()
                .unwrap_or(Path::new(""));
            let path = parent.join(&value);
            if let Some(first) = self.seen.get(&real(&path)).copied() {
                self.drafts.push(included_twice(&value, span, first));
                continue;
            }
            match Source::read(&path) {
                Ok(source) => {
                    self.seen.insert(real(&path), Some(span));
                    self.parse(source);
                }
                Err(why) => {
                    self.unread = true;
                    let draft =
                        Draft::error(format!("the included file \"{}\" {why}", path.display()))
                            .at(span, "included here");
                    self.drafts
                        .push(draft.help("the path is relative to the file that includes it"));
                }
            }
        }
    }

    fn parse(&mut self, source: Source) {
        let file = self.sources.len();
        let text = source.text.inner().clone();
        self.sources.push(source);
        let document = match DeTable::parse(&text) {
            Ok(document) => document,
            Err(error) => {
                self.unread = true;
                self.drafts.push(syntax::explain(file, &text, &error));
                return;
            }
        };
        let start = Span::new(file, 0..0);
        match self.raw.add(&self.drafts, start, document.get_ref()) {
            // Taken from the end, so the first include is read first.
            Some(includes) => self.waiting.extend(includes.into_iter().rev()),
            None => self.unread = true,
        }
    }
}

fn included_twice(value: &str, span: Span, first: Option<Span>) -> Draft {
    match first {
        Some(first) => Draft::error(format!("\"{value}\" is included twice"))
            .at(span, "the second")
            .at(first, "the first")
            .help("remove one of the two"),
        None => Draft::error(format!(
            "\"{value}\" is the file that the includes began with"
        ))
        .at(span, "goes round in a circle")
        .help("remove this include"),
    }
}

/// One name for a file that is reached by several paths.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
