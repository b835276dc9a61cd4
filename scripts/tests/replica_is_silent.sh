#!/usr/bin/env bash
# Nothing that j, the replica, sends reaches anybody: not a on another host, not k on its own. Its ARP
# requests are answered all the same, so that its stack is ready.
. "$(dirname "$0")/_init.sh"

await_protected
start_receiver a "$WORK/a" udp sink 10.0.0.2:7000 --tenant "$TENANT_Z" --patience-ms 4000
a=$receiver
start_receiver k "$WORK/k" udp sink 10.0.0.5:7000 --tenant "$TENANT_Z" --patience-ms 4000
k=$receiver
start_capture t "$WORK/t.pcap" -Q in 'ip6[20:4] = 0x0a000003'
for address in 10.0.0.2 10.0.0.5; do
    probe_in j udp source "$address:7000" --tenant "$TENANT_Z" --count 1000 >/dev/null
done
stop_captures "$capture"
wait "$a" "$k"
expect "delivered to a" "$(jq .received "$WORK/a")" 0
expect "delivered to k" "$(jq .received "$WORK/k")" 0
expect "seen on the wire" "$(tcpdump -nr "$WORK/t.pcap" 2>/dev/null | wc -l)" 0
expect "encode_replica_silent on t" "$(drops t encode_replica_silent)" 2000
expect "ARP entry of a at j" "$(ip -n "$(namespace_of j)" -j neighbour show 10.0.0.2 | jq -r '.[0].lladdr')" \
    "$(virtual_mac 10.0.0.2)"
