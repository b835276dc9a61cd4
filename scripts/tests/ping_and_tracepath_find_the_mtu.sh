#!/usr/bin/env bash
# What asks for the path MTU gets the right one: ping that must not be cut, and tracepath.
. "$(dirname "$0")/_init.sh"

# ping_of OCTETS: one IPv4 packet of this length from a to k, which may not be cut.
ping_of() { in_lab a ping -n -c 1 -W 1 -M "do" -s $(($1 - 28)) 10.0.0.5 2>&1; }

ping_of 1500 >/dev/null || fail "1,500 octets do not pass where nothing is narrow"
narrow t 1400
[[ $(ping_of 1500 || true) == *"From 10.0.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1380)"* ]] ||
    fail "ping was not told by the virtual router what fits: $(ping_of 1500)"
in_lab a ip route flush cache
ping_of 1380 >/dev/null || fail "1,380 octets do not pass"
in_lab a ip route flush cache
[[ $(ping_of 1381 || true) == *"mtu = 1380"* ]] || fail "1,381 octets were not refused"
in_lab a ip route flush cache
in_lab a tracepath -n 10.0.0.5 | tee "$WORK/path"
grep -Eq '^ Resume: pmtu 1380 ' "$WORK/path" ||
    grep -Eq 'Resume: pmtu 1380 hops 1 back 1' "$WORK/path" || fail "tracepath found another MTU"
