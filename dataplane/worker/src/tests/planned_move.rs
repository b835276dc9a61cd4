//! A planned move from s to t, while a on r sends: nothing is lost, nothing
//! comes twice, whoever makes the copies and whatever the replica does with them.

use std::collections::BTreeMap;

use tables::group::{Copies, FanOut};
use tables::{HostIndex, Lease, Role};
use wire::drop_reason::DropReason;

use super::group::*;
use super::host::*;

/// r, s and t, and a substrate between them that loses nothing.
struct Lab {
    hosts: BTreeMap<u16, Member>,
    /// Payload octets of what V's guests got: by host, in order.
    got: BTreeMap<u16, Vec<usize>>,
    sent: usize,
}

/// Who hears of the new owner after that one itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Second {
    OldOwner,
    Sender,
}

impl Lab {
    fn new(copies: Copies, fan_out: FanOut) -> Self {
        let member = |me| {
            Member::new(View {
                copies,
                fan_out,
                ..view(me)
            })
        };
        Self {
            hosts: [R, S, T].map(|me| (me, member(me))).into(),
            got: BTreeMap::from([(S, vec![]), (T, vec![])]),
            sent: 0,
        }
    }

    fn host(&mut self, me: u16) -> &mut Member {
        self.hosts.get_mut(&me).expect("a host")
    }

    fn at(&mut self, now_ns: u64) {
        for member in self.hosts.values_mut() {
            member.host.at(now_ns);
        }
    }

    /// a sends the next packet, told apart by its length.
    fn send(&mut self) {
        let frame = a_to_g(self.sent).build();
        self.sent += 1;
        self.host(R).host.receive(A, &frame);
        self.settle();
    }

    /// Carries frames until none is on its way.
    fn settle(&mut self) {
        loop {
            let mut carried = 0;
            for from in [R, S, T] {
                self.host(from).host.settle();
                for frame in self.host(from).host.sent(UPLINK) {
                    let to = outer(&frame).1;
                    let to = [R, S, T]
                        .into_iter()
                        .find(|host| to[..7] == z_prefix(*host).0[..7]);
                    let to = to.expect("a host");
                    self.host(to).host.receive(UPLINK, &frame);
                    carried += 1;
                }
            }
            if carried == 0 {
                break;
            }
        }
        for host in [S, T] {
            let got = self.host(host).delivered();
            let got = got.iter().map(|frame| frame.len() - 42);
            self.got.get_mut(&host).expect("a member").extend(got);
            self.hosts[&host].host.assert_balanced();
        }
    }

    /// Time passes: what was kept leaves in its time.
    fn settle_for(&mut self, span_ns: u64) {
        for _ in 0..span_ns.div_ceil(MS / 8) {
            for member in self.hosts.values_mut() {
                member.host.settle_for(MS / 8);
            }
            self.settle();
        }
    }

    /// All three steps of rule 13, with packets in between at every moment.
    fn move_s_to_t(&mut self, second: Second) {
        // Freeze.
        self.host(S).lease.set(Lease::MUTED);
        self.host(S)
            .install(|view| view.role = Some(Role::Primary { hold: true }));
        for _ in 0..5 {
            self.send();
        }
        // The new owner, still on hold; members before senders.
        self.at(100 * MS);
        let owner = |view: &mut View| {
            view.owner = Some(T);
            view.generation = 2;
            view.replicas = vec![S];
        };
        self.host(T).install(|view| {
            owner(view);
            view.role = Some(Role::Primary { hold: true });
            view.discard_before_ns = match view.copies {
                Copies::Buffer => 100 * MS,
                Copies::Deliver => 0,
            };
            view.copy_from = Some((S, 1_100 * MS));
        });
        self.send();
        // The old one passes on what it kept and what comes late; then the senders, or before.
        let forward = |view: &mut View| {
            owner(view);
            view.role = Some(Role::Forwarding {
                to: HostIndex(T),
                prefix: z_prefix(T),
            });
        };
        match second {
            Second::OldOwner => self.host(S).install(forward),
            Second::Sender => self.host(R).install(owner),
        }
        self.settle_for(10 * MS);
        self.send();
        self.send();
        match second {
            Second::OldOwner => self.host(R).install(owner),
            Second::Sender => self.host(S).install(forward),
        }
        self.send();
        self.host(T)
            .install(|view| view.role = Some(Role::Primary { hold: false }));
        self.settle_for(10 * MS);
        self.send();
        self.at(2_000 * MS);
        self.host(S).install(|view| view.role = Some(Role::Replica));
        self.send();
    }
}

#[test]
fn nothing_is_lost_and_nothing_is_answered_twice() {
    use Copies::{Buffer, Deliver};
    use FanOut::{Primary, Sender};

    for (copies, fan_out) in [
        (Buffer, Sender),
        (Buffer, Primary),
        (Deliver, Sender),
        (Deliver, Primary),
    ] {
        for second in [Second::OldOwner, Second::Sender] {
            let case = format!("{copies:?} {fan_out:?} {second:?}");
            let mut lab = Lab::new(copies, fan_out);
            for _ in 0..10 {
                lab.send();
            }
            lab.move_s_to_t(second);
            let sent: Vec<usize> = (0..lab.sent).collect();
            // A guest that is to go on from the other's state, or from copies.
            let mut got = lab.got[&T].clone();
            if copies == Buffer {
                let before = &lab.got[&S];
                assert_eq!(before[..], sent[..10], "{case}: the old primary's");
                got = [&before[..], &got].concat();
            }
            got.sort_unstable();
            if (copies, fan_out) == (Deliver, Sender) {
                // What was queued came to the new owner as a replica already, whom nobody heard.
                let queued = got.len() - sent.len();
                assert_eq!(queued, 5, "{case}");
                got.dedup();
            }
            assert_eq!(got, sent, "{case}");
        }
    }
}

#[test]
fn held_packets_come_to_the_new_owner_in_order_and_ahead_of_later_ones() {
    let mut lab = Lab::new(Copies::Buffer, FanOut::Sender);
    lab.move_s_to_t(Second::OldOwner);
    assert_eq!(lab.got[&T], (0..lab.sent).collect::<Vec<_>>());
    let s = &lab.hosts[&S];
    assert_eq!(s.counters().passed_on.get(), 6);
    assert_eq!(s.counters().forwarded.get(), 8, "and two that came late");
    assert_eq!(lab.hosts[&T].counters().discarded.get(), 5);
}

#[test]
fn in_the_window_copies_count_from_the_old_owner_only_and_afterwards_from_all() {
    let mut t = Member::new(View {
        owner: Some(T),
        replicas: vec![S],
        role: Some(Role::Primary { hold: false }),
        copies: Copies::Buffer,
        copy_from: Some((S, 1_000 * MS)),
        ..view(T)
    });
    let (mut original, copy) = original_and_copy(8);
    let mut passed_on = copy.clone();
    passed_on[22..38].copy_from_slice(&overlay_address(S, Z, [10, 0, 0, 2]));
    original[38..54].copy_from_slice(&overlay_address(T, Z, V));

    t.host.at(999 * MS);
    t.host.forwards(UPLINK, &original, v_port(T));
    t.host.forwards(UPLINK, &passed_on, v_port(T));
    t.host
        .refuses(UPLINK, &copy, DropReason::DecodeDuplicateCopy);
    t.host.at(1_000 * MS);
    t.host.forwards(UPLINK, &original, v_port(T));
    t.host.forwards(UPLINK, &copy, v_port(T));
    t.host
        .refuses(UPLINK, &passed_on, DropReason::DecodeSpoofed);
}

#[test]
fn what_is_passed_on_keeps_its_sender_and_is_copied_by_the_old_owner_alone() {
    let moved = |me, role| View {
        owner: Some(T),
        replicas: vec![S, R],
        fan_out: FanOut::Primary,
        copies: Copies::Buffer,
        copy_from: Some((S, 1_000 * MS)),
        role: Some(role),
        ..view(me)
    };
    let mut s = Member::new(moved(
        S,
        Role::Forwarding {
            to: HostIndex(T),
            prefix: z_prefix(T),
        },
    ));
    let (original, _) = original_and_copy(60);
    s.host.receive(UPLINK, &original);
    let sent = s.host.sent(UPLINK);
    assert_eq!(sent.len(), 2);
    let to = |host| {
        let mut expected = original.clone();
        expected[16] |= 4;
        expected[22..38].copy_from_slice(&overlay_address(S, Z, [10, 0, 0, 2]));
        expected[38..54].copy_from_slice(&overlay_address(host, Z, V));
        expected
    };
    assert!(sent.contains(&to(T)) && sent.contains(&to(R)));
    let mut t = Member::new(moved(T, Role::Primary { hold: false }));
    t.host.forwards(UPLINK, &to(T), v_port(T));
    assert!(t.host.sent(UPLINK).is_empty(), "a copy is never copied");
    // The other replica knows the new owner already, and takes it all the same.
    let mut r = Member::new(moved(R, Role::Replica));
    r.host.keeps(UPLINK, &to(R));
    s.host.assert_balanced();
}

#[test]
fn an_aborted_move_gives_the_old_owner_what_it_held() {
    for copies in [Copies::Buffer, Copies::Deliver] {
        let mut lab = Lab::new(copies, FanOut::Sender);
        lab.send();
        let s = lab.host(S);
        s.lease.set(Lease::MUTED);
        s.install(|view| view.role = Some(Role::Primary { hold: true }));
        lab.send();
        lab.send();
        let s = lab.host(S);
        s.lease.set(Lease::UNLIMITED);
        s.install(|view| view.role = Some(Role::Primary { hold: false }));
        lab.send();
        assert_eq!(lab.got[&S], [0, 1, 2, 3], "{copies:?}");
    }
}

#[test]
fn without_a_next_hop_held_packets_wait_for_it() {
    let mut s = Member::new(View {
        copies: Copies::Buffer,
        role: Some(Role::Primary { hold: true }),
        ..view(S)
    });
    let (original, _) = original_and_copy(60);
    s.host.keeps(UPLINK, &original);
    s.view.role = Some(Role::Forwarding {
        to: HostIndex(T),
        prefix: z_prefix(T),
    });
    s.view.owner = Some(T);
    let mut unreachable = s.view.snapshot(&s.lease);
    unreachable.uplink.next_hop_mac = None;
    s.host.publisher.publish(unreachable);
    s.host.settle();
    assert_eq!(s.counters().held.packets.get(), 1);
    s.install(|_| {});
    s.host.settle();
    assert_eq!(s.host.sent(UPLINK).len(), 1);
    s.host.assert_balanced();
}
