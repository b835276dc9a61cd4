use super::*;
use crate::fixture::{Files, R, S, T, config, group as id, host};

#[test]
fn every_host_with_a_node_in_the_network_is_told_and_members_keep_their_rank() {
    let config = config("r");
    let group = group(&config, config.manager.as_ref().unwrap(), &config.groups[0]);
    assert_eq!(group.id, id());
    assert_eq!(group.audience, [host(R), host(S), host(T)]);
    assert_eq!(group.members, [host(S), host(T)]);
    assert_eq!(group.timers.interval, Duration::from_millis(50));
    assert_eq!(group.hook, HookPolicy::Absent);
}

#[test]
fn a_host_outside_the_network_has_no_group_unless_it_has_the_manager() {
    let files = Files::new();
    // r keeps only its place as the manager's host, or not even that.
    let changes = [
        ("spares = [\"k\"]\n", ""),
        (
            "name = \"k\"\naddress = \"10.0.0.3\"\nhost = \"r\"",
            "name = \"k\"\naddress = \"10.0.0.9\"\nhost = \"s\"",
        ),
        (
            "name = \"a\"\naddress = \"10.0.0.2\"\nhost = \"r\"",
            "name = \"a\"\naddress = \"10.0.0.2\"\nhost = \"s\"",
        ),
    ];
    let config = files.config("r", &changes);
    let told = agent(&config, config.manager.as_ref().unwrap(), true);
    assert_eq!((told.host, told.manager), (host(R), host(R)));
    assert_eq!(told.groups.len(), 1, "it shows the group to operators");
    let elsewhere = Manager {
        host: S,
        ..config.manager.clone().unwrap()
    };
    let told = agent(&config, &elsewhere, true);
    assert!(told.groups.is_empty() && told.machine_kept);
    let managed = manager(&config, config.manager.as_ref().unwrap());
    assert_eq!(managed.groups.len(), 1, "and its manager decides for all");
}

#[test]
fn the_manager_is_told_of_all_hosts_and_of_the_spares() {
    let config = config("r");
    let told = manager(&config, config.manager.as_ref().unwrap());
    assert_eq!(told.hosts, [host(R), host(S), host(T)]);
    assert_eq!(told.groups[0].spares, [host(R)]);
    assert_eq!(told.damping.promotion_gap_min, Duration::from_secs(1));
}

#[test]
fn all_hosts_of_a_fabric_offer_the_same() {
    let offers = ["r", "s", "t"].map(|host| offer(&config(host)));
    assert!(offers.iter().all(|other| *other == offers[0]));
}

#[test]
fn hosts_whose_groups_differ_in_timers_or_mode_do_not_agree() {
    let members = "members = [\"g\", \"j\"]";
    let here = offer(&config("r"));
    for other in [
        "interval_ms = 60",
        "detect_mult = 4",
        "copies = \"buffer\"",
        "fan_out = \"primary\"",
        "on_isolation = \"continue\"",
    ] {
        let changed = format!("{members}\n{other}");
        let there = offer(&Files::new().config("s", &[(members, &changed)]));
        assert!(here.disagreement(&there).is_some(), "{other}");
    }
    let rank = offer(&Files::new().config("s", &[(members, "members = [\"j\", \"g\"]")]));
    assert_eq!(here, rank, "the record says who is a member");
}
