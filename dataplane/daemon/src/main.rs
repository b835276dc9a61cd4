//! The host daemon understudyd: preflight, launch, wiring, replay
fn main() {}
