//! New keys of hosts and of the manager.

use std::error::Error;
use std::io::{self, Write};
use std::path::Path;

use messages::entropy;
use messages::keys::{self, KeyError, SecretText};
use serde_json::json;

use crate::arguments::{Format, KeygenCommand};
use crate::failure::Failure;

/// Makes a key, puts the secret where it was asked for, and prints the public one.
pub fn make(out: &mut impl Write, command: KeygenCommand, format: Format) -> Result<(), Failure> {
    match command {
        KeygenCommand::Host(file) => {
            let secret = entropy::host_secret().map_err(refused)?;
            let public = secret.public().to_string();
            put(out, &secret, &public, file.out.as_deref(), format)
        }
        KeygenCommand::Manager(file) => {
            let secret = entropy::manager_secret().map_err(refused)?;
            let public = secret.public().to_string();
            put(out, &secret, &public, file.out.as_deref(), format)
        }
    }
}

fn put(
    out: &mut impl Write,
    secret: &impl SecretText,
    public: &str,
    file: Option<&Path>,
    format: Format,
) -> Result<(), Failure> {
    if let Some(file) = file {
        keys::write_secret(file, secret).map_err(refused)?;
    }
    match (format, file) {
        (Format::Table, Some(_)) => writeln!(out, "{public}")?,
        (Format::Table, None) => {
            out.write_all(secret.to_text().as_bytes())?;
            writeln!(io::stderr(), "{public}")?;
        }
        (Format::Json, Some(file)) => {
            writeln!(out, "{:#}", json!({"public_key": public, "key_file": file}))?;
        }
        (Format::Json, None) => {
            let secret = secret.to_text();
            let answer = json!({"public_key": public, "key_file_text": secret.as_str()});
            writeln!(out, "{answer:#}")?;
        }
    }
    Ok(())
}

/// The whole chain of reasons in one sentence.
fn refused(error: KeyError) -> Failure {
    let mut sentence = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        sentence.push_str(": ");
        sentence.push_str(&reason.to_string());
        source = reason.source();
    }
    Failure::Failed(sentence)
}
