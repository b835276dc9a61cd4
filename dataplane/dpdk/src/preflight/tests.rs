use super::*;

fn options() -> EalOptions {
    EalOptions {
        program: "test".into(),
        file_prefix: "understudy-preflight-test".into(),
        memory: Memory::Ordinary { mib: 64 },
        worker_cores: vec![],
        devices: vec![],
        telemetry: false,
    }
}

#[test]
fn a_machine_that_has_what_is_needed_gives_no_finding() {
    let devices = vec!["net_null0".to_owned(), "net_ring0".to_owned()];
    let cores = CpuSet::of_current_thread()
        .unwrap()
        .iter()
        .take(1)
        .collect();
    let findings = check(&EalOptions {
        devices,
        worker_cores: cores,
        ..options()
    });
    assert!(findings.is_empty(), "{}", sentences(&findings));
}

#[test]
fn everything_that_is_wrong_is_reported_at_once_with_its_remedy() {
    let devices = [
        "eth0",
        "net_af_packet0,iface=nowhere0",
        "net_afxdp0",
        "net_null0",
        "net_null0",
        "ffff:1f:1f.7",
    ];
    let devices = devices.map(String::from).to_vec();
    let findings = check(&EalOptions {
        devices,
        worker_cores: vec![4095],
        ..options()
    });
    let text = sentences(&findings);
    for sentence in [
        "worker core 4095 is not online: this machine has 0",
        "'eth0' names no device: write a PCI address",
        "there is no network interface 'nowhere0' in this network namespace: see ip link",
        "device 'net_afxdp0': there is no driver net_afxdp",
        "device 'net_null0' is listed twice",
        "device 'ffff:1f:1f.7': there is nothing at this PCI address: see lspci -D",
    ] {
        assert!(text.contains(sentence), "missing: {sentence}\nin: {text}");
    }
}

#[test]
fn more_huge_pages_than_there_are_come_with_the_command_that_makes_them() {
    let findings = check(&EalOptions {
        memory: Memory::HugePages { mib: 1 << 30 },
        ..options()
    });
    let text = sentences(&findings);
    let remedy = ["mount -t hugetlbfs", "echo ", "run as root"]
        .iter()
        .any(|remedy| text.contains(remedy));
    assert!(remedy, "{text}");
}

#[test]
fn a_core_list_is_read_as_the_kernel_writes_it() {
    for core in [0, 3, 8, 10, 11] {
        assert!(is_listed("0-3,8,10-11", core), "{core}");
    }
    for core in [4, 7, 9, 12] {
        assert!(!is_listed("0-3,8,10-11", core), "{core}");
    }
    assert!(!is_listed("", 0));
}

#[test]
fn a_missing_privilege_is_named() {
    let device: Device = "net_af_xdp0,iface=lo".parse().unwrap();
    let finding = check_capability(&device, 1 << 13).unwrap();
    assert!(finding.to_string().contains("CAP_NET_ADMIN"), "{finding}");
    assert!(check_capability(&device, u64::MAX).is_none());
}
