use rtrb::RingBuffer;
use tables::punt::punt_ring;
use thread_priority::unix::thread_schedule_policy;
use wire::ethernet::MacAddress;

use super::*;
use crate::clock::Clock;
use crate::controller::{Channels, ControllerStatus};
use crate::endpoint::Endpoint;
use crate::fixture::{CONTROL, FAR, ROUTER_MAC, echo_request, host};

/// Looks at the thread it is called on.
#[derive(Default)]
struct Witness {
    policy: Option<ThreadSchedulePolicy>,
    ticks: u64,
}

impl Agent for Witness {
    type Command = ();

    fn next_hop_changed(&mut self, _: Option<MacAddress>) {
        self.policy = thread_schedule_policy().ok();
    }

    fn execute(&mut self, (): (), _: Time) {}

    fn tick(&mut self, _: Time, _: &ControllerStatus, _: &mut Endpoint) {
        self.ticks += 1;
    }
}

fn ticking() -> impl Fn() -> Time {
    let clock = Clock::start();
    move || clock.now()
}

/// The policy of a thread that has asked for real time, granted or not.
fn policy_that_this_system_grants() -> Option<ThreadSchedulePolicy> {
    let asking = thread::spawn(|| {
        let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy).ok();
        thread_schedule_policy().ok()
    });
    asking.join().expect("a thread that asks")
}

#[test]
fn the_thread_answers_until_it_is_stopped() {
    let (mut worker, punted) = punt_ring(4096);
    let (transmit, mut answers) = punt_ring(4096);
    let (_service, commands) = RingBuffer::new(1);
    let channels = Channels {
        punted: vec![punted],
        transmit,
        commands,
    };
    let controller = Controller::new(host(Some(ROUTER_MAC)), Witness::default(), channels);
    let thread = ControllerThread::spawn(controller, ticking()).expect("a thread");

    worker
        .push(&echo_request(FAR, CONTROL, b"awake?"))
        .expect("an empty ring");
    let clock = Clock::start();
    let mut frame = Vec::new();
    while !answers.pop(&mut frame) {
        assert!(
            clock.now() < Time(10_000_000_000),
            "no answer within ten seconds"
        );
        thread::sleep(PAUSE);
    }
    assert!(!thread.is_finished());

    let asked = clock.now();
    let Ok(controller) = thread.stop() else {
        panic!("the thread panicked")
    };
    // Ten on an idle machine; tests share theirs.
    let took = clock.now().since(asked);
    assert!(took < Duration::from_secs(1), "stopped after {took:?}");
    assert_eq!(controller.agent().policy, policy_that_this_system_grants());
    assert!(controller.agent().ticks > 0);
}

/// Says when it is dropped.
struct Mourned(Arc<AtomicBool>);

impl Agent for Mourned {
    type Command = ();

    fn next_hop_changed(&mut self, _: Option<MacAddress>) {}

    fn execute(&mut self, (): (), _: Time) {}

    fn tick(&mut self, _: Time, _: &ControllerStatus, _: &mut Endpoint) {}
}

impl Drop for Mourned {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_thread_that_nobody_stopped_ends_when_it_is_dropped() {
    let (transmit, _answers) = punt_ring(64);
    let (_service, commands) = RingBuffer::new(1);
    let channels = Channels {
        punted: Vec::new(),
        transmit,
        commands,
    };
    let gone = Arc::new(AtomicBool::new(false));
    let agent = Mourned(Arc::clone(&gone));
    let controller = Controller::new(host(Some(ROUTER_MAC)), agent, channels);
    drop(ControllerThread::spawn(controller, ticking()).expect("a thread"));
    assert!(gone.load(Ordering::Relaxed));
}
