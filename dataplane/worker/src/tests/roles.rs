//! What a member takes and what it may say, by its role.

use proptest::prelude::*;
use tables::group::{Copies, FanOut};
use tables::notice::Notice;
use tables::{HostIndex, Lease, PortIndex, Role};
use wire::address::Prefix96;
use wire::drop_reason::DropReason;
use wire::ethernet::MacAddress;
use wire::packet::HeapPacket;

use super::group::*;
use super::host::*;

/// What became of one packet for V.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Delivered,
    Kept,
    Forwarded,
    Dropped(DropReason),
}

/// Of a packet from r to the member at `view.me`.
fn fate(view: View, copy: bool) -> Fate {
    let mut member = Member::new(view);
    let (original, copied) = original_and_copy(16);
    // To whichever host this is.
    let mut frame = if copy { copied } else { original };
    frame[38..54].copy_from_slice(&overlay_address(member.view.me, Z, V));
    member.host.receive(UPLINK, &frame);
    member.host.assert_balanced();
    let (delivered, sent) = (member.delivered().len(), member.host.sent(UPLINK));
    let held = member.counters().held.packets.get();
    match (delivered, &sent[..], held, &member.host.drops()[..]) {
        (1, [], 0, []) => Fate::Delivered,
        (0, [], 1, []) => Fate::Kept,
        (0, [frame], 0, []) if is_copy(frame) => Fate::Forwarded,
        (0, [], 0, [(_, reason, 1)]) => Fate::Dropped(*reason),
        other => panic!("more than one fate: {other:?}"),
    }
}

fn forwarding() -> Role {
    Role::Forwarding {
        to: HostIndex(T),
        prefix: z_prefix(T),
    }
}

/// Rules 9 and 13, exhaustively: role, what it does with copies, who makes them,
/// and the fates of an original and of a copy.
#[test]
fn each_role_takes_what_it_shall_whatever_the_flag_says() {
    use Fate::*;
    let fenced = Dropped(DropReason::DecodeFenced);
    let duplicate = Dropped(DropReason::DecodeDuplicateCopy);
    let (hold, open) = (Role::Primary { hold: true }, Role::Primary { hold: false });
    let rows = [
        (
            Role::Replica,
            Copies::Deliver,
            FanOut::Sender,
            Delivered,
            Delivered,
        ),
        (
            Role::Replica,
            Copies::Deliver,
            FanOut::Primary,
            Delivered,
            Delivered,
        ),
        (Role::Replica, Copies::Buffer, FanOut::Sender, Kept, Kept),
        (Role::Replica, Copies::Buffer, FanOut::Primary, Kept, Kept),
        (open, Copies::Deliver, FanOut::Sender, Delivered, Delivered),
        (open, Copies::Buffer, FanOut::Sender, Delivered, Delivered),
        (hold, Copies::Deliver, FanOut::Sender, Kept, Kept),
        (hold, Copies::Buffer, FanOut::Sender, Kept, Kept),
        (
            Role::Fenced,
            Copies::Deliver,
            FanOut::Sender,
            fenced,
            fenced,
        ),
        (
            Role::Fenced,
            Copies::Buffer,
            FanOut::Primary,
            fenced,
            fenced,
        ),
        (
            forwarding(),
            Copies::Deliver,
            FanOut::Sender,
            Forwarded,
            Delivered,
        ),
        (
            forwarding(),
            Copies::Deliver,
            FanOut::Primary,
            Forwarded,
            Delivered,
        ),
        (
            forwarding(),
            Copies::Buffer,
            FanOut::Sender,
            Forwarded,
            duplicate,
        ),
        (
            forwarding(),
            Copies::Buffer,
            FanOut::Primary,
            Forwarded,
            duplicate,
        ),
    ];
    for (role, copies, fan_out, original, copy) in rows {
        let view = || View {
            role: Some(role),
            copies,
            fan_out,
            replicas: vec![],
            ..view(S)
        };
        let fates = (fate(view(), false), fate(view(), true));
        assert_eq!(fates, (original, copy), "{role:?} {copies:?} {fan_out:?}");
    }
}

#[test]
fn without_an_owner_senders_and_members_drop_and_nobodys_word_counts() {
    for role in [Role::Replica, Role::Primary { hold: false }, Role::Fenced] {
        let view = View {
            owner: None,
            role: Some(role),
            ..view(S)
        };
        assert_eq!(fate(view, false), Fate::Dropped(DropReason::DecodeNoOwner));
    }
    let mut r = Member::new(View {
        owner: None,
        ..view(R)
    });
    let to_v = a_to_g(8).build();
    r.host.refuses(A, &to_v, DropReason::DecodeNoOwner);
    let said = Member::new(view(S))
        .host
        .forwards(v_port(S), &v_to_a(), UPLINK);
    r.host.refuses(UPLINK, &said, DropReason::DecodeNoOwner);
}

#[test]
fn nothing_of_a_node_that_is_not_the_primary_leaves_its_port() {
    for (role, reason) in [
        (Role::Replica, DropReason::EncodeReplicaSilent),
        (Role::Fenced, DropReason::EncodeReplicaSilent),
        (forwarding(), DropReason::EncodeReplicaSilent),
        (Role::Primary { hold: true }, DropReason::EncodeMuted),
        (Role::Primary { hold: false }, DropReason::EncodeMuted),
    ] {
        let mut r = Member::new(View {
            role: Some(role),
            ..view(R)
        });
        r.lease.set(Lease::MUTED);
        r.host.worker.run_once();
        let port = v_port(R);
        // To another host, to a node of this host, to the other subnet.
        for to in [[10, 0, 0, 7], [10, 0, 0, 2], [10, 0, 1, 6]] {
            let frame = Ipv4Frame::udp(V, to, 8).build();
            r.host.refuses(port, &frame, reason);
        }
        // A frame that no node may send is that, whatever the role.
        r.host.refuses(port, &[1, 2, 3], DropReason::L2Malformed);
    }
}

#[test]
fn arp_is_answered_in_every_role() {
    let mut request = vec![0xff; 6];
    let mac = MacAddress::virtual_of(V.into()).0;
    request.extend(mac);
    request.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
    request.extend(mac);
    request.extend(V);
    request.extend([0; 6]);
    request.extend([10, 0, 0, 2]);
    for role in [
        Role::Replica,
        Role::Fenced,
        forwarding(),
        Role::Primary { hold: true },
        Role::Primary { hold: false },
    ] {
        let mut r = Member::new(View {
            role: Some(role),
            ..view(R)
        });
        r.lease.set(Lease::MUTED);
        let answer = r.host.forwards(v_port(R), &request, v_port(R));
        assert_eq!(
            answer[6..12],
            MacAddress::virtual_of([10, 0, 0, 2].into()).0
        );
        r.host.assert_balanced();
    }
}

#[test]
fn a_fenced_member_tells_the_controller_who_sent_but_not_for_every_packet() {
    let mut s = Member::new(View {
        role: Some(Role::Fenced),
        ..view(S)
    });
    let (original, _) = original_and_copy(8);
    for now_ms in 1..=250 {
        s.host.at(now_ms * MS);
        s.host.refuses(UPLINK, &original, DropReason::DecodeFenced);
    }
    let notice = Notice::Fenced {
        group: group_index(),
        sender: HostIndex(R),
    };
    for _ in 0..3 {
        assert_eq!(s.host.noticed.pop(), Some(notice));
    }
    assert_eq!(s.host.noticed.pop(), None);
}

#[test]
fn the_primarys_host_may_copy_for_its_own_group_only() {
    // A copy from s for V, on t, is genuine; the same from s for another
    // address of t is forged.
    let (_, mut copy) = original_and_copy(8);
    copy[22..38].copy_from_slice(&overlay_address(S, Z, [10, 0, 0, 2]));
    let mut t = Member::new(view(T));
    t.host.forwards(UPLINK, &copy, v_port(T));
    let mut r = Member::new(View {
        role: Some(Role::Replica),
        ..view(R)
    });
    copy[38..54].copy_from_slice(&overlay_address(R, Z, [10, 0, 0, 4]));
    r.host.refuses(UPLINK, &copy, DropReason::DecodeSpoofed);
}

/// A role, and whether the lease runs.
fn roles() -> impl Strategy<Value = (Option<u16>, Role, bool)> {
    let to = Role::Forwarding {
        to: HostIndex(S),
        prefix: Prefix96(z_prefix(S).0),
    };
    let owners = prop::sample::select(vec![Some(R), Some(S), None]);
    let roles = prop::sample::select(vec![
        Role::Replica,
        Role::Fenced,
        to,
        Role::Primary { hold: true },
        Role::Primary { hold: false },
    ]);
    (owners, roles, any::<bool>())
}

/// (at which port, which frame): 0 from V, 1 from a to V, 2 from s to V, 3 a
/// copy to V, 4 from a to c.
fn arrivals() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0u8..5, 0..20)
}

proptest! {
    /// I5 and I8 of failover, at one host.
    #[test]
    fn whatever_the_roles_nothing_of_a_non_primary_leaves_and_every_frame_has_one_fate(
        steps in prop::collection::vec((roles(), arrivals()), 1..12),
        buffers in any::<bool>(), primary_copies in any::<bool>(), room in 0usize..40,
    ) {
        let mut r = Member::new(View {
            role: Some(Role::Fenced),
            copies: if buffers { Copies::Buffer } else { Copies::Deliver },
            fan_out: if primary_copies { FanOut::Primary } else { FanOut::Sender },
            replicas: vec![T, 3],
            limits: tables::group::BufferLimits { packets: 20, bytes: 2_000, age_ns: 50 * MS },
            ..view(R)
        });
        let port = v_port(R);
        let (mut original, mut copy) = original_and_copy(40);
        let from_g = |frame: &mut Vec<u8>| {
            // From a node of s, which the others do not mind.
            frame[22..38].copy_from_slice(&overlay_address(S, Z, [10, 0, 1, 7]));
            frame[38..54].copy_from_slice(&overlay_address(R, Z, V));
        };
        from_g(&mut original);
        from_g(&mut copy);
        let mut now_ns = 0;
        for ((owner, role, lease_runs), frames) in steps {
            now_ns += 10 * MS;
            r.host.at(now_ns);
            // As the controller does it: mute, and only then change the role.
            r.lease.set(Lease::MUTED);
            r.install(|view| (view.owner, view.role) = (owner, Some(role)));
            r.host.worker.run_once();
            if lease_runs {
                r.lease.set(now_ns + 1_000 * MS);
            }
            let may_speak = lease_runs && matches!(role, Role::Primary { .. });
            // Lets what waited at the port end before what is said now.
            r.host.settle();
            for port in [UPLINK, A, C, port] {
                r.host.sent(port);
            }
            for frame in frames {
                let (port, frame) = match frame {
                    0 => (port, v_to_a()),
                    1 => (A, a_to_g(40).build()),
                    2 => (UPLINK, original.clone()),
                    3 => (UPLINK, copy.clone()),
                    _ => (A, Ipv4Frame::udp([10, 0, 0, 2], [10, 0, 0, 4], 8).build()),
                };
                r.host.worker.io().port(port).incoming.push_back(HeapPacket::new(&frame));
            }
            r.host.worker.io().port(port).room_packets = room;
            r.host.settle();
            r.host.assert_balanced();
            let of_v = r.host.sent(A).len();
            prop_assert!(may_speak || of_v == 0, "{role:?} spoke");
            for frame in r.host.sent(UPLINK) {
                let inner_source = &frame[34..38];
                prop_assert!(may_speak || inner_source != V, "{role:?} spoke to the substrate");
            }
            let to_others: Vec<PortIndex> = vec![YA, OTHER_SUBNET];
            for other in to_others {
                prop_assert!(r.host.sent(other).is_empty());
            }
        }
    }
}
