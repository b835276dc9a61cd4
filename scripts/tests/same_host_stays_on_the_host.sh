#!/usr/bin/env bash
# Traffic from a to c, both on host r, never shows up on r's uplink, while a to g does.
export LAB_GROUP=none
. "$(dirname "$0")/_init.sh"

start_capture r "$WORK/r.pcap" 'ip6[20:4] = 0x0a000002'
seen_for() { tcpdump -n -r "$WORK/r.pcap" "ip6[36:4] = $1" 2>/dev/null | wc -l; }
expect "a to c" "$(replies a 10.0.0.4 100)" 100
expect "a to g" "$(replies a 10.0.0.3 100)" 100
stop_captures "$capture"
expect "packets from a to c on the wire" "$(seen_for 0x0a000004)" 0
expect "packets from a to g on the wire" "$(seen_for 0x0a000003)" 100
