//! Many hosts' state machines over a simulated network, driven by one seed.
#![forbid(unsafe_code)]
