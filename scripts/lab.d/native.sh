# shellcheck shell=bash
# A host of the substrate that knows nothing of ours: an unmodified kernel behind the router. The
# nodes of tenant Y call it 10.0.0.200 (fabric.toml).

NATIVE_ADDRESS=2001:db8:7::80
NATIVE_DUMMY=10.0.0.200
# What is behind this prefix has an IPv4 address in the rest, out of 198.18.0.0/15.
NATIVE_PREFIX=2001:db8:64::

# add_native: `eth0` in its namespace, `to-native` in the router's.
add_native() {
    local inside router
    inside=$(namespace_of native) router=$(namespace_of router)
    ip netns add "$inside"
    ip -n "$inside" link set lo up
    ip -n "$inside" link add eth0 mtu 1500 type veth peer name to-native netns "$router" mtu 1500
    finish_checksums "$inside" eth0
    finish_checksums "$router" to-native
    sysctl_in "$inside" net.ipv6.conf.all.accept_dad=0 net.ipv6.icmp.ratelimit=0
    ip -n "$router" link set to-native up
    ip -n "$router" address add 2001:db8:7::1/64 dev to-native nodad
    ip -n "$inside" link set eth0 up
    ip -n "$inside" address add "$NATIVE_ADDRESS/64" dev eth0 nodad
    ip -n "$inside" route add default via 2001:db8:7::1
}

# add_tayga ADDRESS NODE: in the native host, TAYGA and behind it IPv4 with this address, which
# calls the node at the substrate address NODE 198.51.100.3. Its process is in $tayga.
add_tayga() {
    local inside router
    inside=$(namespace_of native) router=$(namespace_of router)
    cat >"$WORK/tayga.conf" <<END
tun-device nat64
ipv4-addr 192.168.255.1
prefix $NATIVE_PREFIX/96
map 198.51.100.3 $2
END
    sysctl_in "$inside" net.ipv4.conf.all.forwarding=1 net.ipv6.conf.all.forwarding=1
    in_lab native tayga -c "$WORK/tayga.conf" --mktun >/dev/null
    ip -n "$inside" link set nat64 up
    ip -n "$inside" address add "$1/32" dev nat64
    ip -n "$inside" route add 198.51.100.3 dev nat64 src "$1"
    ip -n "$inside" -6 route add "$NATIVE_PREFIX/96" dev nat64
    ip -n "$router" -6 route add "$NATIVE_PREFIX/96" via "$NATIVE_ADDRESS"
    in_lab native tayga -c "$WORK/tayga.conf" -d >"$WORK/tayga.log" 2>&1 &
    tayga=$!
}

# substrate_address HOST TENANT ADDRESS: of a node there, as docs/wire.md section 1 composes it.
substrate_address() {
    local host=$1 net=$(($2)) word sum=0 residue locator
    local -a words v4
    locator=${LOCATOR[$host]%::/56}
    IFS=: read -ra words <<<"$locator"
    IFS=. read -ra v4 <<<"$3"
    for word in "${words[@]}" "$(printf %x $((net >> 16)))" "$(printf %x $((net & 0xffff)))"; do
        sum=$((sum + 0x$word))
    done
    while ((sum > 0xffff)); do sum=$(((sum & 0xffff) + (sum >> 16))); done
    residue=$((0xffff - sum))
    printf '%s:%s:%s:%x:%x:%x:%x:%x\n' "${words[0]}" "${words[1]}" "${words[2]}" \
        $((0x${words[3]} | residue & 0xff)) $(((residue >> 8) << 8 | net >> 16)) $((net & 0xffff)) \
        $((v4[0] << 8 | v4[1])) $((v4[2] << 8 | v4[3]))
}

# listens NODE t|u PORT
listens() { in_lab "$1" ss "-Hln$2" "sport = $3" | grep -q .; }

# serve NODE ADDRESS DIRECTORY: a web server; it ends with the test.
serve() {
    # Not `-m http.server`: it asks for its own name, for which there is nobody here to answer.
    in_lab "$1" /usr/bin/python3 -c '
import functools, http.server, socket, socketserver, sys
class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[2])
Server((sys.argv[1], 80), handler).serve_forever()' "$2" "$3" >/dev/null 2>&1 &
    eventually 5 listens "$1" t 80 || fail "no web server in $1"
}

# echo_udp NODE FAMILY: sends back every datagram to port 7000.
echo_udp() {
    in_lab "$1" /usr/bin/python3 -c '
import socket, sys
s = socket.socket(getattr(socket, sys.argv[1]), socket.SOCK_DGRAM)
if sys.argv[1] == "AF_INET":
    s.setsockopt(socket.IPPROTO_IP, 10, 0)      # IP_MTU_DISCOVER: routers may fragment
s.bind(("", 7000))
while True:
    s.sendto(*s.recvfrom(65535))' "$2" &
    eventually 5 listens "$1" u 7000 || fail "nothing listens in $1"
}

# ask_udp NODE FAMILY ADDRESS OCTETS [no-checksum]: whether so many octets come back as they went.
ask_udp() {
    in_lab "$1" /usr/bin/python3 -c '
import os, socket, sys
family, address, octets = getattr(socket, sys.argv[1]), sys.argv[2], int(sys.argv[3])
s = socket.socket(family, socket.SOCK_DGRAM)
s.settimeout(2)
if family == socket.AF_INET:
    s.setsockopt(socket.IPPROTO_IP, 10, 0)
if "no-checksum" in sys.argv:
    s.setsockopt(socket.SOL_SOCKET, 11, 1)      # SO_NO_CHECK
asked = os.urandom(octets)
s.connect((address, 7000))
s.send(asked)
assert s.recv(65535) == asked' "${@:2}"
}

# wrong_checksums NODE: what its kernel dropped for that.
wrong_checksums() {
    in_lab "$1" cat /proc/net/snmp /proc/net/snmp6 | awk '
        $1 ~ /^(Tcp|Udp|Icmp):$/ && !names[$1] { names[$1] = $0; next }
        $1 ~ /^(Tcp|Udp|Icmp):$/ { n = split(names[$1], name); for (i = 2; i <= n; i++) if (name[i] == "InCsumErrors") sum += $i }
        /^(Udp6InCsumErrors|Icmp6InCsumErrors)/ { sum += $2 }
        END { print sum + 0 }'
}
