//! The lab's measuring instrument: traffic with known content, forged packets, capture checks
fn main() {}
