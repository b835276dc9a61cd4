//! What a group's guests have got: the requests in the state of each, and what a checkpoint takes
//! from one to the others.

use crate::naming::{HOSTS_MAX, Host};
use crate::numbers::Numbers;

/// A group's guests.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// Requests that left their sender.
    pub sent: Numbers,
    /// The next request's number.
    pub next: u32,
    /// Requests whose answer came back.
    pub answered: Numbers,
    guests: [Guest; HOSTS_MAX],
}

/// The guest on one host.
#[derive(Clone, Debug, Default)]
pub struct Guest {
    /// Requests in its state.
    pub has: Numbers,
    /// A checkpoint that it starts from when it is promoted, and its number.
    pub standby: Option<(u64, Numbers)>,
    /// Whether it has served since it was last promoted.
    pub serves: bool,
}

impl Service {
    /// The guest on a host.
    #[must_use]
    pub const fn guest(&self, host: Host) -> &Guest {
        &self.guests[host.index()]
    }

    /// The same, to be changed.
    pub const fn guest_mut(&mut self, host: Host) -> &mut Guest {
        &mut self.guests[host.index()]
    }

    /// A buffering replica becomes the owner: from its checkpoint, or, after a planned move, with
    /// the state that the old owner froze. Where there has been no checkpoint, what the guest
    /// before it got counts as received.
    pub fn promote(&mut self, host: Host, before: Option<Host>, moved: bool) {
        if self.guest(host).serves {
            return;
        }
        let state = match (&self.guest(host).standby, before) {
            (Some((_, state)), _) if !moved => state.clone(),
            (_, Some(before)) => self.guest(before).has.clone(),
            (_, None) => Numbers::default(),
        };
        let guest = self.guest_mut(host);
        guest.has = state;
        guest.serves = true;
    }

    /// Another host's guest owns the address.
    pub fn depose(&mut self, host: Host) {
        self.guest_mut(host).serves = false;
    }

    /// A checkpoint of this state arrives at a host.
    pub fn store(&mut self, host: Host, number: u64, state: &Numbers) {
        self.guest_mut(host).standby = Some((number, state.clone()));
    }

    /// The machine is gone, and the guest with it.
    pub fn lose(&mut self, host: Host) {
        *self.guest_mut(host) = Guest::default();
    }
}
