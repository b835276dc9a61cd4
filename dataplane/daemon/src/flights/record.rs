//! Several hosts' reports on one line of time.

use std::collections::BTreeMap;

use api::{FlightEntry, FlightHost, FlightRecord, FlightSpan, SpanKind, TimeBase};
use config::Config;
use messages::{Epoch, GroupId, HostId, Time};
use runtime::replication::ClockOffset;

use super::report::{Report, Seen};
use crate::replication::{group_id, host_id};

/// A flight record in the making.
pub(crate) struct Flight<'a> {
    config: &'a Config,
    group: &'a config::Group,
    epoch: Epoch,
    heard: Vec<Heard>,
}

struct Heard {
    host: usize,
    clock: ClockOffset,
    report: Report,
}

impl<'a> Flight<'a> {
    /// The change of owner that `epoch` made; `None` for a group that is not configured.
    pub(super) fn new(config: &'a Config, group: GroupId, epoch: Epoch) -> Option<Self> {
        let mut groups = config.groups.iter();
        Some(Self {
            config,
            group: groups.find(|found| group_id(config, found) == group)?,
            epoch,
            heard: Vec::new(),
        })
    }

    /// Adds what a host reported. Without a comparison of its clock its times mean nothing here.
    pub(super) fn add(&mut self, host: HostId, clock: Option<ClockOffset>, report: Report) {
        let hosts = 0..self.config.fabric.hosts.len();
        let known = hosts
            .into_iter()
            .find(|known| host_id(self.config, *known) == host);
        if let (Some(host), Some(clock)) = (known, clock) {
            self.heard.push(Heard {
                host,
                clock,
                report,
            });
        }
    }

    /// The record; `None` if nobody reported anything. `unix_ms` says when a time of this host's
    /// clock was, in milliseconds since 1970.
    pub(super) fn finish(mut self, unix_ms: impl Fn(Time) -> u64) -> Option<FlightRecord> {
        let manager = self.config.host.index;
        // The manager first, then the owners, then the others.
        self.heard.sort_by_key(|heard| {
            let owns = heard.report.role == "primary";
            (
                heard.host != manager,
                !heard.report.was_owner,
                !owns,
                heard.host,
            )
        });
        let decided = self.epoch.to_string();
        let zero = self.zero(&decided)?;
        let hosts: Vec<FlightHost> = self
            .heard
            .iter()
            .map(|heard| self.host(heard, zero))
            .collect();
        let mut packets_by_fate = BTreeMap::new();
        for heard in &self.heard {
            for (fate, packets) in &heard.report.fates {
                *packets_by_fate.entry(fate.clone()).or_insert(0) += packets;
            }
        }
        let change = self.change()?;
        let [from, to] = change.owners.clone();
        let cause = self.cause(&decided);
        Some(FlightRecord {
            id: self.id(),
            group: self.group.name.clone(),
            started_unix_ms: unix_ms(Time(u64::try_from(zero).unwrap_or(0))),
            text: cause.1,
            cause: cause.0,
            from,
            first_answer_us: self.first_answer(to.as_deref(), zero),
            to,
            epoch_before: change.epochs[0].clone(),
            epoch_after: Some(decided),
            generation_after: change.generations[1],
            interval_ms: self.group.interval.as_millis() as u64,
            detect_mult: self.group.detect_mult,
            time_base: TimeBase {
                host: self.config.host.name.clone(),
                zero: "the manager made the decision".to_owned(),
            },
            missing: self.missing(),
            hosts,
            packets_by_fate,
        })
    }

    /// The report whose record before was the newest: it knows whom the new owner follows, even if
    /// that host is dead.
    fn change(&self) -> Option<&Report> {
        let reports = self.heard.iter().map(|heard| &heard.report);
        reports.rev().max_by_key(|report| report.generations[0])
    }

    fn id(&self) -> String {
        let group = self.group.name.replace('/', "_");
        format!("{group}-{}", self.epoch)
    }

    /// The manager's decision, in nanoseconds of this host's clock; without it the earliest time
    /// that was told.
    fn zero(&self, decided: &str) -> Option<i64> {
        let all = || {
            self.heard
                .iter()
                .flat_map(|heard| heard.report.seen.iter().map(move |seen| (heard, seen)))
        };
        let decision = all().find(|(_, seen)| is_decision(seen, decided));
        let (heard, seen) =
            decision.or_else(|| all().min_by_key(|(heard, seen)| heard.ours(seen.at)))?;
        Some(heard.ours(seen.at))
    }

    /// Why, as the manager saw it: this decision, and the evidence since the one before.
    fn cause(&self, decided: &str) -> (String, String) {
        let mut evidence = None;
        let mut deciding = None;
        for seen in self.heard.iter().flat_map(|heard| &heard.report.seen) {
            match seen.kind.as_str() {
                "evidence" => evidence = Some(seen),
                "deciding" if is_decision(seen, decided) => {
                    deciding = Some(seen);
                    break;
                }
                "deciding" => evidence = None,
                _ => {}
            }
        }
        match (evidence, deciding) {
            (Some(evidence), _) => ("owner_lost".to_owned(), evidence.text.clone()),
            (None, Some(deciding)) => ("decided".to_owned(), deciding.text.clone()),
            (None, None) => (
                "unknown".to_owned(),
                "the manager's own report is missing".to_owned(),
            ),
        }
    }

    /// When the new owner's guest first sent something that passed.
    fn first_answer(&self, owner: Option<&str>, zero: i64) -> Option<i64> {
        let mut heard = self.heard.iter();
        let owner = heard.find(|heard| Some(self.name(heard)) == owner)?;
        let mut seen = owner.report.seen.iter();
        // What it was before the decision is of an earlier time as the owner.
        let first = seen.find(|seen| seen.kind == "first_answer" && owner.ours(seen.at) >= zero)?;
        Some((owner.ours(first.at) - zero) / 1000)
    }

    fn name(&self, heard: &Heard) -> &str {
        &self.config.fabric.hosts[heard.host].name
    }

    /// The hosts of the group's network that did not report.
    fn missing(&self) -> Vec<String> {
        let nodes = &self.config.networks[self.group.network].nodes;
        let hosts: std::collections::BTreeSet<usize> = nodes.iter().map(|node| node.host).collect();
        hosts
            .into_iter()
            .filter(|host| !self.heard.iter().any(|heard| heard.host == *host))
            .map(|host| self.config.fabric.hosts[host].name.clone())
            .collect()
    }

    fn host(&self, heard: &Heard, zero: i64) -> FlightHost {
        let Heard {
            host,
            clock,
            report,
        } = heard;
        let at_us = |seen: &Seen| (heard.ours(seen.at) - zero) / 1000;
        let part = match (report.was_owner, report.role.as_str()) {
            (true, _) => "old primary",
            (false, "primary") => "new primary",
            (false, "none" | "") if *host == self.config.host.index => "manager",
            (false, "none" | "") => "sender",
            (false, role) => role,
        };
        FlightHost {
            host: self.config.fabric.hosts[*host].name.clone(),
            part: part.to_owned(),
            uncertainty_us: clock.uncertainty_ns.div_ceil(1000),
            epochs: report.epochs.clone(),
            table_versions: report.table_versions,
            buffer: report.buffer,
            spans: spans(&report.seen, &at_us),
            entries: report
                .seen
                .iter()
                .map(|seen| FlightEntry {
                    at_us: at_us(seen),
                    kind: seen.kind.clone(),
                    text: seen.text.clone(),
                })
                .collect(),
        }
    }
}

impl Heard {
    /// A time of the host, in nanoseconds of this host's clock.
    fn ours(&self, at: u64) -> i64 {
        at.cast_signed().wrapping_add(self.clock.to_ours_ns)
    }
}

/// Whether this is the manager's decision on that epoch.
fn is_decision(seen: &Seen, decided: &str) -> bool {
    seen.kind == "deciding" && seen.text.starts_with(&format!("decided on {decided},"))
}

/// What lasted, by the events that began and ended it.
fn spans(seen: &[Seen], at_us: &impl Fn(&Seen) -> i64) -> Vec<FlightSpan> {
    const PAIRS: [(&str, &[&str], SpanKind, &str); 4] = [
        ("muted", &["unmuted"], SpanKind::Muted, "muted"),
        (
            "unmuted",
            &["muted", "resigned"],
            SpanKind::Answering,
            "may be heard",
        ),
        ("frozen", &["installed"], SpanKind::Hold, "input is queued"),
        (
            "hook_started",
            &["hook_ended"],
            SpanKind::Hook,
            "the hook runs",
        ),
    ];
    let mut spans = Vec::new();
    let Some(last) = seen.last() else {
        return spans;
    };
    for (index, begin) in seen.iter().enumerate() {
        if begin.kind == "owner_silent" {
            let until_us = at_us(begin);
            spans.push(FlightSpan {
                kind: SpanKind::Silence,
                from_us: until_us - begin.ms.unwrap_or(0).cast_signed() * 1000,
                until_us,
                text: "nothing was heard of the owner".to_owned(),
            });
        }
        for (from, until, kind, text) in PAIRS {
            if begin.kind == from {
                let mut later = seen[index + 1..].iter();
                let end = later.find(|seen| until.contains(&seen.kind.as_str()));
                spans.push(FlightSpan {
                    kind,
                    from_us: at_us(begin),
                    until_us: at_us(end.unwrap_or(last)),
                    text: text.to_owned(),
                });
            }
        }
    }
    spans
}

#[cfg(test)]
mod tests;
