//! What is to happen, in the order of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::clock::Moment;

/// A queue of things to come. Of two at the same moment the one put in first comes first, so that
/// a run is the same each time.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Entry<T>>,
    put: u64,
}

#[derive(Debug)]
struct Entry<T> {
    key: Reverse<(Moment, u64)>,
    what: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            put: 0,
        }
    }
}

impl<T> Queue<T> {
    /// Lets `what` happen at `moment`.
    pub fn put(&mut self, moment: Moment, what: T) {
        self.put += 1;
        self.heap.push(Entry {
            key: Reverse((moment, self.put)),
            what,
        });
    }

    /// The next thing and its moment.
    pub fn take(&mut self) -> Option<(Moment, T)> {
        let Entry { key, what } = self.heap.pop()?;
        Some((key.0.0, what))
    }

    /// How many things are to come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing is to come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_in_the_order_of_time_and_then_of_arrival() {
        let mut queue = Queue::default();
        for (moment, what) in [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b')] {
            queue.put(Moment(moment), what);
        }
        let order: String = std::iter::from_fn(|| queue.take())
            .map(|(_, what)| what)
            .collect();
        assert_eq!(order, "abcd");
    }
}
