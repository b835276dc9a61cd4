//! What the dataplane knows: one immutable snapshot of mappings, nodes, hosts; its publication; counters; punt queues
