//! What the command prints.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use simulation::planted::Slip;
use simulation::run::Ended;
use simulation::world::{Outcome, Stats};

/// How far many seeds are: a bar on a terminal, a line now and then elsewhere.
pub struct Progress {
    bar: ProgressBar,
    plain: bool,
}

impl Progress {
    /// None is done yet.
    pub fn new(seeds: u64, silent: bool, what: &str) -> Self {
        let terminal = io::stderr().is_terminal();
        let target = if terminal && !silent {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(seeds), target);
        if let Ok(style) = ProgressStyle::with_template(
            "{msg:30} {bar:40} {pos}/{len} seeds, {per_sec}, {eta} left",
        ) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Self {
            bar,
            plain: !terminal && !silent && what.is_empty(),
        }
    }

    /// One more is done.
    pub fn advance(&self) {
        self.bar.inc(1);
        let done = self.bar.position();
        let every = (self.bar.length().unwrap_or(0) / 10).max(1);
        if self.plain && done.is_multiple_of(every) {
            let _closed = writeln!(io::stderr(), "{done} seeds");
        }
    }

    /// All are done, or enough.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What many seeds came to.
pub struct Report {
    json: bool,
    seeds: u64,
    failures: Vec<Ended>,
    stats: Stats,
}

impl Report {
    /// Nothing yet.
    pub fn new(json: bool) -> Self {
        Self {
            json,
            seeds: 0,
            failures: Vec::new(),
            stats: Stats::default(),
        }
    }

    /// One seed more.
    pub fn take(&mut self, ended: Ended) {
        self.seeds += 1;
        match &ended {
            Ended::Ran(outcome) => {
                self.stats.add(&outcome.stats);
                if outcome.violation.is_some() {
                    self.failures.push(ended);
                }
            }
            Ended::Panicked(..) => self.failures.push(ended),
        }
    }

    /// Whether no invariant was broken.
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty()
    }

    /// Prints it.
    pub fn print(&self) {
        if self.json {
            let failures: Vec<Value> = self.failures.iter().map(failure).collect();
            sentence(
                &json!({"seeds": self.seeds, "stats": stats(&self.stats), "failures": failures})
                    .to_string(),
            );
            return;
        }
        for ended in &self.failures {
            sentence(&words(ended));
        }
        let Stats {
            steps,
            simulated_ns,
            faults,
            owners,
            decisions,
            lives,
            packets,
            fenced,
            datagrams,
            released,
        } = self.stats;
        sentence(&format!(
            "{} seeds, {} of them broke an invariant; {:.0} simulated minutes, {steps} steps, {faults} faults, \
             {lives} daemons started, {decisions} decisions, {owners} changes of owner, {datagrams} datagrams, \
             {packets} packets, {fenced} of them fenced by receivers, {released} released from buffers",
            self.seeds,
            self.failures.len(),
            Duration::from_nanos(simulated_ns).as_secs_f64() / 60.0,
        ));
    }
}

/// How a slip was found.
pub struct Finding {
    slip: Slip,
    tried: u64,
    panics: u64,
    found: Option<Box<Outcome>>,
}

impl Finding {
    /// Not yet.
    pub const fn new(slip: Slip) -> Self {
        Self {
            slip,
            tried: 0,
            panics: 0,
            found: None,
        }
    }

    /// One seed more. What an assertion in the code under test finds does not count.
    pub fn take(&mut self, ended: Ended) {
        self.tried += 1;
        match ended {
            Ended::Ran(outcome) if outcome.violation.is_some() => {
                self.found.get_or_insert(outcome);
            }
            Ended::Ran(_) => (),
            Ended::Panicked(..) => self.panics += 1,
        }
    }

    /// Whether an invariant found it.
    pub const fn is_found(&self) -> bool {
        self.found.is_some()
    }

    /// A line.
    pub fn sentence(&self) -> String {
        let name = self.slip.name();
        match self.found.as_ref().and_then(|outcome| {
            let violation = outcome.violation.as_ref()?;
            Some((outcome.seed, violation))
        }) {
            Some((seed, violation)) => format!(
                "{name:32} {} in seed {seed}, the {}. tried",
                violation.invariant, self.tried
            ),
            None => format!(
                "{name:32} NOT FOUND in {} seeds ({} ended by a panic)",
                self.tried, self.panics
            ),
        }
    }

    fn value(&self) -> Value {
        let found = self.found.as_ref().and_then(|outcome| {
            let violation = outcome.violation.as_ref()?;
            Some((outcome.seed, violation.invariant.to_string()))
        });
        json!({
            "slip": self.slip.name(),
            "tried": self.tried,
            "panics": self.panics,
            "seed": found.as_ref().map(|found| found.0),
            "invariant": found.as_ref().map(|found| found.1.clone()),
        })
    }
}

/// All findings as one JSON object.
pub fn findings(findings: &[Finding]) {
    let values: Vec<Value> = findings.iter().map(Finding::value).collect();
    sentence(&json!({ "planted": values }).to_string());
}

/// The names of the slips, one a line.
pub fn names(names: impl Iterator<Item = String>) {
    for name in names {
        sentence(&name);
    }
}

/// A line on stdout; a reader that has gone is no failure.
pub fn sentence(words: &str) {
    let _closed = writeln!(io::stdout(), "{words}");
}

/// A line on stderr.
pub fn complain(words: &str) {
    let _closed = writeln!(io::stderr(), "simulate: {words}");
}

fn words(ended: &Ended) -> String {
    match ended {
        Ended::Ran(outcome) => {
            let mut words = outcome.lines.join("\n");
            if let Some(violation) = &outcome.violation {
                let seed = outcome.seed;
                words += &format!(
                    "\nseed {seed}: {violation}\nagain: scripts/simulate --seed {seed} --trace\n"
                );
            }
            words
        }
        Ended::Panicked(seed, words) => format!("seed {seed}: panicked: {words}"),
    }
}

fn failure(ended: &Ended) -> Value {
    match ended {
        Ended::Ran(outcome) => {
            let violation = outcome.violation.as_ref();
            json!({
                "seed": outcome.seed,
                "invariant": violation.map(|violation| violation.invariant.to_string()),
                "moment_ns": violation.map(|violation| violation.moment.0),
                "words": violation.map(|violation| violation.words.clone()),
                "lines": outcome.lines,
            })
        }
        Ended::Panicked(seed, words) => json!({"seed": seed, "panic": words}),
    }
}

fn stats(stats: &Stats) -> Value {
    let Stats {
        steps,
        simulated_ns,
        faults,
        owners,
        decisions,
        lives,
        packets,
        fenced,
        datagrams,
        released,
    } = *stats;
    json!({
        "steps": steps,
        "simulated_ns": simulated_ns,
        "faults": faults,
        "owners": owners,
        "decisions": decisions,
        "lives": lives,
        "packets": packets,
        "fenced": fenced,
        "datagrams": datagrams,
        "released": released,
    })
}
