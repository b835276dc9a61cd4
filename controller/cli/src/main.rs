//! The `understudy` command: asks and changes the host that runs on this machine, and checks its
//! files.
//!
//! What is asked for goes to standard output, as a table or as JSON; what went wrong goes to
//! standard error as a sentence, with an exit code that scripts can rely on ([`failure`]).
#![forbid(unsafe_code)]

mod arguments;
mod check;
mod events;
mod failure;
mod flight;
mod group;
mod keygen;
mod load;
mod manual;
mod mapping;
mod mapping_file;
mod moment;
mod reasons;
mod replay;
mod socket;
mod status;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Asked, Command, FlightCommand, ManagerCommand, MappingCommand};
use failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = BufWriter::new(io::stdout().lock());
    match run(arguments, &mut out).and_then(|()| Ok(out.flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // What was found out before the failure is still worth reading.
            let _ = out.flush();
            if let Some(sentence) = failure.sentence() {
                let _ = writeln!(io::stderr(), "understudy: {sentence}");
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(arguments: Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let format = arguments.format();
    let client = || socket::client(&arguments.host);
    match arguments.command {
        Command::Status { all } => {
            let status = wait_for(client()?.status())?;
            status::write(out, &status, format, all)?;
        }
        Command::Mapping(MappingCommand::Add(add)) => {
            let applied = wait_for(client()?.apply(&add.into()))?;
            mapping::write(out, &applied, format)?;
        }
        Command::Mapping(MappingCommand::Remove(remove)) => {
            let applied = wait_for(client()?.apply(&remove.into()))?;
            mapping::write(out, &applied, format)?;
        }
        Command::Mapping(MappingCommand::Load { file }) => {
            let lines = mapping_file::read(&file)?;
            let loaded = wait_for(load::load(&client()?, &file, lines))?;
            load::write(out, &loaded, format)?;
        }
        Command::Group(command) => match command.into() {
            Asked::List => group::write_list(out, &wait_for(client()?.groups())?, format)?,
            Asked::Show(name) => group::write(out, &wait_for(client()?.group(&name))?, format)?,
            Asked::Operate(name, request) => {
                let done = wait_for(client()?.operate(&name, &request))?;
                group::write_done(out, &done, format)?;
            }
        },
        Command::Events(query) => {
            wait_for(events::print(out, &client()?, query.into(), format))?;
        }
        Command::Flight(FlightCommand::List) => {
            flight::write_list(out, &wait_for(client()?.flights())?, format)?;
        }
        Command::Flight(FlightCommand::Show { id, svg }) => {
            let record = wait_for(client()?.flight(&id))?;
            flight::write(out, &record, svg.as_deref(), format)?;
        }
        Command::Manager(ManagerCommand::RaiseTerm) => {
            group::write_done(out, &wait_for(client()?.raise_term())?, format)?;
        }
        Command::Keygen(command) => keygen::make(out, command, format)?,
        Command::Check { file } => check::check(out, &file, format)?,
        Command::Replay { arguments } => match replay::replay(arguments)? {},
        Command::Reasons => reasons::write(out, format)?,
        Command::Completion { shell } => manual::completion(out, shell)?,
        Command::Man { out: directory } => manual::pages(out, directory.as_deref())?,
    }
    Ok(())
}

/// Runs one conversation with a host to its end.
fn wait_for<T, E>(conversation: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(conversation)?)
}
