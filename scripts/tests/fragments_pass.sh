#!/usr/bin/env bash
# IPv4 fragments cross the substrate as fragments and are put together by the guest, not on the way.
. "$(dirname "$0")/_init.sh"

in_lab a ping -n -q -i 0.01 -c 50 -s 8000 -M dont 10.0.0.3 >"$WORK/across"
expect "8,000 byte pings across" "$(awk '/ received/ { print $4 }' "$WORK/across")" 50
in_lab a ping -n -q -i 0.01 -c 50 -s 4000 -M dont 10.0.0.4 >"$WORK/within"
expect "4,000 byte pings within a host" "$(awk '/ received/ { print $4 }' "$WORK/within")" 50
# shellcheck disable=SC2016 # awk expands it
expect "reassembled in the router" "$(in_lab router awk '$1 == "Ip6ReasmReqds" { print $2 }' /proc/net/snmp6)" 0
