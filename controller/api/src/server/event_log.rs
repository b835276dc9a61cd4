//! The newest events of a daemon, and readers that follow them.
//!
//! One ring holds the events for all readers; a reader is no more than a position in it. So a
//! reader that stalls costs nothing, and learns what it missed when it comes back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::watch;

use crate::{Event, EventQuery, LOST};

/// The newest events. Clones share them.
#[derive(Clone, Debug)]
pub struct EventLog {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ring: Mutex<Ring>,
    /// The newest sequence number: what followers wait for.
    newest: watch::Sender<u64>,
}

#[derive(Debug)]
struct Ring {
    events: VecDeque<Event>,
    /// Events that are kept.
    capacity: usize,
    newest: u64,
}

impl EventLog {
    /// An empty log that keeps the newest `capacity` events, at least one.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let ring = Ring {
            events: VecDeque::new(),
            capacity: capacity.max(1),
            newest: 0,
        };
        Self {
            shared: Arc::new(Shared {
                ring: Mutex::new(ring),
                newest: watch::Sender::new(0),
            }),
        }
    }

    /// Adds an event and returns its sequence number, which it is given here.
    ///
    /// Takes a lock that the server's thread takes too: not for a thread with real-time priority,
    /// which hands its events over by a ring first.
    pub fn push(&self, mut event: Event) -> u64 {
        let sequence = {
            let mut ring = self.shared.ring.lock();
            ring.newest += 1;
            event.sequence = ring.newest;
            if ring.events.len() == ring.capacity {
                ring.events.pop_front();
            }
            ring.events.push_back(event);
            ring.newest
        };
        // Two that push at once may get here in either order: it only ever rises.
        self.shared
            .newest
            .send_modify(|newest| *newest = (*newest).max(sequence));
        sequence
    }

    /// A reader of what `query` asks for.
    #[must_use]
    pub(super) fn read(&self, query: EventQuery) -> Reader {
        let newest = self.shared.ring.lock().newest;
        // Numbers begin again with each daemon.
        let read = if query.since > newest { 0 } else { query.since };
        Reader {
            log: self.clone(),
            read,
            follow: query.follow,
            // What the ring let go of before anybody asked is history, not loss.
            asked: query.since > 0 && query.since <= newest,
        }
    }
}

/// A position in the log.
#[derive(Debug)]
pub(super) struct Reader {
    log: EventLog,
    /// The newest sequence number that was read.
    read: u64,
    follow: bool,
    /// Every event after `read` is expected.
    asked: bool,
}

impl Reader {
    /// The next events, at least one and at most `most`; waits for them when it follows. `None` is
    /// the end.
    pub async fn next(&mut self, most: usize) -> Option<Vec<Event>> {
        loop {
            let events = self.take(most);
            if !events.is_empty() {
                return Some(events);
            }
            if !self.follow {
                return None;
            }
            let mut newest = self.log.shared.newest.subscribe();
            newest.wait_for(|newest| *newest > self.read).await.ok()?;
        }
    }

    fn take(&mut self, most: usize) -> Vec<Event> {
        let ring = self.log.shared.ring.lock();
        let Some(oldest) = ring.events.front() else {
            return Vec::new();
        };
        let mut events = Vec::new();
        let missed = oldest.sequence.saturating_sub(self.read + 1);
        if missed > 0 && self.asked {
            events.push(lost(oldest, missed));
        }
        let skip = (self.read + 1).saturating_sub(oldest.sequence);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let next = ring.events.iter().skip(skip);
        events.extend(next.take(most.max(1)).cloned());
        if let Some(last) = events.last() {
            self.read = last.sequence;
            self.asked = true;
        }
        events
    }
}

/// Stands for `missed` events before `oldest`; it has the number and the time that lead up to it.
fn lost(oldest: &Event, missed: u64) -> Event {
    let were = if missed == 1 {
        "event is"
    } else {
        "events are"
    };
    Event {
        sequence: oldest.sequence - 1,
        time_unix_ms: oldest.time_unix_ms,
        host: oldest.host.clone(),
        group: None,
        kind: LOST.to_owned(),
        text: format!("{missed} {were} missing here: this reader was too slow"),
        fields: BTreeMap::from([("events".to_owned(), json!(missed))]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        Event {
            sequence: 0,
            time_unix_ms: 1_000,
            host: "r".to_owned(),
            group: None,
            kind: "test".to_owned(),
            text: text.to_owned(),
            fields: BTreeMap::new(),
        }
    }

    fn log_of(capacity: usize, events: usize) -> EventLog {
        let log = EventLog::new(capacity);
        for number in 1..=events {
            log.push(event(&number.to_string()));
        }
        log
    }

    fn query(follow: bool, since: u64) -> EventQuery {
        EventQuery { follow, since }
    }

    async fn all(mut reader: Reader) -> Vec<(u64, String)> {
        let mut list = Vec::new();
        while let Some(events) = reader.next(2).await {
            assert!(events.len() <= 3, "more than was asked for");
            list.extend(events.into_iter().map(|event| (event.sequence, event.kind)));
        }
        list
    }

    fn kinds(list: &[(u64, &str)]) -> Vec<(u64, String)> {
        list.iter()
            .map(|&(number, kind)| (number, kind.to_owned()))
            .collect()
    }

    #[tokio::test]
    async fn a_reader_gets_what_came_after_its_number_and_then_the_end() {
        let log = log_of(10, 4);
        assert_eq!(
            all(log.read(query(false, 2))).await,
            kinds(&[(3, "test"), (4, "test")])
        );
        assert_eq!(all(log.read(query(false, 4))).await, []);
        assert_eq!(all(EventLog::new(3).read(query(false, 0))).await, []);
    }

    #[tokio::test]
    async fn what_the_ring_let_go_of_is_told_to_those_who_expected_it_only() {
        let log = log_of(2, 5);
        let newest = [(4, "test"), (5, "test")];
        assert_eq!(all(log.read(query(false, 0))).await, kinds(&newest));
        let told = [(3, LOST), (4, "test"), (5, "test")];
        assert_eq!(all(log.read(query(false, 1))).await, kinds(&told));
        assert_eq!(
            all(log.read(query(false, 77))).await,
            kinds(&newest),
            "a number of an earlier daemon"
        );
    }

    #[tokio::test]
    async fn a_slow_follower_loses_the_oldest_and_is_told_how_many() {
        let log = log_of(3, 1);
        let mut reader = log.read(query(true, 0));
        assert_eq!(reader.next(9).await.unwrap().len(), 1);
        for number in 2..=9 {
            log.push(event(&number.to_string()));
        }
        let events = reader.next(9).await.unwrap();
        let numbers: Vec<_> = events.iter().map(|event| event.sequence).collect();
        assert_eq!(numbers, [6, 7, 8, 9]);
        assert_eq!(events[0].fields["events"], 5);
        assert_eq!(
            events[0].text,
            "5 events are missing here: this reader was too slow"
        );
    }

    #[tokio::test]
    async fn a_follower_wakes_up_when_something_happens() {
        let log = EventLog::new(3);
        let mut reader = log.read(query(true, 0));
        let waits = tokio::spawn(async move { reader.next(9).await });
        tokio::task::yield_now().await;
        log.push(event("now"));
        assert_eq!(waits.await.unwrap().unwrap()[0].text, "now");
    }
}
