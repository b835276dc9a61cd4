# shellcheck shell=bash
# The kernel's part of the lab: namespaces, veth pairs, the router, the guests' stacks.

build_network() {
    local host guest
    add_router
    for host in "${HOSTS[@]}"; do
        add_namespace "$host"
        add_uplink "$host"
    done
    for guest in "${GUESTS[@]}"; do
        add_guest "$guest"
    done
}

# add_namespace NODE: with the kernel's own IPv6 off, before any interface is there: else it
# would answer neighbour discovery and ping beside the daemon.
add_namespace() {
    local name
    name=$(namespace_of "$1")
    ip netns add "$name"
    if [[ $1 != router ]]; then
        sysctl_in "$name" net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    fi
    ip -n "$name" link set lo up
}

# The router is an ordinary one: forwarding, an address per interface, one route per host.
add_router() {
    local router
    router=$(namespace_of router)
    add_namespace router
    # accept_dad=0: its addresses work at once. The last one: no limit on ICMPv6 errors in tests.
    sysctl_in "$router" net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.accept_dad=0 \
        net.ipv6.conf.default.accept_dad=0 net.ipv6.icmp.ratelimit=0
    # Without a global address of its own its errors would come from fe80::
    ip -n "$router" address add 2001:db8::1/128 dev lo
}

# add_uplink HOST: `uplink` in the host's namespace, `to-HOST` and a route in the router's.
add_uplink() {
    local host=$1 inside router number=${HOST_NUMBER[$1]}
    inside=$(namespace_of "$host") router=$(namespace_of router)
    ip -n "$inside" link add uplink mtu "$UPLINK_MTU" address "02:00:00:00:0$number:02" \
        type veth peer name "to-$host" netns "$router" mtu "$UPLINK_MTU" address "02:00:00:00:0$number:01"
    own_by_daemon "$inside" uplink
    finish_checksums "$router" "to-$host"
    connect_router "$host"
}

# connect_router HOST: also after its link was down, which makes the kernel forget both.
connect_router() {
    local host=$1 router number=${HOST_NUMBER[$1]}
    router=$(namespace_of router)
    ip -n "$router" link set "to-$host" up
    ip -n "$router" address replace "2001:db8:0:$number::1/64" dev "to-$host" nodad
    ip -n "$router" route replace "${LOCATOR[$host]}" via "2001:db8:0:$number::2"
}

# add_guest NAME: a namespace with a kernel stack of its own, behind a port of its host.
add_guest() {
    local _ host interface address namespace owner
    read -r _ host interface address <<<"${GUEST[$1]}"
    namespace=$(namespace_of "$1") owner=$(namespace_of "$host")
    add_namespace "$1"
    ip -n "$owner" link add "$interface" mtu "$GUEST_MTU" \
        type veth peer name eth0 netns "$namespace" mtu "$GUEST_MTU" address "$(virtual_mac "$address")"
    own_by_daemon "$owner" "$interface"
    finish_checksums "$namespace" eth0
    ip -n "$namespace" link set eth0 up
    ip -n "$namespace" address add "$address/24" dev eth0
    ip -n "$namespace" route add default via "${address%.*}.1"
}

# own_by_daemon NAMESPACE INTERFACE: the kernel shall not speak on it.
own_by_daemon() {
    finish_checksums "$1" "$2"
    ip -n "$1" link set "$2" arp off up
}

# finish_checksums NAMESPACE INTERFACE: a veth hands frames on with half-computed checksums and
# as bundles of segments, both of which no real wire would carry.
finish_checksums() {
    ip netns exec "$1" ethtool -K "$2" tx off tso off gso off gro off >/dev/null
}

sysctl_in() {
    local namespace=$1
    shift
    ip netns exec "$namespace" sysctl -qw "$@"
}

# remove_network: whatever runs in the namespaces goes with them, and so do the veth pairs and the
# XDP programs on them.
remove_network() {
    local name pids
    for name in $(namespaces); do
        pids=$(ip netns pids "$name")
        # shellcheck disable=SC2086 # one word a process
        [[ -z $pids ]] || kill -KILL $pids 2>/dev/null || true
        ip netns delete "$name"
    done
}
