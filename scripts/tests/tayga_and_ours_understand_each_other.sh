#!/usr/bin/env bash
# IPv4 at both ends and two translators between: TAYGA at the one, ours at the other. What one makes of
# a packet the other makes the packet of again: web pages, ping, traceroute, UDP, fragments.
. "$(dirname "$0")/_init.sh"

add_native
add_tayga 198.18.0.1 "$(substrate_address s "$TENANT_Y" 10.0.0.3)"
eventually 5 answers native 198.51.100.3 || fail "no ping through TAYGA: $(cat "$WORK/tayga.log")"
expect "pings through TAYGA" "$(replies native 198.51.100.3)" 20
expect "pings to what is behind TAYGA" "$(replies yg 198.18.0.1)" 20

head -c 3000000 /dev/urandom >"$WORK/page"
serve yg 10.0.0.3 "$WORK"
serve native 198.18.0.1 "$WORK"
in_lab native curl -sS --max-time 20 -o "$WORK/one" http://198.51.100.3/page
in_lab yg curl -sS --max-time 20 -o "$WORK/other" http://198.18.0.1/page
cmp "$WORK/page" "$WORK/one" || fail "the page of the guest differs"
cmp "$WORK/page" "$WORK/other" || fail "the page behind TAYGA differs"

hops() { in_lab "$1" traceroute -n -q 1 -w 2 -m 8 "$2" | awk 'NR > 1 { print $2 }' | paste -sd' '; }
from_tayga=$(hops native 198.51.100.3) from_guest=$(hops yg 198.18.0.1)
[[ $from_tayga == *" 198.51.100.3" && $from_guest == "10.0.0.1 "*" 198.18.0.1" ]] ||
    fail "traceroute: $from_tayga; $from_guest"
echo "traceroute: $from_tayga; $from_guest"

echo_udp native AF_INET
for octets in 0 1400 3000; do
    ask_udp yg AF_INET 198.18.0.1 "$octets" || fail "$octets octets did not come back"
done
expect "wrong checksums" "$(wrong_checksums native) $(wrong_checksums yg)" "0 0"
expect "unexplained" "$(ask s | jq .balance.unexplained)" 0
kill "$tayga"
