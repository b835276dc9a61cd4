//! Which groups are to be looked at now? Those that an event changed and those for which something is
//! due, and no other: a host may have hundreds of groups, and hears of each of its peers many times a
//! second.

use std::collections::{BTreeMap, BTreeSet};

use messages::{GroupId, Time};

/// Something for each group, and when each is due.
#[derive(Debug)]
pub(crate) struct Schedule<T> {
    items: BTreeMap<GroupId, Item<T>>,
    /// When something of an item is due next, the earliest first.
    due: BTreeSet<(Time, GroupId)>,
    /// Items that may have changed since `settle`, so that their times may be others.
    touched: BTreeSet<GroupId>,
}

#[derive(Debug)]
struct Item<T> {
    value: T,
    due: Option<Time>,
}

impl<T> Schedule<T> {
    /// All of them are to be looked at first.
    pub(crate) fn new(values: impl IntoIterator<Item = (GroupId, T)>) -> Self {
        let item = |(id, value)| (id, Item { value, due: None });
        let items: BTreeMap<_, _> = values.into_iter().map(item).collect();
        let touched = items.keys().copied().collect();
        Self {
            items,
            due: BTreeSet::new(),
            touched,
        }
    }

    pub(crate) fn get(&self, id: &GroupId) -> Option<&T> {
        self.items.get(id).map(|item| &item.value)
    }

    /// The item, to change it.
    pub(crate) fn get_mut(&mut self, id: &GroupId) -> Option<&mut T> {
        let item = self.items.get_mut(id)?;
        self.touched.insert(*id);
        Some(&mut item.value)
    }

    /// All items, in the order of the groups.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.items.values().map(|item| &item.value)
    }

    /// All items, to change them.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.touch_all();
        self.items.values_mut().map(|item| &mut item.value)
    }

    /// All items are to be looked at.
    pub(crate) fn touch_all(&mut self) {
        self.touched.extend(self.items.keys());
    }

    /// The items that were touched, and those that are due, which are touched now, in the order of
    /// the groups.
    pub(crate) fn look_at(&mut self, now: Time) -> Vec<GroupId> {
        let due = self.due.iter().take_while(|(time, _)| *time <= now);
        self.touched.extend(due.map(|(_, id)| *id));
        self.touched.iter().copied().collect()
    }

    /// Asks each touched item anew when it is due. What is due by `now` was looked at just now, and
    /// waits for an event.
    pub(crate) fn settle(&mut self, now: Time, times: impl Fn(&T, &mut Vec<Time>)) {
        let mut found = Vec::new();
        for id in std::mem::take(&mut self.touched) {
            let Some(item) = self.items.get_mut(&id) else {
                continue;
            };
            times(&item.value, &mut found);
            let due = found.drain(..).filter(|time| *time > now).min();
            if due != item.due {
                if let Some(before) = item.due {
                    self.due.remove(&(before, id));
                }
                self.due.extend(due.map(|time| (time, id)));
                item.due = due;
            }
        }
    }

    /// When the first item is due.
    pub(crate) fn earliest(&self) -> Option<Time> {
        self.due.first().map(|(time, _)| *time)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn id(last: u8) -> GroupId {
        GroupId::new(1, Ipv4Addr::new(10, 0, 0, last))
    }

    /// Each value is the time at which it is due.
    fn schedule() -> Schedule<u64> {
        let mut schedule = Schedule::new([(id(1), 10), (id(2), 20), (id(3), 30)]);
        schedule.settle(Time(0), |value, out| out.push(Time(*value)));
        schedule
    }

    #[test]
    fn all_are_looked_at_first_then_only_what_is_due() {
        let mut fresh = Schedule::new([(id(1), 10), (id(2), 20)]);
        assert_eq!(fresh.look_at(Time(0)), [id(1), id(2)]);
        let mut settled = schedule();
        assert_eq!(settled.look_at(Time(9)), []);
        assert_eq!(settled.earliest(), Some(Time(10)));
        assert_eq!(settled.look_at(Time(20)), [id(1), id(2)]);
    }

    #[test]
    fn what_was_changed_is_looked_at_and_asked_anew() {
        let mut schedule = schedule();
        *schedule.get_mut(&id(3)).unwrap() = 5;
        assert_eq!(schedule.look_at(Time(1)), [id(3)]);
        schedule.settle(Time(1), |value, out| out.push(Time(*value)));
        assert_eq!(schedule.earliest(), Some(Time(5)));
        assert_eq!(schedule.look_at(Time(4)), []);
    }

    #[test]
    fn what_stays_due_waits_for_an_event() {
        let mut schedule = schedule();
        assert_eq!(schedule.look_at(Time(10)), [id(1)]);
        schedule.settle(Time(10), |value, out| out.push(Time(*value)));
        assert_eq!(schedule.look_at(Time(11)), []);
        assert_eq!(schedule.earliest(), Some(Time(20)));
    }
}
