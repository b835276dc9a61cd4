//! That the library which is loaded is the one that was bound. Layouts are
//! asserted by the bindings themselves, when they are compiled.

use std::ffi::CStr;

#[test]
fn the_library_is_of_the_release_that_was_bound() {
    // SAFETY: no precondition.
    let version = unsafe { dpdk_sys::rte_version() };
    // SAFETY: a constant, terminated string.
    let version = unsafe { CStr::from_ptr(version) }.to_string_lossy();
    assert!(version.starts_with("DPDK 22.11."), "{version}");
}

#[test]
fn the_shim_of_inline_functions_is_linked() {
    // SAFETY: reads a counter.
    let from = unsafe { dpdk_sys::rte_rdtsc() };
    // SAFETY: reads a counter.
    assert!(unsafe { dpdk_sys::rte_rdtsc() } > from);
}
