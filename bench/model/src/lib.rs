//! An exhaustive model of the promotion protocol.
#![forbid(unsafe_code)]
