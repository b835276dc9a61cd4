//! Files and places in them: what an error points at

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::NamedSource;

/// A larger file is not a configuration but a mistake, such as an included device node.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// A range of bytes in one of the [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub file: usize,
    pub start: usize,
    pub end: usize,
}

impl Span {
    pub fn new(file: usize, range: Range<usize>) -> Self {
        Self {
            file,
            start: range.start,
            end: range.end,
        }
    }
}

/// A value and where it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<T> {
    pub value: T,
    pub span: Span,
}

/// One file: its text, and where its lines begin.
pub(crate) struct Source {
    pub path: PathBuf,
    pub text: Arc<NamedSource<String>>,
    line_starts: Vec<usize>,
}

impl Source {
    /// `path` is shown to the operator as it stands.
    pub fn new(path: &Path, text: String) -> Self {
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(offset, _)| offset + 1))
            .collect();
        let text = NamedSource::new(path.display().to_string(), text).with_language("TOML");
        Self {
            path: path.to_owned(),
            text: Arc::new(text),
            line_starts,
        }
    }

    /// Reads a file; the error is a sentence that follows the file's name.
    pub fn read(path: &Path) -> Result<Self, String> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(|error| format!("cannot be read: {error}"))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(format!("is larger than {} MiB", FILE_BYTES_MAX >> 20));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|&&byte| byte == b'\n').count();
            format!("is not UTF-8 text: the first wrong byte is in line {line}")
        })?;
        Ok(Self::new(path, text))
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    pub fn line_column(&self, offset: usize) -> (usize, usize) {
        let text = self.text.inner();
        let mut offset = offset.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let column = text[self.line_starts[line - 1]..offset].chars().count() + 1;
        (line, column)
    }
}
