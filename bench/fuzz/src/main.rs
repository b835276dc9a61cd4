//! The program that libFuzzer drives: one target of the crate, named by `FUZZ_TARGET`.
#![no_main]
#![forbid(unsafe_code)]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<fuzz::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let known = fuzz::TARGETS.iter().map(|target| target.name);
    let known: Vec<&str> = known.collect();
    fuzz::target(&name).unwrap_or_else(|| panic!("FUZZ_TARGET is one of {}", known.join(", ")))
});

fuzz_target!(|octets: &[u8]| (TARGET.run)(octets));
