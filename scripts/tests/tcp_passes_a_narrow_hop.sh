#!/usr/bin/env bash
# A hop on the way to t takes packets of 1,400 octets, and a's have 1,520. The router says so, a is told
# what fits as IPv4 (1,380), and its TCP goes on. After that a's host itself tells a's neighbour c.
. "$(dirname "$0")/_init.sh"

# shellcheck disable=SC2016 # awk expands it
too_big() { in_lab router awk '$1 == "Icmp6OutPktTooBigs" { print $2 }' /proc/net/snmp6; }
listens() { in_lab k ss -Hltn 'sport = 5201' | grep -q .; }
# send FROM: 64 MiB of TCP to k.
send() {
    in_lab k iperf3 -s -1 -D
    eventually 5 listens || fail "iperf3 does not listen"
    in_lab "$1" iperf3 -c 10.0.0.5 -n 64M -J >"$WORK/$1" || fail "$(jq .error "$WORK/$1")"
    # What is still on its way when the sender says that it is done is not counted.
    received=$(jq .end.sum_received.bytes "$WORK/$1")
    ((received > 60 << 20)) || fail "only $received octets of $1 arrived"
    echo "octets from $1: $received"
}
pmtu_in() { in_lab "$1" ip route get 10.0.0.5 | grep -o 'mtu [0-9]*'; }

narrow t 1400
send a
expect "path MTU in a" "$(pmtu_in a)" "mtu 1380"
expect "path MTU at r" "$(ask r | jq -c '.path_mtus | map({host, mtu})')" '[{"host":"t","mtu":1400}]'
before=$(too_big)
send c
expect "path MTU in c" "$(pmtu_in c)" "mtu 1380"
expect "errors of the router meanwhile" $(($(too_big) - before)) 0
expect "unexplained" "$(ask r | jq .balance.unexplained)" 0
