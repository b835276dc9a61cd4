//! What survives a crash.
#![forbid(unsafe_code)]
