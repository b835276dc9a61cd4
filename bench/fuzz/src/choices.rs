//! Octets as a row of choices. When they run out, every choice is the first.

/// What is left of the octets.
#[derive(Clone, Debug)]
pub(crate) struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn octet(&mut self) -> u8 {
        let Some((octet, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *octet
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.octet(), self.octet()])
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from(self.u16()) << 16 | u32::from(self.u16())
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.octet())
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let number = if bound <= 256 {
            usize::from(self.octet())
        } else {
            self.u32() as usize
        };
        number % bound
    }

    /// True once in `times`, never when nothing is left.
    pub(crate) fn one_in(&mut self, times: u8) -> bool {
        self.octet() % times == times - 1
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// The next octets, as many as are wanted and there.
    pub(crate) fn octets(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        self.octets(self.0.len())
    }

    /// Changes some octets, or the length: what a bad wire or a bad sender does to a good message.
    pub(crate) fn spoil(&mut self, octets: &mut Vec<u8>) {
        for _ in 0..self.below(4) {
            if octets.is_empty() {
                return;
            }
            let at = self.below(octets.len());
            octets[at] = match self.below(3) {
                0 => octets[at] ^ 1 << self.below(8),
                1 => self.octet(),
                _ => self.pick(&[0, 1, 0x7f, 0x80, 0xff]),
            };
        }
        if self.one_in(8) {
            let length = self.below(octets.len() + 1);
            octets.truncate(length);
        } else if self.one_in(8) {
            let count = self.below(64);
            octets.extend(self.octets(count));
        }
    }
}
