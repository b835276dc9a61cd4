//! Which sequence numbers were seen: a sliding window (RFC 4303 section 3.4.3), kept as a ring of
//! words (RFC 6479), so that it slides without moving a bit.

/// How far behind the newest a number may be and still be taken.
pub(crate) const WINDOW: u64 = 1_024;
const WORD_BITS: u64 = u64::BITS as u64;
/// One word more than the window, since the newest number may stand anywhere in its word.
const WORDS: u64 = WINDOW / WORD_BITS + 1;

/// The numbers that a session has taken.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    newest: u64,
    seen: [u64; WORDS as usize],
}

impl Window {
    /// Nothing seen. Numbers begin at 1.
    pub(crate) const fn new() -> Self {
        Self {
            newest: 0,
            seen: [0; WORDS as usize],
        }
    }

    /// Takes the number, unless it was taken before or is too old to tell. To be asked only about
    /// a number whose tag holds: it moves the window.
    pub(crate) fn take(&mut self, number: u64) -> bool {
        if number == 0 || self.newest.saturating_sub(number) >= WINDOW {
            return false;
        }
        self.slide(number);
        let (word, bit) = place(number);
        let fresh = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        fresh
    }

    fn slide(&mut self, number: u64) {
        let from = self.newest / WORD_BITS;
        let to = number / WORD_BITS;
        // Words that the window enters hold what it left behind; after a whole turn all do.
        for entered in (from + 1..=to).take(WORDS as usize) {
            self.seen[(entered % WORDS) as usize] = 0;
        }
        self.newest = self.newest.max(number);
    }
}

const fn place(number: u64) -> (usize, u64) {
    (
        (number / WORD_BITS % WORDS) as usize,
        1 << (number % WORD_BITS),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// Says the same with a set that forgets nothing.
    #[derive(Default)]
    struct Oracle {
        newest: u64,
        seen: HashSet<u64>,
    }

    impl Oracle {
        fn take(&mut self, number: u64) -> bool {
            let old = u128::from(number) + u128::from(WINDOW) <= u128::from(self.newest);
            self.newest = self.newest.max(number);
            number != 0 && !old && self.seen.insert(number)
        }
    }

    #[test]
    fn zero_is_no_number() {
        assert!(!Window::new().take(0));
    }

    #[test]
    fn a_number_is_taken_once_anywhere_in_the_window() {
        let mut window = Window::new();
        assert!(window.take(5_000));
        assert!(!window.take(5_000 - WINDOW));
        for number in 5_001 - WINDOW..5_000 {
            assert!(window.take(number), "{number}");
        }
        for number in 5_000 - WINDOW..=5_000 {
            assert!(!window.take(number), "{number}");
        }
    }

    #[test]
    fn the_last_number_is_taken_once() {
        let mut window = Window::new();
        assert!(window.take(u64::MAX));
        assert!(window.take(u64::MAX - 1));
        assert!(!window.take(u64::MAX));
        assert!(!window.take(1));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_that_forgets_nothing(
            steps in prop::collection::vec((0_u64..4, 0_u64..3_000), 1..400),
        ) {
            let (mut window, mut oracle) = (Window::new(), Oracle::default());
            for (kind, distance) in steps {
                let number = match kind {
                    0 => oracle.newest + distance,
                    1 => oracle.newest + distance % 70,
                    _ => oracle.newest.saturating_sub(distance % 1_100),
                };
                prop_assert_eq!(window.take(number), oracle.take(number), "{}", number);
            }
        }
    }
}
