//! How large a packet the path to each host takes (docs/wire.md section 4).
//!
//! A router that cannot forward a packet says so to its sender. A worker that
//! hears it tells the controller, which alone decides: it lowers what is known
//! of that host, forgets it after a time, and publishes either as a part of the
//! next snapshot. So every worker has it at its next burst, without a lock, and
//! while nothing was learned a packet costs one comparison.

use std::sync::Arc;

use crate::mappings::HostIndex;

/// What every IPv6 link carries (RFC 8200 section 5): no path is believed to
/// take less.
pub const PATH_MTU_MIN: u16 = 1280;

/// For how long what was learned holds, in nanoseconds (RFC 8201 section 4).
pub const PATH_MTU_AGE_NS: u64 = 600_000_000_000;

/// The largest IPv6 packet for each host, in octets. Immutable, as the snapshot
/// that it is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathMtus {
    /// That of the uplink: what holds for hosts of which nothing was learned.
    link: u16,
    /// The least of all.
    smallest: u16,
    /// When the first that was learned is forgotten.
    next_end_ns: u64,
    /// By [`HostIndex`].
    learned: Arc<[Option<Learned>]>,
}

/// What was learned of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// The largest IPv6 packet, in octets.
    pub mtu: u16,
    /// Until when that counts, in nanoseconds of the process's clock.
    pub until_ns: u64,
}

impl PathMtus {
    /// Nothing was learned yet of the `hosts` of the fabric, and the uplink takes
    /// packets of up to `link` octets.
    #[must_use]
    pub fn new(hosts: usize, link: u16) -> Self {
        Self::of(link, vec![None; hosts].into())
    }

    fn of(link: u16, learned: Arc<[Option<Learned>]>) -> Self {
        let known = || learned.iter().flatten();
        Self {
            link,
            smallest: known().map(|path| path.mtu).fold(link, u16::min),
            next_end_ns: known().map(|path| path.until_ns).min().unwrap_or(u64::MAX),
            learned,
        }
    }

    /// Hosts of the fabric.
    #[must_use]
    pub fn hosts(&self) -> usize {
        self.learned.len()
    }

    /// Whether a packet of `bytes` octets fits on the path to `host`.
    #[inline]
    #[must_use]
    pub fn fits(&self, bytes: usize, host: HostIndex) -> bool {
        bytes <= usize::from(self.smallest) || bytes <= usize::from(self.to(host))
    }

    /// Whether a packet of `bytes` octets fits on every path.
    #[inline]
    #[must_use]
    pub fn fits_everywhere(&self, bytes: usize) -> bool {
        bytes <= usize::from(self.smallest)
    }

    /// The largest packet that fits on every path, in octets.
    #[inline]
    #[must_use]
    pub fn smallest(&self) -> u16 {
        self.smallest
    }

    /// The largest packet for `host`, in octets.
    #[must_use]
    pub fn to(&self, host: HostIndex) -> u16 {
        let learned = self.learned.get(usize::from(host.0));
        learned
            .and_then(Option::as_ref)
            .map_or(self.link, |path| path.mtu)
    }

    /// After a router said that the path to `host` takes packets of `mtu` octets;
    /// `None` if that changes nothing. What is known only ever falls until it is
    /// forgotten: who could raise it could have large packets vanish.
    #[must_use]
    pub fn lowered(&self, host: HostIndex, mtu: u16, now_ns: u64) -> Option<Self> {
        let mtu = mtu.max(PATH_MTU_MIN);
        if mtu >= self.to(host) {
            return None;
        }
        let mut learned = Arc::clone(&self.learned);
        *Arc::make_mut(&mut learned).get_mut(usize::from(host.0))? = Some(Learned {
            mtu,
            until_ns: now_ns.saturating_add(PATH_MTU_AGE_NS),
        });
        Some(Self::of(self.link, learned))
    }

    /// Without what is too old; `None` if nothing is.
    #[must_use]
    pub fn aged(&self, now_ns: u64) -> Option<Self> {
        if now_ns < self.next_end_ns {
            return None;
        }
        let young = |path: &Option<Learned>| path.filter(|path| now_ns < path.until_ns);
        let learned: Arc<[_]> = self.learned.iter().map(young).collect();
        (learned != self.learned).then(|| Self::of(self.link, learned))
    }

    /// Every path of which something was learned.
    pub fn learned(&self) -> impl Iterator<Item = (HostIndex, Learned)> + '_ {
        let hosts = (0u16..).map(HostIndex).zip(self.learned.iter());
        hosts.filter_map(|(host, path)| Some((host, (*path)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: HostIndex = HostIndex(1);
    const T: HostIndex = HostIndex(2);

    #[test]
    fn one_path_is_lowered_and_the_others_stay() {
        let paths = PathMtus::new(3, 1600);
        assert!(paths.fits(1600, S) && !paths.fits(1601, S) && paths.fits_everywhere(1600));
        let paths = paths.lowered(S, 1400, 0).expect("lower");
        assert!(paths.fits(1400, S) && !paths.fits(1401, S));
        assert!(paths.fits(1600, T) && !paths.fits_everywhere(1401));
        assert!(paths.fits_everywhere(1400));
        let learned: Vec<_> = paths
            .learned()
            .map(|(host, path)| (host, path.mtu))
            .collect();
        assert_eq!(learned, [(S, 1400)]);
    }

    #[test]
    fn it_only_falls_and_not_below_what_every_link_carries() {
        let paths = PathMtus::new(3, 1600).lowered(S, 1400, 0).expect("lower");
        assert_eq!(paths.lowered(S, 1400, 1), None);
        assert_eq!(paths.lowered(S, 9000, 1), None);
        let floor = paths.lowered(S, 68, 1).expect("lower");
        assert_eq!(floor.to(S), PATH_MTU_MIN);
        assert_eq!(floor.lowered(S, 0, 2), None);
        assert_eq!(paths.lowered(HostIndex(3), 1300, 0), None, "no such host");
        assert_eq!(PathMtus::new(3, 1280).lowered(S, 0, 0), None);
    }

    #[test]
    fn it_is_forgotten_ten_minutes_after_it_last_fell() {
        let paths = PathMtus::new(3, 1600).lowered(S, 1500, 0).expect("lower");
        let paths = paths.lowered(S, 1400, 5).expect("lower");
        let paths = paths.lowered(T, 1300, 9).expect("lower");
        assert_eq!(paths.aged(PATH_MTU_AGE_NS + 4), None);
        let later = paths.aged(PATH_MTU_AGE_NS + 5).expect("one is too old");
        assert_eq!((later.to(S), later.to(T)), (1600, 1300));
        let last = later.aged(PATH_MTU_AGE_NS + 9).expect("the other as well");
        assert_eq!(last, PathMtus::new(3, 1600));
    }

    proptest! {
        #[test]
        fn what_fits_is_what_every_path_was_told_last(
            told in prop::collection::vec((0u16..4, any::<u16>()), 0..20), bytes in 0usize..3000,
        ) {
            let mut paths = PathMtus::new(4, 1600);
            for (now, (host, mtu)) in told.iter().enumerate() {
                paths = paths.lowered(HostIndex(*host), *mtu, now as u64).unwrap_or(paths);
            }
            let limit = |host: u16| {
                let of_host = told.iter().filter(|(other, _)| *other == host);
                of_host.map(|(_, mtu)| (*mtu).max(1280)).fold(1600, u16::min)
            };
            for host in 0..4 {
                prop_assert_eq!(paths.fits(bytes, HostIndex(host)), bytes <= limit(host).into());
            }
            let all = (0..4).all(|host| bytes <= limit(host).into());
            prop_assert_eq!(paths.fits_everywhere(bytes), all);
        }
    }
}
