//! What DPDK's C says: bindings generated at build time against the installed libdpdk, and a shim for its inline functions
