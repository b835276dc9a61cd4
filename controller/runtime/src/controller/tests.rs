use rtrb::{Producer, RingBuffer};
use tables::punt::punt_ring;

use super::*;
use crate::fixture::{CONTROL, FAR, ROUTER, ROUTER_MAC, US, echo_request, host, raw_icmp};

/// Writes down what it is told.
#[derive(Default)]
struct Scribe {
    next_hops: Vec<Option<MacAddress>>,
    commands: Vec<u32>,
    status: Option<ControllerStatus>,
    ticks: u64,
}

impl Agent for Scribe {
    type Command = u32;

    fn next_hop_changed(&mut self, next_hop: Option<MacAddress>) {
        self.next_hops.push(next_hop);
    }

    fn execute(&mut self, command: u32, _: Time) {
        self.commands.push(command);
    }

    fn tick(&mut self, _: Time, status: &ControllerStatus, _: &mut Endpoint) {
        self.ticks += 1;
        self.status = Some(*status);
    }
}

fn ms(time_ms: u64) -> Time {
    Time(time_ms * NANOSECONDS_PER_MS)
}

/// The other ends of the controller's rings.
struct Outside {
    workers: Vec<PuntSender>,
    transmit: PuntReceiver,
    commands: Producer<u32>,
}

fn controller(
    next_hop_mac: Option<MacAddress>,
    transmit_bytes: usize,
) -> (Controller<Scribe>, Outside) {
    let (workers, punted) = (0..2).map(|_| punt_ring(1 << 16)).unzip();
    let (transmit, from_controller) = punt_ring(transmit_bytes);
    let (producer, commands) = RingBuffer::new(4);
    let channels = Channels {
        punted,
        transmit,
        commands,
    };
    let outside = Outside {
        workers,
        transmit: from_controller,
        commands: producer,
    };
    (
        Controller::new(host(next_hop_mac), Scribe::default(), channels),
        outside,
    )
}

#[test]
fn the_agent_hears_of_the_next_hop_at_once_and_when_it_changes() {
    let (mut controller, mut outside) = controller(None, 1 << 16);
    controller.round(ms(0));
    controller.round(ms(1));
    assert_eq!(controller.agent().next_hops, [None]);

    let answer = raw_icmp(
        ROUTER,
        US,
        &[
            &[136, 0, 0, 0, 0x60, 0, 0, 0][..],
            &ROUTER.octets(),
            &[2, 1],
            &ROUTER_MAC.0,
        ]
        .concat(),
    );
    outside.workers[1].push(&answer).expect("an empty ring");
    controller.round(ms(2));
    controller.round(ms(3));
    assert_eq!(controller.agent().next_hops, [None, Some(ROUTER_MAC)]);
    assert_eq!(controller.agent().ticks, 4);
}

#[test]
fn a_ping_that_any_worker_punts_is_answered_to_the_transmitting_one() {
    let (mut controller, mut outside) = controller(Some(ROUTER_MAC), 1 << 16);
    for worker in &mut outside.workers {
        worker
            .push(&echo_request(FAR, CONTROL, b"hello"))
            .expect("an empty ring");
    }
    controller.round(ms(0));
    let mut frame = Vec::new();
    for _ in 0..2 {
        assert!(outside.transmit.pop(&mut frame));
        assert_eq!(frame.len(), 14 + 40 + 8 + 5);
    }
    assert!(!outside.transmit.pop(&mut frame));
}

#[test]
fn a_full_ring_to_the_worker_is_counted() {
    let (mut controller, mut outside) = controller(Some(ROUTER_MAC), 100);
    for _ in 0..3 {
        outside.workers[0]
            .push(&echo_request(FAR, CONTROL, b"hello"))
            .expect("room for three");
    }
    controller.round(ms(0));
    assert_eq!(controller.status().transmit_full, 2);
}

#[test]
fn one_round_takes_a_bounded_number_of_frames() {
    let (mut controller, mut outside) = controller(Some(ROUTER_MAC), 1 << 16);
    for _ in 0..TAKEN_PER_ROUND_MAX + 1 {
        outside.workers[0]
            .push(&echo_request(FAR, CONTROL, b""))
            .expect("room for all");
    }
    controller.round(ms(0));
    assert_eq!(
        controller.status().host.received,
        TAKEN_PER_ROUND_MAX as u64
    );
    controller.round(ms(1));
    assert_eq!(
        controller.status().host.received,
        TAKEN_PER_ROUND_MAX as u64 + 1
    );
}

#[test]
fn commands_are_executed_in_order_with_the_present_status() {
    let (mut controller, mut outside) = controller(Some(ROUTER_MAC), 1 << 16);
    for command in [1, 2, 3] {
        outside.commands.push(command).expect("an empty ring");
    }
    outside.workers[0]
        .push(&echo_request(FAR, CONTROL, b""))
        .expect("an empty ring");
    controller.round(ms(0));
    assert_eq!(controller.agent().commands, [1, 2, 3]);
    let status = controller.agent().status.expect("a round has ended");
    assert_eq!(status, controller.status());
    assert_eq!(
        (status.next_hop, status.host.endpoint),
        (Some(ROUTER_MAC), 1)
    );
}
