//! All of the manager's records in one go, over TCP: what a host gets when it meets the manager.
//!
//! Records change one by one, by datagrams that are repeated until they are acknowledged. A host
//! that was away, or has never been there, would wait for as many of them as there are groups.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;
use std::time::Duration;

use messages::bulk::{Bulk, BulkError, Receiver, Sender};
use messages::{HostId, Sessions, SignedRecord, Time};

use crate::endpoint::{Endpoint, StreamId};

/// The most records that a host takes from a manager.
const RECORDS_MAX: u64 = 1 << 20;

/// A transfer that takes longer is given up, and begun anew.
const TRANSFER_MAX: Duration = Duration::from_secs(10);

/// How long after a failed transfer the next one begins.
const PAUSE: Duration = Duration::from_secs(1);

/// Transfers that a manager's host serves at once; further hosts wait in TCP.
const SERVED_MAX: usize = 8;

/// Transfers of this host.
#[derive(Default)]
pub(super) struct Snapshots {
    /// When the next one is due, if one is wanted.
    wanted: Option<Time>,
    fetching: Option<Transfer<Receiver>>,
    serving: Vec<Transfer<Sender>>,
}

/// One end of a transfer.
struct Transfer<End> {
    stream: StreamId,
    end: Option<End>,
    /// What is still to be sent.
    outbox: Vec<u8>,
    /// What came and was not understood yet.
    inbox: Vec<u8>,
    began: Time,
}

impl<End> Transfer<End> {
    fn new(stream: StreamId, end: End, outbox: Vec<u8>, began: Time) -> Self {
        Self {
            stream,
            end: Some(end),
            outbox,
            inbox: Vec::new(),
            began,
        }
    }

    /// Moves octets both ways; `None` once the connection is over.
    fn pump(&mut self, endpoint: &mut Endpoint) -> Option<()> {
        let sent = endpoint.write(self.stream, &self.outbox)?;
        self.outbox.drain(..sent);
        endpoint.read(self.stream, &mut self.inbox).map(|_| ())
    }

    fn is_late(&self, now: Time) -> bool {
        now.since(self.began) > TRANSFER_MAX
    }
}

/// What a transfer needs of the host.
pub(super) struct Surroundings<'a> {
    pub(super) now: Time,
    pub(super) endpoint: &'a mut Endpoint,
    pub(super) sessions: &'a mut Sessions,
    pub(super) addresses: &'a BTreeMap<HostId, Ipv6Addr>,
}

impl Snapshots {
    /// A session with the manager's host has opened.
    pub(super) fn want(&mut self, now: Time) {
        self.wanted = Some(now);
    }

    /// Fetches what is wanted from the manager's host; the records that came.
    pub(super) fn fetch(
        &mut self,
        manager: HostId,
        host: &mut Surroundings<'_>,
    ) -> Vec<SignedRecord> {
        if self.fetching.is_none() && self.wanted.is_some_and(|due| due <= host.now) {
            self.fetching = begin(manager, host);
            self.wanted = self.fetching.is_none().then(|| host.now.after(PAUSE));
        }
        let mut records = Vec::new();
        if let Some(transfer) = &mut self.fetching {
            let over = match receive(transfer, host.endpoint, &mut records) {
                Ok(complete) => complete,
                Err(why) => {
                    tracing::debug!("the manager's records did not all come: {why}");
                    self.wanted = Some(host.now.after(PAUSE));
                    true
                }
            };
            let late = transfer.is_late(host.now);
            if over || late {
                if late {
                    self.wanted = Some(host.now.after(PAUSE));
                }
                host.endpoint.close(transfer.stream);
                self.fetching = None;
            }
        }
        records
    }

    /// Gives the manager's records to whoever asks for them.
    pub(super) fn serve(
        &mut self,
        host: &mut Surroundings<'_>,
        records: impl Fn() -> Vec<SignedRecord>,
    ) {
        if self.serving.len() < SERVED_MAX
            && let Some((stream, from)) = host.endpoint.accept()
        {
            let mut known = host.addresses.iter();
            let asking = known.find(|(_, address)| **address == from);
            match asking.and_then(|(asking, _)| host.sessions.channel(*asking)) {
                Some(channel) => {
                    let sender = Sender::new(channel);
                    self.serving
                        .push(Transfer::new(stream, sender, Vec::new(), host.now));
                }
                None => host.endpoint.close(stream),
            }
        }
        let Surroundings { now, endpoint, .. } = host;
        self.serving.retain_mut(|transfer| {
            let goes_on = !transfer.is_late(*now)
                && answer(transfer, &records).is_ok()
                && transfer.pump(endpoint).is_some()
                && (transfer.end.is_some() || !transfer.outbox.is_empty());
            if !goes_on {
                endpoint.close(transfer.stream);
            }
            goes_on
        });
    }
}

fn begin(manager: HostId, host: &mut Surroundings<'_>) -> Option<Transfer<Receiver>> {
    let channel = host.sessions.channel(manager)?;
    let stream = host.endpoint.connect(*host.addresses.get(&manager)?)?;
    let question = host.sessions.question();
    let (receiver, asking) = Receiver::new(channel, question, RECORDS_MAX);
    Some(Transfer::new(stream, receiver, asking, host.now))
}

/// Takes what has come; whether that is all.
fn receive(
    transfer: &mut Transfer<Receiver>,
    endpoint: &mut Endpoint,
    records: &mut Vec<SignedRecord>,
) -> Result<bool, Box<dyn std::error::Error>> {
    let connected = transfer.pump(endpoint).is_some();
    let Some(receiver) = &mut transfer.end else {
        return Ok(true);
    };
    while !transfer.inbox.is_empty() {
        let taken = receiver.push(&transfer.inbox)?;
        transfer.inbox.drain(..taken);
        match receiver.take()? {
            Some(Bulk::Records(some)) => records.extend(some),
            Some(Bulk::End { .. }) => return Ok(true),
            None => break,
        }
    }
    if connected {
        Ok(false)
    } else {
        Err("the connection ended".into())
    }
}

/// Once the question is there, the whole answer waits to be sent.
fn answer(
    transfer: &mut Transfer<Sender>,
    records: &impl Fn() -> Vec<SignedRecord>,
) -> Result<(), BulkError> {
    let Some(sender) = &mut transfer.end else {
        return Ok(());
    };
    let taken = sender.push(&transfer.inbox)?;
    transfer.inbox.drain(..taken);
    if !sender.is_asked() {
        return Ok(());
    }
    sender.records(records(), &mut transfer.outbox)?;
    match transfer.end.take() {
        Some(sender) => sender.end(&mut transfer.outbox),
        None => Ok(()),
    }
}
