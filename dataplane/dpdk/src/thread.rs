//! Which processors a thread may run on.

use std::fmt;
use std::io;
use std::mem;

/// A set of processors.
#[derive(Clone, Copy)]
pub struct CpuSet(libc::cpu_set_t);

impl CpuSet {
    /// The processors that the calling thread may run on.
    ///
    /// # Errors
    ///
    /// What the kernel says.
    pub fn of_current_thread() -> io::Result<Self> {
        let mut set = Self::empty();
        let size = size_of_val(&set.0);
        // SAFETY: `set` is a writable set of `size` bytes; 0 is the calling thread.
        match unsafe { libc::sched_getaffinity(0, size, &raw mut set.0) } {
            0 => Ok(set),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// The set that holds nothing.
    #[must_use]
    pub fn empty() -> Self {
        // SAFETY: a set of processors is an array of integers; zero is the empty one.
        Self(unsafe { mem::zeroed() })
    }

    /// Whether `cpu` is in the set.
    #[must_use]
    pub fn contains(&self, cpu: u16) -> bool {
        usize::from(cpu) < Self::capacity() && {
            // SAFETY: `cpu` is within the array, as was just checked.
            unsafe { libc::CPU_ISSET(usize::from(cpu), &self.0) }
        }
    }

    /// Adds `cpu`; without effect above the kernel's highest number.
    pub fn insert(&mut self, cpu: u16) {
        if usize::from(cpu) < Self::capacity() {
            // SAFETY: `cpu` is within the array, as was just checked.
            unsafe { libc::CPU_SET(usize::from(cpu), &mut self.0) }
        }
    }

    /// The processors in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0..Self::capacity())
            .filter_map(|cpu| u16::try_from(cpu).ok())
            .filter(|&cpu| self.contains(cpu))
    }

    /// The set without `cpus`; as it is, if nothing would be left.
    #[must_use]
    pub fn away_from(&self, cpus: &[u16]) -> Self {
        let others: Self = self.iter().filter(|cpu| !cpus.contains(cpu)).collect();
        if others.iter().next().is_some() {
            others
        } else {
            *self
        }
    }

    /// Lets the calling thread, and those it starts from now on, run on these
    /// processors only.
    ///
    /// # Errors
    ///
    /// What the kernel says: `EINVAL` if none of them is online and allowed.
    pub fn apply_to_current_thread(&self) -> io::Result<()> {
        let size = size_of_val(&self.0);
        // SAFETY: the set is readable for `size` bytes; 0 is the calling thread.
        match unsafe { libc::sched_setaffinity(0, size, &raw const self.0) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn capacity() -> usize {
        8 * size_of::<libc::cpu_set_t>()
    }
}

impl FromIterator<u16> for CpuSet {
    fn from_iter<I: IntoIterator<Item = u16>>(cpus: I) -> Self {
        let mut set = Self::empty();
        cpus.into_iter().for_each(|cpu| set.insert(cpu));
        set
    }
}

impl fmt::Display for CpuSet {
    /// Comma-separated numbers, as the EAL's `--lcores` takes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, cpu) in self.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            write!(f, "{comma}{cpu}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CpuSet({self})")
    }
}

/// Names the calling thread for `ps` and `top`; cut after 15 bytes.
pub(crate) fn name_current(name: &str) {
    let mut text = [0_u8; 16];
    let kept = name.len().min(15);
    text[..kept].copy_from_slice(&name.as_bytes()[..kept]);
    // SAFETY: `text` is terminated and at most 16 bytes, the calling thread exists.
    unsafe { libc::prctl(libc::PR_SET_NAME, text.as_ptr()) };
}
