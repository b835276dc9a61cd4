use std::net::Ipv4Addr;

use tables::mappings::Change;

use super::*;
use crate::fixture::{S, config, plane};

const CHANGES: u32 = 50_000;

fn agent() -> TableAgent {
    let config = config("r");
    let plane = plane(&config);
    TableAgent::new(config, plane, None, Billing::new(&[]), Arc::default())
}

fn put(agent: &TableAgent, number: u32) -> Change {
    let network = agent.config.networks[0].id;
    let address = Ipv4Addr::from_bits(0x0a80_0000 + number);
    let first = knowledge::FIRST_GENERATION;
    Change::Put(knowledge::entry(&agent.config, network, address, S, first))
}

fn ask(agent: &mut TableAgent, changes: Vec<Change>) -> oneshot::Receiver<MappingsChanged> {
    let (answer, answered) = oneshot::channel();
    let batch = Batch::new(changes);
    agent.execute(Command::Map { batch, answer }, Time(0));
    answered
}

#[test]
fn a_large_batch_takes_many_rounds_and_what_was_asked_later_waits_for_it() {
    let mut agent = agent();
    let mappings = |agent: &TableAgent| agent.plane.current().mappings.len();
    let before = mappings(&agent);
    let changes: Vec<Change> = (0..CHANGES).map(|number| put(&agent, number)).collect();
    let key = changes[7].key();
    let mut large = ask(&mut agent, changes);
    let mut small = ask(&mut agent, vec![Change::Remove(key)]);
    let mut rounds = 0;
    let done = loop {
        assert!(small.try_recv().is_err(), "not before what was asked first");
        let (so_far, version) = (mappings(&agent), agent.plane.current().version);
        agent.change_mappings();
        rounds += 1;
        // The last part may exceed what a round is for.
        let part_max = 2 * CHANGES as usize / 64;
        assert!(mappings(&agent) - so_far <= CHANGES_PER_ROUND + part_max);
        assert!(agent.plane.current().version > version);
        if let Ok(done) = large.try_recv() {
            break done;
        }
    };
    assert!(rounds >= 9, "{rounds} rounds");
    assert_eq!(done.changed, u64::from(CHANGES));
    agent.change_mappings();
    let removed = small.try_recv().expect("applied");
    assert_eq!(removed.changed, 1);
    assert!(removed.table_version > done.table_version);
    assert_eq!(mappings(&agent), before + CHANGES as usize - 1);
}

#[test]
fn an_empty_batch_is_answered_too() {
    let mut agent = agent();
    let mut answered = ask(&mut agent, Vec::new());
    agent.change_mappings();
    let done = answered.try_recv().expect("answered");
    let version = agent.plane.current().version;
    assert_eq!((done.table_version, done.changed), (version, 0));
}
