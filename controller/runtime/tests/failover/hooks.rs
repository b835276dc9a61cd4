use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use failover::{Fact, HookPolicy};
use messages::body::Standing;
use runtime::replication::Executable;
use tempfile::TempDir;

use crate::host::{S, Setup, T};
use crate::world::World;

/// A hook that writes down its arguments and then waits until there is a file `go`.
fn hook(directory: &TempDir, hook: HookPolicy) -> Setup {
    let (said, go) = (directory.path().join("said"), directory.path().join("go"));
    let text = format!(
        "#!/bin/sh\necho \"$*\" >> {}\nwhile ! [ -e {} ]; do sleep 0.01; done\n",
        said.display(),
        go.display()
    );
    let script = directory.path().join("script");
    fs::write(&script, text).expect("written");
    let path = directory.path().join("hook");
    // Written by another process: no child of this one, forked at this moment, has it open.
    let mut install = Command::new("install");
    let installed = install.args(["-m", "755"]).arg(&script).arg(&path).status();
    assert!(installed.expect("install runs").success());
    let executable = Executable {
        name: "z/10.0.0.3".into(),
        path: Arc::new(path),
        time_out: Duration::from_secs(60),
    };
    Setup {
        hook,
        executable: Some(executable),
        ..Setup::default()
    }
}

fn said(directory: &TempDir) -> Vec<String> {
    let text = fs::read_to_string(directory.path().join("said")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn let_go(directory: &TempDir) {
    fs::write(directory.path().join("go"), "").expect("written");
}

#[test]
fn a_promotion_waits_for_its_hook_where_it_is_told_to() {
    let directory = TempDir::new().expect("a directory");
    let setup = hook(&directory, HookPolicy::Awaited);
    let_go(&directory);
    let mut world = World::settled(setup);
    let first = said(&directory);
    fs::remove_file(directory.path().join("go")).expect("removed");
    world.kill(S);
    world.run_until(3_000, "the hook runs", |_| {
        said(&directory).len() > first.len()
    });
    world.run(300);
    assert_eq!(
        world.standing(T),
        Standing::Promoting,
        "it is not heard yet"
    );
    let epoch = world.record_at(T).expect("a record").epoch;
    let_go(&directory);
    world.run_until(3_000, "t is heard", |world| world.is_owned_by(T));
    let last = said(&directory).pop().expect("it ran");
    assert_eq!(last, format!("z/10.0.0.3 {epoch} primary"));
}

#[test]
fn a_hook_beside_the_promotion_does_not_delay_it() {
    let directory = TempDir::new().expect("a directory");
    let setup = hook(&directory, HookPolicy::Beside);
    let mut world = World::settled(setup);
    world.promote();
    world.run_until(3_000, "the hook runs", |_| said(&directory).len() == 2);
    let_go(&directory);
}

#[test]
fn the_old_owner_runs_its_hook_as_demoted_when_it_comes_back() {
    let directory = TempDir::new().expect("a directory");
    let setup = hook(&directory, HookPolicy::Beside);
    let_go(&directory);
    let mut world = World::settled(setup);
    for other in [T, crate::host::R] {
        world.cut.extend([(S, other), (other, S)]);
    }
    world.run_until(3_000, "t owns the address", |world| world.is_owned_by(T));
    world.cut.clear();
    world.run_until(3_000, "the hook of the old owner", |_| {
        said(&directory)
            .iter()
            .any(|line| line.ends_with(" demoted"))
    });
}

#[test]
fn a_hook_that_cannot_be_run_is_a_failed_one() {
    let directory = TempDir::new().expect("a directory");
    let mut setup = hook(&directory, HookPolicy::Beside);
    setup.executable = None;
    let mut world = World::settled(setup);
    let since = world.now;
    world.promote();
    world.run(50);
    let failed = |fact: &Fact| matches!(fact, Fact::HookEnded { ok: false });
    assert!(world.facts(since, T).any(failed));
}
