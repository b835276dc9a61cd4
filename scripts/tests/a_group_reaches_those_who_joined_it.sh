#!/usr/bin/env bash
# The kernels of c, on a's host, and of g, on another, join a group; k's, on a third, does not. What a
# sends there with TTL 1 crosses the substrate once, to g's host. What is for the link alone stays on
# it, and a broadcast reaches all of the subnet. When the sockets close nobody listens any more.
export LAB_MULTICAST=on LAB_GROUP=none
. "$(dirname "$0")/_init.sh"

GROUP=239.1.1.1 COUNT=300
listeners() { ask r | jq -c '.multicast.groups[] | select(.subnet == "10.0.0.0/24") | [.nodes, .hosts]'; }
listen_now() { [[ $(listeners) == "$1" ]]; }
crossed() { tcpdump -r "$WORK/r.pcap" -n "udp and src net ${LOCATOR[r]} and dst net ${LOCATOR[$1]}" 2>/dev/null | wc -l; }
send() { probe_in a udp source "$1" --tenant "$TENANT_Z" --count "$COUNT" --per-second 200 >/dev/null; }
# sink NODE ADDRESS: its report will be in $WORK/NODE.
sink() {
    start_receiver "$1" "$WORK/$1" udp sink "$2" --tenant "$TENANT_Z" --quiet-ms 2000
    receivers+=("$receiver")
}

receivers=()
sink c $GROUP:7000
sink g $GROUP:7000
eventually 20 listen_now '[["z/c"],["s"]]' || fail "who listens: $(listeners)"
start_capture r "$WORK/r.pcap" 'ip6 and udp'
substrate=$capture
start_capture k "$WORK/k.pcap" 'udp'
send $GROUP:7000
send 224.0.0.251:7000
wait "${receivers[@]}"
stop_captures "$substrate" "$capture"
for node in c g; do
    expect "$node received, doubled" "$(jq -c '[.received, .duplicates]' "$WORK/$node")" "[$COUNT,0]"
done
expect "copies to s" "$(crossed s)" "$COUNT"
expect "copies to t, where nobody listens" "$(crossed t)" 0
expect "datagrams at k" "$(tcpdump -r "$WORK/k.pcap" 2>/dev/null | wc -l)" 0
expect "for the link alone, refused" "$(drops r policy_denied)" "$COUNT"
eventually 5 listen_now '[[],[]]' || fail "who listens after all left: $(listeners)"

receivers=()
for node in c g k m; do sink "$node" 0.0.0.0:7001; done
send 255.255.255.255:7001
sleep 2.5
for node in c g k; do
    expect "$node received of a broadcast" "$(jq .received "$WORK/$node")" "$COUNT"
done
expect "m, on another subnet, received" "$(wc -c <"$WORK/m")" 0
for host in r s t; do expect "unexplained at $host" "$(ask $host | jq .balance.unexplained)" 0; done
