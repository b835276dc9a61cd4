//! What routers of the substrate say: paths that take less, hosts that cannot be reached.
//!
//! Workers judge the errors and tell of them by notice. Here is decided what is known from then
//! on, and when it is forgotten.

use failover::AgentEvent;
use messages::Time;
use tables::notice::Notice;
use tables::{HostIndex, Key, PathMtus, Snapshot};

use super::Plane;

/// Something that a router said, or that was forgotten again, worth an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The path to a host takes packets of so many octets only.
    Narrower { host: HostIndex, mtu: u16 },
    /// That is too long ago: the path counts as wide as the uplink again.
    Forgotten { host: HostIndex },
    /// A packet came back: a host cannot be reached.
    Bounced {
        host: HostIndex,
        destination: Key,
        code: u8,
    },
}

/// News and their time, on the process's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimedNews {
    pub(crate) at: Time,
    pub(crate) news: News,
}

impl Plane {
    /// Takes what workers noticed, and forgets what is too old. Called every round.
    pub(crate) fn hear(&mut self, now: Time) {
        for ring in 0..self.notices.len() {
            while let Some(notice) = self.notices[ring].pop() {
                match notice {
                    Notice::Fenced { group, sender } => self.hear_fenced(group, sender),
                    Notice::FirstAnswer { group, at_ns } => self.hear_answer(group, Time(at_ns)),
                    Notice::PathMtu { host, mtu } => self.narrow(now, host, mtu),
                    Notice::Unreachable {
                        host,
                        destination,
                        code,
                    } => self.bounce(now, host, destination, code),
                }
            }
        }
        self.forget(now);
    }

    /// What the agent is to be told since the last call.
    pub(super) fn take_heard(&mut self, events: &mut Vec<AgentEvent>) {
        events.append(&mut self.heard);
    }

    fn hear_fenced(&mut self, group: tables::GroupIndex, sender: HostIndex) {
        let sender = self.hosts.get(usize::from(sender.0));
        if let (Some(group), Some(sender)) = (self.groups.get(group.index()), sender) {
            self.heard.push(AgentEvent::FencedPacket {
                group: group.id(),
                sender: *sender,
            });
        }
    }

    fn hear_answer(&mut self, group: tables::GroupIndex, at: Time) {
        if let Some(group) = self.groups.get(group.index()) {
            let group = group.id();
            self.heard.push(AgentEvent::FirstAnswer { group, at });
        }
    }

    fn narrow(&mut self, now: Time, host: HostIndex, mtu: u16) {
        let known = &self.publisher.current().path_mtus;
        // Two workers may have told of one path.
        if let Some(path_mtus) = known.lowered(host, mtu, now.0) {
            let mtu = path_mtus.to(host);
            self.publish_path_mtus(path_mtus);
            self.tell(now, News::Narrower { host, mtu });
        }
    }

    fn forget(&mut self, now: Time) {
        let current = self.publisher.current();
        let Some(path_mtus) = current.path_mtus.aged(now.0) else {
            return;
        };
        for (host, path) in current.path_mtus.learned() {
            if path_mtus.to(host) != path.mtu {
                self.tell(now, News::Forgotten { host });
            }
        }
        self.publish_path_mtus(path_mtus);
    }

    fn publish_path_mtus(&mut self, path_mtus: PathMtus) {
        let current = self.publisher.current();
        self.publisher.publish(Snapshot {
            path_mtus,
            ..(*current).clone()
        });
    }

    fn bounce(&mut self, now: Time, host: HostIndex, destination: Key, code: u8) {
        let current = self.publisher.current();
        // The error is about the host, and so about every address that it owns.
        for (group, known) in current.groups.iter().zip(&self.groups) {
            if group.owner.is_some_and(|owner| owner.host == host) {
                self.heard.push(AgentEvent::Bounced { group: known.id() });
            }
        }
        let news = News::Bounced {
            host,
            destination,
            code,
        };
        self.tell(now, news);
    }

    /// Without room the event is lost; what it is about stands in the tables and the counters.
    fn tell(&mut self, at: Time, news: News) {
        let _ = self.news.push(TimedNews { at, news });
    }
}

#[cfg(test)]
mod tests {
    use rtrb::{Consumer, RingBuffer};
    use tables::Publisher;
    use tables::group::Owner;
    use tables::notice::{NoticeSender, notice_ring};
    use wire::ethernet::MacAddress;

    use super::*;
    use crate::fixture::{S, T, config, group};

    const S_INDEX: HostIndex = HostIndex(S as u16);
    const T_INDEX: HostIndex = HostIndex(T as u16);

    /// r's tables, where s owns the group's address; a worker's end, and the service thread's.
    fn plane() -> (Plane, NoticeSender, Consumer<TimedNews>) {
        let config = config("r");
        let mut snapshot = knowledge::first_snapshot(&config, MacAddress([2, 0, 0, 0, 0, 1]));
        let mut groups = snapshot.groups.to_vec();
        groups[0].owner = Some(Owner {
            host: S_INDEX,
            prefix: wire::address::Prefix96([0; 12]),
        });
        snapshot.groups = groups.into();
        let (notices, noticed) = notice_ring(8);
        let (told, news) = RingBuffer::new(8);
        let publisher = Publisher::new(snapshot);
        let plane = Plane::new(&config, publisher, Vec::new(), vec![noticed], &[], told);
        (plane, notices, news)
    }

    fn heard(news: &mut Consumer<TimedNews>) -> Vec<News> {
        std::iter::from_fn(|| news.pop().ok())
            .map(|timed| timed.news)
            .collect()
    }

    #[test]
    fn a_narrower_path_is_in_the_tables_until_it_is_forgotten() {
        let (mut plane, mut worker, mut news) = plane();
        let (host, mtu) = (T_INDEX, 1400);
        for mtu in [1400, 1500, 1400] {
            assert!(worker.push(Notice::PathMtu { host, mtu }));
        }
        plane.hear(Time(5));
        assert_eq!(plane.current().path_mtus.to(host), 1400);
        assert_eq!(plane.current().version, 2, "one change, one version");
        assert_eq!(heard(&mut news), [News::Narrower { host, mtu }]);
        let end = 5 + tables::path_mtu::PATH_MTU_AGE_NS;
        plane.hear(Time(end - 1));
        assert_eq!(plane.current().version, 2);
        plane.hear(Time(end));
        assert_eq!(plane.current().path_mtus.to(host), 1600);
        assert_eq!(heard(&mut news), [News::Forgotten { host }]);
        plane.hear(Time(end + 1));
        assert_eq!(plane.current().version, 3);
    }

    #[test]
    fn a_bounce_is_an_event_and_told_to_the_groups_that_the_host_owns() {
        let (mut plane, mut worker, mut news) = plane();
        let destination = plane.current().groups[0].key;
        for host in [S_INDEX, T_INDEX] {
            let code = 3;
            assert!(worker.push(Notice::Unreachable {
                host,
                destination,
                code
            }));
        }
        plane.hear(Time(5));
        let mut events = Vec::new();
        plane.take_heard(&mut events);
        assert_eq!(events, [AgentEvent::Bounced { group: group() }], "s's only");
        let bounced = |host| News::Bounced {
            host,
            destination,
            code: 3,
        };
        assert_eq!(heard(&mut news), [bounced(S_INDEX), bounced(T_INDEX)]);
        plane.take_heard(&mut events);
        assert_eq!(events.len(), 1, "told once");
    }
}
