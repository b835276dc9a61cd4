#!/usr/bin/env bash
# The router gets another MAC address; the host finds out by neighbour discovery and goes on.
. "$(dirname "$0")/_init.sh"

known() { ask r | jq -r .uplink.next_hop_mac; }
moved() { [[ $(known) == 02:00:00:00:09:09 ]]; }
expect "before" "$(known)" 02:00:00:00:01:01
# An ordinary router that changes its address announces it.
in_lab router sysctl -qw net.ipv6.conf.to-r.ndisc_notify=1
in_lab router ip link set to-r address 02:00:00:00:09:09
eventually 60 moved || fail "host r still sends to $(known)"
expect "after" "$(known)" 02:00:00:00:09:09
eventually 5 answers a 10.0.0.3 || fail "g does not answer through the new address"
expect "pings" "$(replies a 10.0.0.3)" 20
