//! What the controller noted becomes events, and parts of flight records.
//!
//! The controller takes no lock and waits for nobody, so it leaves its notes in a ring. This runs
//! on the service thread.

use std::sync::Arc;
use std::time::Duration;

use api::Event;
use api::server::HostView;
use messages::Time;
use queues::ProcessClock;
use runtime::replication::{Testimony, TimedNote};
use serde_json::json;

use crate::agent::Command;
use crate::events::Names;
use crate::flights::Around;
use crate::host_view::View;
use crate::plane::TimedNews;

/// How often notes are looked for.
const PERIOD: Duration = Duration::from_millis(10);

/// How often the host's state is looked at, so that a flight record can say how it stood before.
const AROUND_PERIODS: u32 = 50;

/// The controller's notes: what routers told it, and what belongs to groups.
pub(crate) struct Notes {
    pub(crate) news: rtrb::Consumer<TimedNews>,
    /// `None` for a fabric without groups.
    pub(crate) of_groups: Option<NotesOfGroups>,
    pub(crate) names: Names,
    pub(crate) clock: ProcessClock,
}

/// What the state machines noted, and what other hosts told them.
pub(crate) struct NotesOfGroups {
    pub(crate) ring: rtrb::Consumer<TimedNote>,
    pub(crate) testimonies: rtrb::Consumer<Testimony>,
}

impl Notes {
    /// Publishes events and flight records, for ever.
    pub(crate) async fn publish(mut self, view: Arc<View>) {
        let mut around = [Around::default(), Around::default()];
        let mut period = 0;
        loop {
            self.take_news(&view);
            if self.of_groups.is_some() {
                if period % AROUND_PERIODS == 0 {
                    // The older of two: a note may be about what happened before the newer.
                    around.swap(0, 1);
                    around[1] = view.around().await;
                }
                period += 1;
                self.take_notes(&view, &around[0]);
                self.fly(&view).await;
            }
            tokio::time::sleep(PERIOD).await;
        }
    }

    fn take_news(&mut self, view: &View) {
        while let Ok(TimedNews { at, news }) = self.news.pop() {
            view.events
                .push(self.names.news(news, self.clock.unix_ms(at.0)));
        }
    }

    fn take_notes(&mut self, view: &View, around: &Around) {
        let Some(NotesOfGroups { ring, .. }) = &mut self.of_groups else {
            return;
        };
        while let Ok(note) = ring.pop() {
            let event = self.names.event(&note, self.clock.unix_ms(note.at.0));
            view.flights.lock().note(&note, &event, around);
            view.events.push(event);
        }
    }

    /// Sends what is due to the manager's host, and there puts records together.
    async fn fly(&mut self, view: &View) {
        let now = Time(self.clock.now_ns());
        if view.flights.lock().is_report_due(now) {
            let around = view.around().await;
            let reports = view.flights.lock().reports(now, &around);
            for witness in reports {
                // A full ring loses a part, and the record says whose.
                let _ = view.commands.lock().push(Command::Testify(witness));
            }
        }
        let Some(NotesOfGroups { testimonies, .. }) = &mut self.of_groups else {
            return;
        };
        while let Ok(testimony) = testimonies.pop() {
            view.flights.lock().hear(now, testimony);
        }
        let clock = self.clock;
        let unix_ms = |at: Time| clock.unix_ms(at.0);
        let finished = view.flights.lock().finished(now, unix_ms);
        for record in finished {
            view.events.push(Event {
                sequence: 0,
                time_unix_ms: self.clock.unix_ms(now.0),
                host: view.status().host,
                group: Some(record.group.clone()),
                kind: "flight".to_owned(),
                text: format!("flight record {} is complete", record.id),
                fields: [("flight".to_owned(), json!(record.id))].into(),
            });
        }
    }
}
