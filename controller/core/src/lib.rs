//! Who owns an address: the agent's and the manager's state machines.
#![forbid(unsafe_code)]
