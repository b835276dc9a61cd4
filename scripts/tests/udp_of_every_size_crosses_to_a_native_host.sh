#!/usr/bin/env bash
# Datagrams between a guest and a native IPv6 host come back as they went: whole, in fragments of
# either side, without a checksum; and what does not fit is told to whom it concerns.
. "$(dirname "$0")/_init.sh"

add_native
guest=$(substrate_address r "$TENANT_Y" 10.0.0.2)
echo_udp native AF_INET6
echo_udp ya AF_INET
for octets in 0 1 1000 1232 1233 1400 1472 1473 3000 9000; do
    ask_udp ya AF_INET "$NATIVE_DUMMY" "$octets" || fail "$octets octets of the guest did not come back"
    ask_udp native AF_INET6 "$guest" "$octets" || fail "$octets octets of the native host did not come back"
done
for octets in 0 1 1400; do
    ask_udp ya AF_INET "$NATIVE_DUMMY" "$octets" no-checksum || fail "$octets octets without a checksum"
done
# In fragments nobody has the whole of which it would be the checksum.
! ask_udp ya AF_INET "$NATIVE_DUMMY" 3000 no-checksum 2>/dev/null || fail "a checksum out of nothing"
expect "refused" "$(drops r policy_denied)" 1
expect "wrong checksums" "$(wrong_checksums native) $(wrong_checksums ya)" "0 0"

# A hop of 1,400 octets on the way: its router tells the guest, as IPv4.
ip -n "$(namespace_of router)" -6 route replace 2001:db8:7::/64 dev to-native mtu lock 1400
ping_of() { in_lab ya ping -n -c 1 -W 1 -M "do" -s $(($1 - 28)) "$NATIVE_DUMMY" 2>&1; }
[[ $(ping_of 1500 || true) == *"Frag needed and DF set (mtu = 1480)"* ]] ||
    [[ $(ping_of 1500 || true) == *"mtu = 1380"* ]] || fail "the guest was not told: $(ping_of 1500)"
in_lab ya ip route flush cache
ping_of 1380 >/dev/null || fail "1,380 octets do not pass"
expect "unexplained" "$(ask r | jq .balance.unexplained)" 0
