//! Packets that may be cut, on paths that take less.

use proptest::prelude::*;
use tables::group::FanOut;
use tables::{HostIndex, Role};
use wire::drop_reason::DropReason;
use wire::encode::KeepId;

use super::group::*;
use super::host::*;
use super::icmp::a_to_g_of;

/// Lets a host believe that the path to `host` takes packets of `mtu` octets.
pub(super) fn narrow(host: &mut Host, to: u16, mtu: u16) {
    let current = (*host.publisher.current()).clone();
    let path_mtus = current.path_mtus.lowered(HostIndex(to), mtu, 0);
    host.publisher.publish(tables::Snapshot {
        path_mtus: path_mtus.expect("lower"),
        ..current
    });
}

/// r, where the path to s takes packets of 1,400 octets.
fn narrow_r() -> Host {
    let mut r = Host::new(snapshot(0));
    narrow(&mut r, 1, 1_400);
    r
}

/// The packet that may be cut.
fn cuttable(packet: Ipv4Frame) -> Ipv4Frame {
    Ipv4Frame {
        flags_and_offset: packet.flags_and_offset & !0x4000,
        id: 0xbeef,
        ..packet
    }
}

/// What IPv4 fragments are when they are put together: the head of the first,
/// and the whole payload. They must be in order, and not overlap.
fn together(fragments: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
    let mut payload: Vec<u8> = Vec::new();
    let first = u16::from_be_bytes([fragments[0][20], fragments[0][21]]) & 0x1fff;
    for (at, fragment) in fragments.iter().enumerate() {
        let ip = &fragment[14..];
        assert!(wire::checksum::verify(&ip[..20]));
        assert_eq!(usize::from(u16::from_be_bytes([ip[2], ip[3]])), ip.len());
        let flags = u16::from_be_bytes([ip[6], ip[7]]);
        let offset = usize::from((flags & 0x1fff) - first) * 8;
        assert_eq!(offset, payload.len());
        assert!(
            flags & 0x2000 != 0 || at == fragments.len() - 1,
            "more follow"
        );
        payload.extend(&ip[20..]);
    }
    (fragments[0][14..34].to_vec(), payload)
}

#[test]
fn a_packet_that_may_be_cut_arrives_whole_in_fragments_that_fit() {
    let mut r = narrow_r();
    let mut s = Host::new(snapshot(1));
    let packet = cuttable(a_to_g_of(1_500));
    r.receive(A, &packet.build());
    let sent = r.sent(UPLINK);
    let sizes: Vec<usize> = sent.iter().map(|frame| frame.len() - 14).collect();
    // 1,480 octets: a unit of (1,400 - 48) & ~7 = 1,352, and the rest.
    assert_eq!(sizes, [48 + 1_352, 48 + 128]);
    // One HASH for all of them, so that none overtakes the other.
    assert_eq!(sent[0][14..18], sent[1][14..18]);
    let restored: Vec<_> = sent
        .iter()
        .map(|frame| s.forwards(UPLINK, frame, G))
        .collect();
    let (head, payload) = together(&restored);
    assert_eq!(payload, packet.payload);
    assert_eq!(head[4..6], [0xbe, 0xef]);
    assert_eq!((head[1], head[8], head[9]), (packet.tos, 64, 17));
    assert_eq!(r.counters.worker.icmp.fragmented.get(), 1);
    assert_eq!(r.counters.worker.generated.get(), 1);
    assert!(r.drops().is_empty());
    r.assert_balanced();
}

#[test]
fn what_fits_is_not_cut_and_other_paths_are_as_wide_as_before() {
    let mut r = narrow_r();
    let whole = |frame: &[u8]| frame[20] == 17;
    assert!(whole(&r.forwards(
        A,
        &cuttable(a_to_g_of(1_380)).build(),
        UPLINK
    )));
    // s's path does not concern nodes of this host.
    let to_c = cuttable(Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 0, 4], 1_500));
    r.forwards(A, &to_c.build(), C);
    assert_eq!(r.counters.worker.generated.get(), 0);
    r.receive(A, &cuttable(a_to_g_of(1_381)).build());
    assert_eq!(r.sent(UPLINK).len(), 2);
}

#[test]
fn a_fragment_that_could_not_be_put_together_is_dropped() {
    let mut r = narrow_r();
    let mut packet = cuttable(a_to_g_of(1_500));
    packet.flags_and_offset = 0x1fff;
    r.receive(A, &packet.build());
    assert_eq!(r.drops(), [(A, DropReason::EncodeTooBig, 1)]);
    r.assert_balanced();
}

#[test]
fn when_buffers_run_out_the_rest_is_counted() {
    let mut r = narrow_r();
    let packet = cuttable(a_to_g_of(5_000)).build();
    r.worker.io().pool_packets = Some(2);
    r.receive(A, &packet);
    assert_eq!(r.sent(UPLINK).len(), 2);
    assert_eq!(r.drops(), [(A, DropReason::NoMbuf, 1)]);
    r.assert_balanced();
    let mut lost = narrow_r();
    let current = (*lost.publisher.current()).clone();
    let uplink = tables::Uplink {
        next_hop_mac: None,
        ..current.uplink
    };
    lost.publisher
        .publish(tables::Snapshot { uplink, ..current });
    lost.refuses(A, &packet, DropReason::NoNextHop);
}

#[test]
fn each_fragment_for_a_group_is_copied() {
    let mut r = Member::new(view(R));
    narrow(&mut r.host, T, 1_400);
    let packet = cuttable(a_to_g_of(1_500));
    r.host.receive(A, &packet.build());
    let sent = r.host.sent(UPLINK);
    let copies: Vec<bool> = sent.iter().map(|frame| is_copy(frame)).collect();
    assert_eq!(copies, [false, true, false, true]);
    for (member, wanted) in [(S, false), (T, true)] {
        let mut host = Member::new(view(member));
        let frames = sent.iter().filter(|frame| is_copy(frame) == wanted);
        frames.for_each(|frame| host.host.receive(UPLINK, frame));
        assert_eq!(together(&host.delivered()).1, packet.payload);
    }
    r.host.assert_balanced();
}

#[test]
fn an_owner_on_the_senders_host_gets_the_packet_whole_and_its_replica_in_fragments() {
    for fan_out in [FanOut::Sender, FanOut::Primary] {
        let mut r = Member::new(View {
            owner: Some(R),
            role: Some(Role::Primary { hold: false }),
            fan_out,
            ..view(R)
        });
        narrow(&mut r.host, T, 1_400);
        let packet = cuttable(a_to_g_of(1_500));
        r.host.receive(A, &packet.build());
        assert_eq!(r.delivered()[0][14..], packet.build()[14..]);
        let sent = r.host.sent(UPLINK);
        assert!(sent.len() == 2 && sent.iter().all(|frame| is_copy(frame)));
        let mut t = Member::new(View {
            owner: Some(R),
            ..view(T)
        });
        sent.iter().for_each(|frame| t.host.receive(UPLINK, frame));
        assert_eq!(together(&t.delivered()).1, packet.payload);
        r.host.assert_balanced();
    }
}

#[test]
fn a_primary_makes_no_copy_that_its_path_does_not_take() {
    let mut s = Member::new(View {
        fan_out: FanOut::Primary,
        ..view(S)
    });
    narrow(&mut s.host, T, 1_400);
    let original = Host::new(snapshot(0)).forwards(A, &a_to_g_of(1_500).build(), UPLINK);
    s.host.receive(UPLINK, &original);
    assert_eq!(s.delivered().len(), 1);
    assert_eq!(s.host.sent(UPLINK).len(), 0);
    assert_eq!(s.host.drops(), [(UPLINK, DropReason::EncodeTooBig, 1)]);
    assert_eq!(s.counters().copies[0].failed.get(), 1);
    s.host.assert_balanced();
}

proptest! {
    #[test]
    fn fragments_of_any_packet_fit_and_make_the_packet_again(
        mtu in 1_280u16..1_600, total_bytes in 1_281usize..9_000,
        offset in 0u16..7_000, more: bool, options in 0usize..10, keep_all: bool,
    ) {
        let mut packet = cuttable(a_to_g_of(total_bytes));
        packet.flags_and_offset = offset | u16::from(more) << 13;
        packet.options = vec![1; options * 4];
        let rules_of = |tables: &mut tables::Snapshot| if keep_all {
            tables.fabric.rules.keep_id = KeepId::All;
        };
        let (mut here, mut there) = (snapshot(0), snapshot(1));
        rules_of(&mut here);
        rules_of(&mut there);
        let (mut r, mut s) = (Host::new(here), Host::new(there));
        narrow(&mut r, 1, mtu);
        r.receive(A, &packet.build());
        let sent = r.sent(UPLINK);
        prop_assert!(sent.iter().all(|frame| frame.len() - 14 <= usize::from(mtu)));
        let restored: Vec<_> = sent.iter().map(|frame| s.forwards(UPLINK, frame, G)).collect();
        let (_, payload) = together(&restored);
        prop_assert_eq!(payload, packet.payload);
        let last = restored.last().map(|frame| frame[20] & 0x20 != 0);
        prop_assert_eq!(last, Some(more));
        r.assert_balanced();
    }
}
