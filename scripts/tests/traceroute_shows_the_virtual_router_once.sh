#!/usr/bin/env bash
# Between two subnets of a network there is one router, which no machine is: it counts the TTL down,
# says so, answers ping, and forwards what lies behind a node. Within a subnet there is none.
. "$(dirname "$0")/_init.sh"

# hops FROM TO: who answers, hop by hop.
hops() { in_lab "$1" traceroute -n -q 1 -w 1 "$2" | awk 'NR > 1 { printf "%s%s", sep, $2; sep = " " }'; }

expect "a to k, one subnet" "$(hops a 10.0.0.5)" "10.0.0.5"
expect "a to m, two subnets" "$(hops a 10.0.1.6)" "10.0.0.1 10.0.1.6"
expect "m to a" "$(hops m 10.0.0.2)" "10.0.1.1 10.0.0.2"
expect "pings to the router's address" "$(replies a 10.0.0.1)" 20
expect "pings to its address on the other side" "$(replies a 10.0.1.1)" 20

# 192.168.7.0/24 lies behind m.
in_lab m ip address add 192.168.7.1/24 dev lo
expect "pings to what lies behind m" "$(replies a 192.168.7.1)" 20
expect "pings from there" "$(in_lab m ping -n -q -i 0.01 -c 20 -I 192.168.7.1 10.0.0.5 | awk '/ received/ { print $4 }')" 20
expect "a to what lies behind m" "$(hops a 192.168.7.1)" "10.0.0.1 192.168.7.1"

before=$(drops r policy_denied)
in_lab a ping -n -q -c 3 -i 0.2 -W 1 -b 10.0.1.255 >/dev/null 2>&1 || true
expect "directed broadcasts refused" $(($(drops r policy_denied) - before)) 3
expect "unexplained" "$(ask r | jq .balance.unexplained)" 0
