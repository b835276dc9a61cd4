#!/usr/bin/env bash
# DPDK's own dpdk-dumpcap attaches to a running host and sees both directions of its uplink.
export LAB_GROUP=none
. "$(dirname "$0")/_init.sh"

# The primary's port 0 is the uplink; -p, since the interface lies in another namespace. It counts
# aloud, and ends on SIGINT.
dpdk-dumpcap --file-prefix understudy-r -p -i 0 -w "$WORK/uplink.pcapng" >"$WORK/dumpcap.log" 2>&1 &
dumpcap=$!
eventually 5 grep -q "Packets captured" "$WORK/dumpcap.log" || fail "$(cat "$WORK/dumpcap.log")"
expect "pings while it captures" "$(replies a 10.0.0.3 30)" 30
kill -INT "$dumpcap"
wait "$dumpcap" || fail "dpdk-dumpcap: $(cat "$WORK/dumpcap.log")"

# Next header 1: ICMPv4 between our own hosts.
packets() { tcpdump -nr "$WORK/uplink.pcapng" "$@" 2>/dev/null | wc -l; }
expect "requests captured" "$(packets 'ip6 proto 1 and ip6[40] == 8')" 30
expect "replies captured" "$(packets 'ip6 proto 1 and ip6[40] == 0')" 30
# It can come again.
dpdk-dumpcap --file-prefix understudy-r -D >"$WORK/interfaces.log" 2>&1
expect "ports listed" "$(grep -c '^[0-9]*\. net_' "$WORK/interfaces.log")" 4
