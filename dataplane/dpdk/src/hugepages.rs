//! Huge pages: where hugetlbfs is mounted, how much is free, and the files
//! that DPDK leaves there and in its runtime directory.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// A mounted hugetlbfs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) path: PathBuf,
    pub(crate) page_kib: u64,
}

/// Every mounted hugetlbfs.
pub(crate) fn mounts() -> Vec<Mount> {
    let default_kib = default_page_kib();
    let table = fs::read_to_string("/proc/mounts").unwrap_or_default();
    parse_mounts(&table, default_kib)
}

fn parse_mounts(table: &str, default_kib: u64) -> Vec<Mount> {
    let mount = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        let (path, kind, options) = (fields.next()?, fields.next()?, fields.next()?);
        let page = options
            .split(',')
            .find_map(|option| option.strip_prefix("pagesize="));
        let page_kib = page.map_or(Some(default_kib), parse_size_kib)?;
        (kind == "hugetlbfs").then(|| Mount {
            path: path.into(),
            page_kib,
        })
    };
    table.lines().filter_map(mount).collect()
}

/// `2M`, `1G` or `2048K`, as the mount options show it.
fn parse_size_kib(text: &str) -> Option<u64> {
    let (number, factor) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 1),
        b'M' => (&text[..text.len() - 1], 1 << 10),
        b'G' => (&text[..text.len() - 1], 1 << 20),
        _ => return Some(text.parse::<u64>().ok()? >> 10),
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// The size of a huge page if nothing else is said, in KiB.
pub(crate) fn default_page_kib() -> u64 {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("Hugepagesize:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(2048)
}

/// Pages of this size: how many there are, and how many of them are free.
pub(crate) fn pages(page_kib: u64) -> (u64, u64) {
    let read = |name| {
        let path = format!("/sys/kernel/mm/hugepages/hugepages-{page_kib}kB/{name}");
        fs::read_to_string(path)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    };
    (read("nr_hugepages"), read("free_hugepages"))
}

/// Where DPDK keeps what processes share beside memory: the same choice as
/// its `eal_create_runtime_dir`.
pub(crate) fn runtime_directory(file_prefix: &str) -> PathBuf {
    let base = std::env::var_os("RUNTIME_DIRECTORY")
        .map(PathBuf::from)
        .unwrap_or_else(|| {
            // SAFETY: reads the process's user; it cannot fail.
            if unsafe { libc::getuid() } == 0 {
                return "/var/run".into();
            }
            std::env::var_os("XDG_RUNTIME_DIR").map_or_else(|| "/tmp".into(), PathBuf::from)
        });
    base.join("dpdk").join(file_prefix)
}

/// Removes what a process with this prefix has, or had, on disk. What is in
/// use stays usable by those who have it open.
pub(crate) fn remove_files(file_prefix: &str) {
    for mount in mounts() {
        remove_pages(&mount.path, file_prefix);
    }
    let _ = fs::remove_dir_all(runtime_directory(file_prefix));
}

/// Removes `PREFIXmap_NUMBER`, and nothing of a prefix that merely begins alike.
fn remove_pages(directory: &Path, file_prefix: &str) {
    let ours = |name: &OsStr| {
        let number = name
            .to_str()?
            .strip_prefix(file_prefix)?
            .strip_prefix("map_")?;
        (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(())
    };
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if ours(&entry.file_name()).is_some() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_found_with_their_page_size() {
        let table = "proc /proc proc rw 0 0\n\
                     none /dev/hugepages hugetlbfs rw,relatime 0 0\n\
                     none /huge hugetlbfs rw,pagesize=1024M 0 0\n\
                     none /tmp tmpfs rw 0 0\n";
        let found = parse_mounts(table, 2048);
        assert_eq!(
            found,
            [
                Mount {
                    path: "/dev/hugepages".into(),
                    page_kib: 2048
                },
                Mount {
                    path: "/huge".into(),
                    page_kib: 1 << 20
                },
            ]
        );
    }

    #[test]
    fn only_pages_of_the_very_prefix_are_removed() {
        let directory =
            std::env::temp_dir().join(format!("understudy-pages-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        for name in ["rmap_0", "rmap_12", "r2map_0", "rmap_", "rmap_x", "other"] {
            fs::write(directory.join(name), "").unwrap();
        }
        remove_pages(&directory, "r");
        let mut left: Vec<_> = fs::read_dir(&directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(left, ["other", "r2map_0", "rmap_", "rmap_x"]);
    }
}
