//! How DPDK is touched safely: EAL, pools, owned mbufs, ports, queues, rings, cycle counter, pinning
