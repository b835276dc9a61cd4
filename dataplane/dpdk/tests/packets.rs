//! What an [`Mbuf`] promises: who owns it, what may be written, what it holds.

mod support;

use arrayvec::ArrayVec;
use dpdk::Mbuf;
use dpdk::pool::HEADROOM_BYTES;
use support::{Burst, frame, pool};
use wire::packet::Packet;

#[test]
fn an_mbuf_is_as_large_as_the_pointer_that_it_is() {
    assert_eq!(size_of::<Mbuf>(), size_of::<*mut u8>());
    assert_eq!(size_of::<Option<Mbuf>>(), size_of::<*mut u8>());
}

#[test]
fn a_dropped_mbuf_is_back_in_its_pool() {
    let pool = pool("dropped", 31);
    let held: ArrayVec<Mbuf, 31> = std::iter::from_fn(|| pool.alloc()).collect();
    assert_eq!((held.len(), pool.in_use()), (31, 31));
    assert!(pool.alloc().is_none());
    drop(held);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_bulk_is_allocated_whole_or_not_at_all() {
    let pool = pool("bulk", 47);
    let (mut first, mut second) = (Burst::new(), Burst::new());
    first.push(pool.alloc().unwrap());
    assert!(pool.alloc_bulk(&mut first));
    assert_eq!((first.len(), pool.in_use()), (32, 32));
    assert!(!pool.alloc_bulk(&mut second));
    assert_eq!((second.len(), pool.in_use()), (0, 32));
}

#[test]
fn a_packet_grows_and_shrinks_at_both_ends() {
    let pool = pool("grow", 7);
    let mut mbuf = Mbuf::from_bytes(&pool, &frame(7, 100)).unwrap();
    assert_eq!(mbuf.headroom(), usize::from(HEADROOM_BYTES));

    mbuf.prepend(20).unwrap();
    mbuf.bytes_mut()[..20].fill(0xaa);
    assert_eq!((mbuf.packet_len(), mbuf.bytes().len()), (120, 120));
    assert_eq!(mbuf.bytes()[20..], frame(7, 100));

    mbuf.remove_front(30);
    assert_eq!(mbuf.bytes(), &frame(7, 100)[10..]);
    mbuf.truncate(200);
    assert_eq!(mbuf.packet_len(), 90);
    mbuf.truncate(40);
    assert_eq!(mbuf.bytes(), &frame(7, 100)[10..50]);
    mbuf.append(2).unwrap();
    assert_eq!((mbuf.packet_len(), mbuf.bytes().len()), (42, 42));
}

#[test]
fn a_front_is_replaced_by_a_longer_or_a_shorter_one_and_the_rest_stays() {
    let pool = pool("front", 7);
    let mut mbuf = Mbuf::from_bytes(&pool, &frame(7, 100)).unwrap();
    let front = mbuf.replace_front::<34, 54>(90).unwrap();
    assert_eq!(front[20..], frame(7, 100)[..34], "where they lay before");
    assert_eq!((mbuf.packet_len(), mbuf.bytes().len()), (110, 110));
    assert_eq!(mbuf.bytes()[20..], frame(7, 100)[..90]);
    let front = mbuf.replace_front::<54, 34>(54).unwrap();
    assert_eq!(front[..], frame(7, 100)[..34]);
    assert_eq!(mbuf.bytes(), &frame(7, 100)[..34]);
}

#[test]
fn a_front_is_not_replaced_where_it_is_not_there_shared_or_without_room() {
    let pool = pool("no_front", 7);
    let mut mbuf = Mbuf::from_bytes(&pool, &frame(7, 60)).unwrap();
    assert!(mbuf.replace_front::<34, 54>(61).is_none(), "longer");
    assert!(mbuf.replace_front::<34, 54>(33).is_none(), "shorter");
    assert!(mbuf.replace_front::<2, 131>(60).is_none(), "129 in front");
    let clone = mbuf.share(&pool).unwrap();
    assert!(mbuf.replace_front::<34, 54>(60).is_none(), "shared");
    drop(clone);
    let tail = Mbuf::from_bytes(&pool, &frame(8, 60)).unwrap();
    mbuf.chain(tail).unwrap();
    assert!(mbuf.replace_front::<34, 54>(60).is_none(), "a chain");
    assert_eq!(mbuf.bytes(), frame(7, 60));
}

#[test]
fn a_packet_does_not_grow_past_its_buffer() {
    let pool = pool("limits", 7);
    let mut mbuf = Mbuf::from_bytes(&pool, &frame(1, 60)).unwrap();
    for n in [129, 1 << 16, (1 << 16) + 1, usize::MAX] {
        assert!(mbuf.prepend(n).is_none(), "{n}");
        assert!(mbuf.append(n.saturating_add(2000)).is_none(), "{n}");
    }
    assert_eq!(mbuf.bytes(), frame(1, 60));
    assert!(Mbuf::from_bytes(&pool, &[0; 2048]).is_some());
    assert!(Mbuf::from_bytes(&pool, &[0; 2049]).is_none());
    drop(mbuf);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn shared_octets_are_read_only_until_one_side_is_gone() {
    let pool = pool("share", 7);
    let mut original = Mbuf::from_bytes(&pool, &frame(3, 80)).unwrap();
    let mut clone = original.share(&pool).unwrap();
    assert_eq!((original.references(), pool.in_use()), (2, 2));
    assert_eq!(clone.bytes(), original.bytes());
    assert!(original.is_shared() && clone.is_shared());
    for packet in [&mut original, &mut clone] {
        assert!(packet.bytes_mut().is_empty());
        assert!(packet.prepend(4).is_none());
        assert!(packet.append(4).is_none());
    }

    drop(clone);
    assert!(!original.is_shared());
    assert_eq!(original.bytes_mut().len(), 80);
    drop(original);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_clone_keeps_the_octets_alive_without_the_original() {
    let pool = pool("outlive", 7);
    let mut original = Mbuf::from_bytes(&pool, &frame(9, 64)).unwrap();
    let clone = original.share(&pool).unwrap();
    drop(original);
    assert_eq!((clone.bytes(), pool.in_use()), (frame(9, 64).as_slice(), 2));
    drop(clone);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_flattened_clone_is_a_packet_of_its_own() {
    let pool = pool("flatten", 7);
    let mut original = Mbuf::from_bytes(&pool, &frame(5, 70)).unwrap();
    original.set_tag(42);
    let mut clone = original.share(&pool).unwrap();
    clone.flatten(&pool).unwrap();
    assert_eq!((original.references(), clone.tag()), (1, 42));
    clone.bytes_mut().fill(0);
    assert_eq!(original.bytes(), frame(5, 70));
    clone.prepend(usize::from(HEADROOM_BYTES)).unwrap();
    drop((original, clone));
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_header_of_ones_own_goes_in_front_of_a_shared_payload() {
    let pool = pool("chain", 7);
    let mut payload = Mbuf::from_bytes(&pool, &frame(8, 50)).unwrap();
    let mut header = Mbuf::from_bytes(&pool, &frame(200, 30)).unwrap();
    header.chain(payload.share(&pool).unwrap()).unwrap();
    assert!(!header.is_flat());
    assert_eq!((header.packet_len(), header.bytes().len()), (80, 30));

    header.bytes_mut()[0] = 1;
    header.prepend(2).unwrap();
    header.bytes_mut()[..2].fill(0xee);
    header.flatten(&pool).unwrap();
    assert!(header.is_flat());
    assert_eq!(payload.references(), 1);
    assert_eq!(header.bytes()[..3], [0xee, 0xee, 1]);
    assert_eq!(header.bytes()[32..], frame(8, 50));
    drop((header, payload));
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_truncated_chain_gives_back_what_it_no_longer_needs() {
    let pool = pool("cut", 7);
    for (len, segments) in [(70, 3), (60, 2), (41, 2), (40, 1), (1, 1)] {
        let mut packet = Mbuf::from_bytes(&pool, &frame(0, 40)).unwrap();
        packet
            .chain(Mbuf::from_bytes(&pool, &frame(40, 20)).unwrap())
            .unwrap();
        packet
            .chain(Mbuf::from_bytes(&pool, &frame(60, 20)).unwrap())
            .unwrap();
        packet.truncate(len);
        assert_eq!(
            (packet.packet_len(), pool.in_use()),
            (len, segments),
            "{len}"
        );
        assert_eq!(packet.copy(&pool).unwrap().bytes(), frame(0, len), "{len}");
    }
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn an_empty_pool_is_no_copy_and_changes_nothing() {
    let pool = pool("empty", 2);
    let mut original = Mbuf::from_bytes(&pool, &frame(4, 60)).unwrap();
    let mut clone = original.share(&pool).unwrap();
    assert!(original.copy(&pool).is_none());
    assert!(original.share(&pool).is_none());
    assert!(clone.flatten(&pool).is_none());
    assert_eq!(
        (original.references(), clone.bytes()),
        (2, frame(4, 60).as_slice())
    );
}
