#!/usr/bin/env bash
# Ping and traceroute between a guest and a native IPv6 host, both ways: echo, time exceeded and port
# unreachable are translated with what they quote, and the translator shows as one hop.
. "$(dirname "$0")/_init.sh"

add_native
guest=$(substrate_address r "$TENANT_Y" 10.0.0.2)
expect "pings of the guest" "$(replies ya "$NATIVE_DUMMY")" 20
expect "pings of the native host" "$(replies native "$guest")" 20

# hops FROM ADDRESS [OPTION]: the addresses that traceroute shows, one a hop.
hops() { in_lab "$1" traceroute -n -q 1 -w 2 -m 6 "${@:3}" "$2" | awk 'NR > 1 { print $2 }' | paste -sd' '; }

# The guest: its virtual router, the substrate's router in that one's name, the host.
expect "from the guest, UDP" "$(hops ya "$NATIVE_DUMMY")" "10.0.0.1 10.0.0.1 $NATIVE_DUMMY"
expect "from the guest, ICMP" "$(hops ya "$NATIVE_DUMMY" -I)" "10.0.0.1 10.0.0.1 $NATIVE_DUMMY"
expect "from the guest, TCP" "$(hops ya "$NATIVE_DUMMY" -T -p 9)" "10.0.0.1 10.0.0.1 $NATIVE_DUMMY"
# The native host: its router, our host, the guest.
path="2001:db8:7::1 2001:db8:0:1::2 $guest"
expect "from the native host, UDP" "$(hops native "$guest")" "$path"
expect "from the native host, ICMP" "$(hops native "$guest" -I)" "$path"
expect "from the native host, TCP" "$(hops native "$guest" -T -p 9)" "$path"

# Nobody listens at UDP 7000: both kernels tell their programs at once.
told() { [[ $(ask_udp "$@" 8 2>&1) == *ConnectionRefusedError* ]]; }
told ya AF_INET "$NATIVE_DUMMY" || fail "the guest is not told"
told native AF_INET6 "$guest" || fail "the native host is not told"
expect "wrong checksums" "$(wrong_checksums native) $(wrong_checksums ya)" "0 0"
expect "unexplained" "$(ask r | jq .balance.unexplained)" 0
