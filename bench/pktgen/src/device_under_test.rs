//! The program that is measured, where the generator is to start it.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::profile::DeviceUnderTest;

/// A running program; it is asked to end when this is dropped.
#[derive(Debug)]
pub struct Running(Child);

impl DeviceUnderTest {
    /// Starts it, waits for its sign, and runs what prepares it. What it says goes on to standard
    /// error.
    ///
    /// # Errors
    /// A command cannot be run, fails, or ends before it is ready.
    pub fn start(&self) -> Result<Running, Box<dyn Error>> {
        let mut child = command(&self.command)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", self.command.join(" ")))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let running = Running(child);
        let (says, heard) = std::sync::mpsc::channel();
        let ready = self.ready.clone();
        let listen = |stream: Box<dyn std::io::Read + Send>| {
            let (says, ready) = (says.clone(), ready.clone());
            // Ends with the program's output.
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if line.contains(&ready) {
                        // Nobody listens any more once it was heard.
                        let _ = says.send(());
                    }
                }
            });
        };
        if let Some(out) = out {
            listen(Box::new(out));
        }
        if let Some(err) = err {
            listen(Box::new(err));
        }
        drop(says);
        heard
            .recv()
            .map_err(|_| format!("{} ended before it was ready", self.command.join(" ")))?;
        for preparation in &self.then {
            let done = command(preparation)?.output()?;
            if !done.status.success() {
                let said = String::from_utf8_lossy(&done.stderr).trim_end().to_owned();
                return Err(format!("{} failed: {said}", preparation.join(" ")).into());
            }
        }
        Ok(running)
    }
}

fn command(words: &[String]) -> Result<Command, Box<dyn Error>> {
    let (program, arguments) = words
        .split_first()
        .ok_or("a command of the profile is empty")?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = nix::unistd::Pid::from_raw(self.0.id() as i32);
        // One that has ended already does not hear it.
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let _ = self.0.wait();
    }
}
