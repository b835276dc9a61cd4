use proptest::prelude::*;

use super::*;

fn encoded(content: &[u8]) -> Vec<u8> {
    encode(7, &hash(7, content), content)
}

proptest! {
    #[test]
    fn an_entry_reads_as_it_was_written(content in prop::collection::vec(any::<u8>(), 0..3000)) {
        let octets = encoded(&content);
        prop_assert!(octets.len() <= room(content.len()));
        let entry = Entry { number: 7, hash: hash(7, &content), content, octets: octets.len() };
        prop_assert_eq!(read(&octets, 0), Found::Entry(entry));
    }

    #[test]
    fn no_octets_make_it_panic(octets in prop::collection::vec(any::<u8>(), 0..2000), at in 0..3000_usize) {
        let _ = read(&octets, at);
        let _ = inspect(&octets);
    }

    #[test]
    fn any_sectors_that_are_missing_leave_an_unfinished_entry(
        length in 1000..2000_usize,
        missing in prop::collection::vec(any::<bool>(), 5),
    ) {
        let mut octets = encoded(&vec![1; length]);
        let mut is_whole = true;
        for (sector, _) in octets.chunks_mut(SECTOR).zip(&missing).filter(|(_, missing)| **missing) {
            sector.fill(0);
            is_whole = false;
        }
        prop_assert_eq!(!is_whole, read(&octets, 0) == Found::Unfinished);
    }
}

#[test]
fn a_sector_that_was_begun_is_unfinished_wherever_it_ends() {
    let octets = encoded(b"decided");
    for written in 0..SECTOR {
        let mut torn = octets.clone();
        torn[written..].fill(0);
        assert_eq!(inspect(&torn), Sector::Unfinished, "{written}");
        assert_eq!(inspect(&octets[..written]), Sector::Unfinished, "{written}");
    }
    assert!(matches!(inspect(&octets), Sector::Whole(_)));
}

#[test]
fn a_flipped_bit_never_passes_for_a_torn_sector() {
    let octets = encoded(b"decided");
    for bit in 0..8 * SECTOR {
        let mut rotten = octets.clone();
        rotten[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(inspect(&rotten), Sector::Rotten, "{bit}");
    }
}

#[test]
fn pieces_of_two_attempts_are_not_put_together() {
    let mut octets = encoded(&[1; 800]);
    let other = encoded(&[2; 800]);
    octets[SECTOR..].copy_from_slice(&other[SECTOR..]);
    assert_eq!(read(&octets, 0), Found::Unfinished);
}
