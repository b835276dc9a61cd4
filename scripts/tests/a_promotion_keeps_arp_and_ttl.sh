#!/usr/bin/env bash
# s dies, j answers in g's place: a keeps its ARP entry, and sees the same TTL.
. "$(dirname "$0")/_init.sh"

neighbour() { ip -n "$(namespace_of a)" -j neighbour show 10.0.0.3 dev eth0 | jq -r '.[0].lladdr'; }
ttl() { in_lab a ping -n -c 1 -W 2 10.0.0.3 | sed -n 's/.* ttl=\([0-9]*\) .*/\1/p'; }
await_protected
expect "TTL before" "$(ttl)" 64
expect "MAC address before" "$(neighbour)" "$(virtual_mac 10.0.0.3)"
# Whatever a hears of ARP from now on.
start_capture a "$WORK/a.pcap" arp
kill_daemon s >/dev/null
eventually 3 owned_by t || fail "nobody was promoted: $(group_record)"
expect "TTL after" "$(ttl)" 64
expect "MAC address after" "$(neighbour)" "$(virtual_mac 10.0.0.3)"
stop_captures "$capture"
expect "unasked ARP at a" "$(tcpdump -nr "$WORK/a.pcap" 'arp[6:2] = 2 and ether broadcast' 2>/dev/null | wc -l)" 0
expect "pings" "$(replies a 10.0.0.3)" 20
