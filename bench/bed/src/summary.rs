//! Everything that was measured last, each from the file that its measurement left.

use std::error::Error;
use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::churn;
use crate::copies;
use crate::report::Outcome;
use crate::scale;
use crate::scenario::Scenario;

/// What `report.json` has.
#[derive(Serialize)]
pub struct Summary {
    /// Bed P.
    pub scenarios: Vec<Outcome>,
    /// Tables that change under load.
    pub churn: Option<churn::Outcome>,
    /// Copies for replicas.
    pub copies: Option<copies::Outcome>,
    /// Two workers against one.
    pub scale: Option<scale::Outcome>,
    /// What pktgen found over memif: the greatest rate, and latencies at shares of it.
    pub latency: Option<Latency>,
    /// Of each round of busy and adaptive polling, the share of a core, and latencies.
    pub idle: Vec<Value>,
    /// Of each round, what `understudyd` and TAYGA forward over the same veth pairs.
    pub tayga: Vec<Value>,
}

/// Of `latency.json`, what is drawn; pktgen says more there.
#[derive(Serialize, Deserialize)]
pub struct Latency {
    /// The search for the greatest rate.
    pub throughput: Value,
    /// A share of that rate, and pktgen's trial at it.
    pub latency: Vec<(f64, Value)>,
}

impl Summary {
    /// Reads what is there.
    ///
    /// # Errors
    /// Nothing is there, or a file is of another version of this program.
    pub fn read(out: &Path) -> Result<Self, Box<dyn Error>> {
        let mut scenarios = Vec::new();
        for scenario in Scenario::full().into_iter().chain(Scenario::quick()) {
            scenarios.extend(all(&out
                .join("scenarios")
                .join(format!("{scenario}.json")))?);
        }
        let summary = Self {
            scenarios,
            churn: all(&out.join("churn.json"))?.pop(),
            copies: all(&out.join("copies.json"))?.pop(),
            scale: all(&out.join("scale.json"))?.pop(),
            latency: all(&out.join("latency.json"))?.pop(),
            idle: all(&out.join("idle.jsonl"))?,
            tayga: all(&out.join("tayga.jsonl"))?,
        };
        let measured = !summary.scenarios.is_empty()
            || summary.churn.is_some()
            || summary.copies.is_some()
            || summary.scale.is_some()
            || summary.latency.is_some()
            || !summary.idle.is_empty()
            || !summary.tayga.is_empty();
        match measured {
            true => Ok(summary),
            false => Err(format!("nothing was measured in {} yet", out.display()).into()),
        }
    }
}

/// The values of a file, one after the other; none if there is no such file.
fn all<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Box<dyn Error>> {
    let Ok(text) = fs::read_to_string(path) else {
        return Ok(Vec::new());
    };
    let values = serde_json::Deserializer::from_str(&text).into_iter();
    values
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{}: {error}; measure again", path.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_is_found_and_what_was_not_is_left_out() {
        let out = tempfile::tempdir().unwrap();
        let nothing = Summary::read(out.path()).err().unwrap().to_string();
        assert!(nothing.starts_with("nothing was measured in "), "{nothing}");
        fs::write(
            out.path().join("idle.jsonl"),
            "{\"round\":1}\n{\"round\":2}\n",
        )
        .unwrap();
        let summary = Summary::read(out.path()).unwrap();
        assert_eq!(summary.idle.len(), 2);
        assert!(summary.churn.is_none());
        fs::write(out.path().join("churn.json"), "{\"plan\":").unwrap();
        let torn = Summary::read(out.path()).err().unwrap().to_string();
        assert!(torn.contains("churn.json: EOF"), "{torn}");
    }
}
