//! Who is asking, and what they may do.
//!
//! Whoever can connect may read: the kernel has checked the socket's owner, group and mode. To
//! change anything a caller must be root, the daemon's own user, or in the group [`WRITERS_GROUP`],
//! which is checked here as well, so that an administrator can open the socket to more readers
//! (`chmod o+rw`) without making them writers.

use std::fmt;
use std::fs;
use std::io;

use tokio::net::UnixStream;

/// Members of this group, as `/etc/group` lists them, may change what a host does.
pub const WRITERS_GROUP: &str = "understudy";

/// The process at the other end, as the kernel names it.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    uid: u32,
    gid: u32,
    pid: Option<i32>,
}

impl Caller {
    /// The caller at the other end of `stream`, as it was when it connected.
    pub fn of(stream: &UnixStream) -> io::Result<Self> {
        let peer = stream.peer_cred()?;
        Ok(Self {
            uid: peer.uid(),
            gid: peer.gid(),
            pid: peer.pid(),
        })
    }

    /// It may change mappings.
    pub fn may_write(self) -> bool {
        self.uid == 0
            || self.uid == rustix::process::geteuid().as_raw()
            || read("/etc/group").and_then(|groups| {
                let users = read("/etc/passwd")?;
                Some(is_member(self.uid, self.gid, &groups, &users))
            }) == Some(true)
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "user {}", self.uid)?;
        self.pid.map_or(Ok(()), |pid| write!(f, " (process {pid})"))
    }
}

/// The id of the group `name` in `/etc/group`.
pub fn group_id(name: &str) -> Option<u32> {
    Some(group(&read("/etc/group")?, name)?.0)
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The group's id and its members' names, separated by commas: `name:password:id:members`.
fn group<'a>(groups: &'a str, name: &str) -> Option<(u32, &'a str)> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        Some((fields.nth(1)?.parse().ok()?, fields.next()?))
    })
}

/// The user `uid` is in the writers' group, by their first group or by name.
fn is_member(uid: u32, gid: u32, groups: &str, users: &str) -> bool {
    let Some((writers, members)) = group(groups, WRITERS_GROUP) else {
        return false;
    };
    let is_named = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next();
        fields.nth(1).and_then(|id| id.parse().ok()) == Some(uid)
            && members.split(',').any(|member| Some(member) == name)
    };
    gid == writers || users.lines().any(is_named)
}

#[cfg(test)]
mod tests {
    use super::is_member;

    const GROUPS: &str = "root:x:0:\nunderstudy:x:990:olga,piet\nunderstudy2:x:991:mallory\n";
    const USERS: &str =
        "root:x:0:0::/:/bin/sh\nolga:x:1000:1000::/:/bin/sh\nmallory:x:1001:1001::/:/bin/sh\n";

    #[test]
    fn a_writer_is_in_the_group_by_name_or_by_first_group_and_nobody_else_is() {
        assert!(is_member(1000, 1000, GROUPS, USERS), "named in the group");
        assert!(is_member(1234, 990, GROUPS, USERS), "first group");
        assert!(
            !is_member(1001, 1001, GROUPS, USERS),
            "a member of a group with a longer name"
        );
        assert!(
            !is_member(4711, 4711, GROUPS, USERS),
            "unknown to the system"
        );
        assert!(
            !is_member(1000, 1000, "root:x:0:olga\n", USERS),
            "there is no such group"
        );
        assert!(
            !is_member(1000, 1000, "understudy:x\nunderstudy\n", USERS),
            "a broken file"
        );
    }
}
