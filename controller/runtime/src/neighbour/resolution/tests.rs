use super::*;

const KNOWN: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
const OTHER: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
const NOW_MS: u64 = 100_000;

/// What an event makes of a state.
#[derive(Clone, Copy, Debug)]
enum Becomes {
    Same,
    Reachable(MacAddress),
    Doubted(MacAddress),
}

fn advertised(mac: Option<MacAddress>, solicited: bool, overrides: bool) -> Event {
    Event::Advertised(Claim {
        mac,
        solicited,
        overrides,
    })
}

#[test]
fn every_state_answers_every_message_as_rfc_4861_says() {
    use Becomes::{Doubted, Reachable, Same};
    let states = [
        State::Incomplete {
            asked: 1,
            ask_at_ms: NOW_MS + 500,
        },
        State::Reachable {
            mac: KNOWN,
            probe_at_ms: NOW_MS + 500,
        },
        State::Probing {
            mac: KNOWN,
            asked: 1,
            ask_at_ms: NOW_MS + 500,
        },
    ];
    let (known, other) = (Some(KNOWN), Some(OTHER));
    #[rustfmt::skip]
    let table = [
        // event (mac, solicited, overrides)  Incomplete        Reachable         Probing
        (Event::Timer,                      [Same,             Same,             Same]),
        (advertised(None, false, false),    [Same,             Same,             Same]),
        (advertised(None, false, true),     [Same,             Same,             Same]),
        (advertised(None, true, false),     [Same,             Reachable(KNOWN), Reachable(KNOWN)]),
        (advertised(None, true, true),      [Same,             Reachable(KNOWN), Reachable(KNOWN)]),
        (advertised(known, false, false),   [Doubted(KNOWN),   Same,             Same]),
        (advertised(known, false, true),    [Doubted(KNOWN),   Same,             Same]),
        (advertised(known, true, false),    [Reachable(KNOWN), Reachable(KNOWN), Reachable(KNOWN)]),
        (advertised(known, true, true),     [Reachable(KNOWN), Reachable(KNOWN), Reachable(KNOWN)]),
        (advertised(other, false, false),   [Doubted(OTHER),   Doubted(KNOWN),   Same]),
        (advertised(other, false, true),    [Doubted(OTHER),   Doubted(OTHER),   Doubted(OTHER)]),
        (advertised(other, true, false),    [Reachable(OTHER), Doubted(KNOWN),   Same]),
        (advertised(other, true, true),     [Reachable(OTHER), Reachable(OTHER), Reachable(OTHER)]),
        (Event::Solicited(KNOWN),          [Doubted(KNOWN),   Same,             Same]),
        (Event::Solicited(OTHER),          [Doubted(OTHER),   Doubted(OTHER),   Doubted(OTHER)]),
    ];
    for (event, row) in table {
        for (state, becomes) in states.into_iter().zip(row) {
            let expected = match becomes {
                Same => state,
                Reachable(mac) => State::Reachable {
                    mac,
                    probe_at_ms: NOW_MS + 30_000,
                },
                Doubted(mac) => State::Probing {
                    mac,
                    asked: 0,
                    ask_at_ms: NOW_MS,
                },
            };
            assert_eq!(
                state.step(event, NOW_MS),
                (expected, None),
                "{state:?} at {event:?}"
            );
        }
        let pinned = State::start(known);
        assert_eq!(
            pinned.step(event, NOW_MS),
            (pinned, None),
            "pinned at {event:?}"
        );
    }
}

/// Lets time pass until `until_ms`, and says when whom it asks.
fn asks(state: &mut State, until_ms: u64) -> Vec<(u64, Ask)> {
    let mut asked = Vec::new();
    while let Some(now_ms) = state.deadline_ms().filter(|&at_ms| at_ms <= until_ms) {
        let (next, ask) = state.step(Event::Timer, now_ms);
        *state = next;
        asked.extend(ask.map(|ask| (now_ms, ask)));
    }
    asked
}

#[test]
fn a_silent_next_hop_is_asked_for_ever_and_ever_more_slowly() {
    let mut state = State::start(None);
    let times: Vec<u64> = asks(&mut state, 40_000)
        .into_iter()
        .map(|(at_ms, ask)| {
            assert_eq!(ask, Ask::Group);
            at_ms / 1000
        })
        .collect();
    assert_eq!(times, [0, 1, 2, 3, 5, 9, 17, 25, 33]);
    assert_eq!(state.mac(), None);
}

#[test]
fn a_lost_next_hop_stays_in_use_until_three_probes_have_failed() {
    let (mut state, _) = State::start(None).step(advertised(Some(KNOWN), true, true), 0);
    let probe = Ask::Owner(KNOWN);
    let probes = asks(&mut state, 32_999);
    assert_eq!(probes, [(30_000, probe), (31_000, probe), (32_000, probe)]);
    assert_eq!(state.mac(), Some(KNOWN));
    assert_eq!(asks(&mut state, 33_000), [(33_000, Ask::Group)]);
    assert_eq!(state.mac(), None);
}

#[test]
fn an_answered_probe_confirms_for_another_30_s() {
    let (mut state, _) = State::start(None).step(advertised(Some(KNOWN), true, true), 0);
    assert_eq!(asks(&mut state, 30_500).len(), 1);
    (state, _) = state.step(advertised(None, true, false), 30_600);
    assert_eq!(
        state,
        State::Reachable {
            mac: KNOWN,
            probe_at_ms: 60_600
        }
    );
}

#[test]
fn a_pinned_next_hop_is_never_asked_for() {
    assert_eq!(asks(&mut State::start(Some(KNOWN)), u64::MAX), []);
}
