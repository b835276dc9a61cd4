//! What a reader of a failure sees: the last things that happened, in words.

use std::collections::VecDeque;
use std::fmt;

use crate::clock::Moment;

/// How many lines a failure shows.
pub const SHOWN: usize = 60;

/// How much of a run is put into words. Most runs need none: a run that fails is run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    Silent,
    /// The last [`SHOWN`] lines are kept.
    Last,
    /// Every line is printed as it comes.
    All,
}

/// The lines.
#[derive(Debug)]
pub struct Trace {
    detail: Detail,
    lines: VecDeque<String>,
}

impl Trace {
    /// An empty one.
    #[must_use]
    pub fn new(detail: Detail) -> Self {
        Self {
            detail,
            lines: VecDeque::new(),
        }
    }

    /// Whether lines are wanted: ask before putting anything into words.
    #[must_use]
    pub fn wanted(&self) -> bool {
        self.detail != Detail::Silent
    }

    /// Whether this much detail is wanted.
    #[must_use]
    pub fn is_at(&self, detail: Detail) -> bool {
        self.detail == detail
    }

    /// Adds a line.
    pub fn line(&mut self, now: Moment, words: fmt::Arguments<'_>) {
        match self.detail {
            Detail::Silent => (),
            Detail::Last => {
                if self.lines.len() == SHOWN {
                    self.lines.pop_front();
                }
                self.lines.push_back(format!("{now}  {words}"));
            }
            #[expect(clippy::print_stdout, reason = "--trace asks for it")]
            Detail::All => println!("{now}  {words}"),
        }
    }

    /// The lines kept, oldest first.
    #[must_use]
    pub fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }
}

/// Adds a line to the trace of a world, putting it into words only if it is wanted.
#[macro_export]
macro_rules! say {
    ($world:expr, $($words:tt)*) => {
        if $world.trace.wanted() {
            $world.trace.line($world.now, format_args!($($words)*));
        }
    };
}
