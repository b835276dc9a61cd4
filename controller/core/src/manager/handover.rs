//! A planned move: the change to `Handover` freezes the owner; when the owner and the member that is
//! to follow say that they are ready, the next change moves the address; or it gives the move up.

use messages::body::Promise;
use messages::{BootId, Epoch, GroupState, HostId, Owner, Record};

use super::change;
use super::context::Context;
use super::group::{Group, Handover};
use crate::note::Cause;

impl Group {
    /// The owner has stopped, and queues what comes in.
    pub(super) fn frozen(
        &mut self,
        from: HostId,
        boot: BootId,
        epoch: Epoch,
        cx: &mut Context<'_>,
    ) {
        let owner = self.record.as_ref().and_then(|signed| signed.record.owner);
        if self.epoch() > Some(epoch) {
            self.push_now(from, cx);
        } else if self.epoch() == Some(epoch)
            && owner == Some(Owner { host: from, boot })
            && let Some(handover) = &mut self.handover
        {
            handover.frozen = true;
        }
    }

    /// Ends a planned move, one way or the other. True if something was decided.
    pub(super) fn review_handover(&mut self, record: &Record, cx: &mut Context<'_>) -> bool {
        let GroupState::Handover { to } = record.state else {
            return false;
        };
        // A restarted manager finds the move in its log.
        let within = cx.damping.handover_within;
        let handover = self.handover.get_or_insert_with(|| Handover {
            deadline: cx.now.after(within),
            frozen: false,
            asked_by: None,
        });
        let (frozen, deadline) = (handover.frozen, handover.deadline);
        let knows = !self.pushes.missing.contains_key(&to);
        if frozen
            && knows
            && self.is_eligible(to, cx)
            && let (Some(boot), Some(last)) = (cx.hosts.boot(to), record.owner)
        {
            let mut next = change::pass_to(record, Owner { host: to, boot }, |host| {
                self.hears(host, cx)
            });
            next.state = GroupState::Active;
            change::settle(&mut next);
            self.decide(
                next,
                Cause::HandoverDone,
                Promise::Moved { from: last.host },
                None,
                cx,
            );
            return true;
        }
        if cx.now >= deadline {
            self.abort_handover(record, cx);
            return true;
        }
        false
    }

    fn abort_handover(&mut self, record: &Record, cx: &mut Context<'_>) {
        let mut next = record.clone();
        next.state = GroupState::Active;
        change::settle(&mut next);
        self.decide(next, Cause::HandoverAborted, Promise::Needed, None, cx);
    }

    /// Begins a planned move to this member.
    pub(super) fn begin_handover(
        &mut self,
        record: &Record,
        to: HostId,
        asked_by: super::requests::Asker,
        cx: &mut Context<'_>,
    ) {
        let mut next = record.clone();
        next.state = GroupState::Handover { to };
        self.decide(next, Cause::Handover, Promise::Needed, Some(asked_by), cx);
    }
}
