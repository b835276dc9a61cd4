//! Answers, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::search::{LossAt, Throughput};
use crate::trial::Outcome;

/// What a test found.
#[derive(Debug, Serialize)]
#[serde(tag = "test", content = "result", rename_all = "snake_case")]
pub enum Answer {
    /// See [`crate::search::throughput`].
    Throughput(Throughput),
    /// A trial at each share of the rate.
    Latency(Vec<(f64, Outcome)>),
    /// See [`crate::search::frame_loss`].
    FrameLoss(Vec<LossAt>),
    /// Packets of the longest burst.
    BackToBack(u64),
    /// One trial.
    Trial(Box<Outcome>),
}

impl Answer {
    /// Prints it.
    ///
    /// # Errors
    /// What `out` says; that a reader hung up is none.
    pub fn print(&self, out: &mut impl Write, json: bool) -> io::Result<()> {
        let done = match json {
            true => serde_json::to_writer_pretty(&mut *out, self)
                .map_err(io::Error::from)
                .and_then(|()| writeln!(out)),
            false => self.describe(out),
        };
        match done {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    fn describe(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Throughput(found) => {
                let (rate, max) = (found.rate_pps / 1e6, found.offered_max_pps / 1e6);
                let (trials, repeated) = (found.trials.len(), found.repeated);
                writeln!(
                    out,
                    "throughput {rate:.3} Mpps a sending port (of {max:.3} offered at most); \
                     {trials} trials, {repeated} of them again after a loss"
                )?;
                match found
                    .trials
                    .iter()
                    .rfind(|trial| trial.rate_pps == Some(found.rate_pps))
                {
                    Some(trial) => describe_trial(out, trial),
                    None => Ok(()),
                }
            }
            Self::Latency(at) => at.iter().try_for_each(|(share, outcome)| {
                write!(out, "{:>3.0} %: ", share * 100.0)?;
                describe_trial(out, outcome)
            }),
            Self::FrameLoss(all) => all.iter().try_for_each(|at| {
                let (share, loss, lost) = (at.share * 100.0, at.loss * 100.0, at.outcome.lost);
                writeln!(out, "{share:>3.0} %: {loss:.4} % lost ({lost} packets)")
            }),
            Self::BackToBack(packets) => {
                writeln!(out, "longest burst without loss: {packets} packets")
            }
            Self::Trial(outcome) => describe_trial(out, outcome),
        }
    }
}

fn describe_trial(out: &mut impl Write, trial: &Outcome) -> io::Result<()> {
    let us = |ns: u64| ns as f64 / 1e3;
    let (latency, originals) = (&trial.latency, &trial.originals);
    writeln!(
        out,
        "{:.3} Mpps, {} sent, {} lost, {} duplicates, {} reordered, {} foreign, {} of {} payloads damaged; \
         latency p50 {:.1} us, p99 {:.1}, p99.9 {:.1}, max {:.1}; {} gaps of the generator, longest {:.1} us",
        trial.sent_pps / 1e6,
        trial.sent,
        trial.lost,
        originals.duplicates,
        originals.reordered,
        trial.foreign,
        trial.damaged,
        trial.compared,
        us(latency.p50),
        us(latency.p99),
        us(latency.p99_9),
        us(latency.max),
        trial.gaps,
        us(trial.longest_gap_ns),
    )?;
    for (host, copies) in &trial.copies {
        let missing = trial.sent - copies.received.min(trial.sent);
        writeln!(
            out,
            "  copies to {host}: {} received, {missing} missing, {} duplicates",
            copies.received, copies.duplicates
        )?;
    }
    Ok(())
}
