//! Signatures that need not be checked twice.

use sha2_for_keys::{Digest as _, Sha256};

use super::{ManagerPublic, statement};
use crate::record::SignedRecord;

/// How many records are remembered: a power of two. At a promotion each host gets the same record
/// at least twice, by the manager's push and by the new owner's announcement, and repetitions
/// follow; a check costs 50 µs, a look here less than one.
const REMEMBERED: usize = 1_024;

/// A manager's key, and the hashes of the records that it was found to have signed. What was not
/// signed is not remembered, so nobody but the manager can fill it.
pub(crate) struct Verifier {
    manager: ManagerPublic,
    signed: Box<[Option<[u8; 32]>]>,
}

impl Verifier {
    pub(crate) fn new(manager: ManagerPublic) -> Self {
        Self {
            manager,
            signed: vec![None; REMEMBERED].into(),
        }
    }

    /// Whether the manager decided this.
    pub(crate) fn signed(&mut self, signed: &SignedRecord) -> bool {
        let Ok(statement) = statement(&signed.record) else {
            return false;
        };
        // All of what is believed is in the hash, the signature of fixed length last.
        let hash: [u8; 32] = Sha256::new()
            .chain_update(&statement)
            .chain_update(signed.signature.0)
            .finalize()
            .into();
        let place =
            &mut self.signed[usize::from(u16::from_le_bytes([hash[0], hash[1]])) % REMEMBERED];
        if *place == Some(hash) {
            return true;
        }
        let holds = self.manager.holds(&statement, &signed.signature);
        if holds {
            *place = Some(hash);
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BootId, Epoch, FabricId, GroupId, HostId};
    use crate::keys::ManagerSecret;
    use crate::record::{GroupState, Member, MemberState, Owner, Record, Signature};

    fn signed(manager: &ManagerSecret, seq: u64) -> SignedRecord {
        let host = HostId([1; 9]);
        let record = Record {
            fabric: FabricId([7; 16]),
            group: GroupId::new(1, [10, 0, 0, 3].into()),
            epoch: Epoch { term: 1, seq },
            generation: 1,
            owner: Some(Owner {
                host,
                boot: BootId(1),
            }),
            state: GroupState::Solo,
            members: vec![Member {
                host,
                state: MemberState::InSync,
            }],
            checkpoint: 0,
        };
        let signature = manager.sign(&record).expect("a short record");
        SignedRecord { record, signature }
    }

    #[test]
    fn it_says_of_each_record_what_the_key_says_first_and_later() {
        let manager = ManagerSecret::from_random([1; 32]);
        let mut verifier = Verifier::new(manager.public());
        for seq in 0..50 {
            let good = signed(&manager, seq);
            let mut changed = good.clone();
            changed.record.generation = 2;
            let mut other = good.clone();
            other.signature = Signature([0; 64]);
            for _ in 0..2 {
                assert!(!verifier.signed(&changed));
                assert!(!verifier.signed(&other));
                assert!(verifier.signed(&good));
            }
        }
    }

    #[test]
    fn what_it_remembers_is_bounded() {
        let manager = ManagerSecret::from_random([1; 32]);
        let mut verifier = Verifier::new(manager.public());
        for seq in 0..300 {
            assert!(verifier.signed(&signed(&manager, seq)));
        }
        assert_eq!(verifier.signed.len(), REMEMBERED);
        assert!(verifier.signed.iter().flatten().count() > 200);
    }
}
