#!/usr/bin/env bash
# Packets that may be cut are: they arrive as fragments that fit, and whole at the guest. Nothing on
# the way puts them together.
. "$(dirname "$0")/_init.sh"

# shellcheck disable=SC2016 # awk expands it
counter() { in_lab "$1" awk -v name="$2" '$1 == name { print $2 }' /proc/net/snmp6; }
cut() { ask "$1" | jq .icmp.fragmented; }
narrow t 1400
narrow r 1400
# The first packet each way teaches the path, at the cost of that packet.
replies a 10.0.0.5 1 >/dev/null
in_lab a ping -n -q -i 0.01 -W 1 -c 3 -M dont -s 1472 10.0.0.5 >/dev/null || true
in_lab a ping -n -q -i 0.01 -c 50 -M dont -s 1472 10.0.0.5 >"$WORK/pings"
expect "pings of 1,500 octets" "$(awk '/ received/ { print $4 }' "$WORK/pings")" 50
(($(cut r) >= 50 && $(cut t) >= 50)) || fail "r cut $(cut r) packets and t $(cut t), of 50 each"
before=$(counter router Icmp6OutPktTooBigs)
in_lab a ping -n -q -i 0.01 -c 50 -M dont -s 8000 10.0.0.5 >"$WORK/pings"
expect "pings in fragments that are cut again" "$(awk '/ received/ { print $4 }' "$WORK/pings")" 50
expect "errors of the router meanwhile" $(($(counter router Icmp6OutPktTooBigs) - before)) 0
expect "reassembled in the router" "$(counter router Ip6ReasmReqds)" 0
for host in r t; do
    expect "unexplained at $host" "$(ask "$host" | jq .balance.unexplained)" 0
done
