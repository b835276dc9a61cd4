//! What the command says about itself: man pages and completions.

use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::arguments::Arguments;

/// Prints the completions of `shell`.
pub fn completion(out: &mut impl Write, shell: Shell) -> io::Result<()> {
    // By way of a buffer: the generator would panic on a broken pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "understudy", &mut script);
    out.write_all(&script)
}

/// Prints the man page, or writes the pages of all commands into `directory`.
pub fn pages(out: &mut impl Write, directory: Option<&Path>) -> io::Result<()> {
    match directory {
        None => Man::new(Arguments::command()).render(out),
        Some(directory) => {
            std::fs::create_dir_all(directory)?;
            clap_mangen::generate_to(Arguments::command(), directory)
        }
    }
}
