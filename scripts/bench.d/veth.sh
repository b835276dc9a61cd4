# shellcheck shell=bash
# Benches over two veth pairs, against the kernel: pktgen at one end of both, what is measured at the
# other. What such a pair carries is far less than a NIC; figures are for comparison with each other.

VETH_GENERATOR=bench-generator VETH_MEASURED=bench-measured
# Destinations of one mapping, and where TAYGA sends them.
VETH_DESTINATION=10.1.0.0 VETH_PREFIX=2001:db8:64::

veth_up() {
    local namespace pair address
    for namespace in $VETH_GENERATOR $VETH_MEASURED; do
        ip netns add "$namespace"
        ip netns exec "$namespace" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
        ip -n "$namespace" link set lo up
    done
    # The addresses that the packets of bench/traffic are sent to.
    for pair in "guest 02:55:0a:01:00:00" "uplink 02:00:00:00:01:02"; do
        read -r pair address <<<"$pair"
        ip -n $VETH_MEASURED link add "$pair" mtu 1600 address "$address" \
            type veth peer name "$pair" netns $VETH_GENERATOR mtu 1600
        for namespace in $VETH_GENERATOR $VETH_MEASURED; do
            ip netns exec "$namespace" ethtool -K "$pair" tx off tso off gso off gro off >/dev/null
            ip -n "$namespace" link set "$pair" arp off up
        done
    done
}

veth_down() {
    local namespace pids
    for namespace in $VETH_GENERATOR $VETH_MEASURED; do
        pids=$(ip netns pids "$namespace" 2>/dev/null) || continue
        # shellcheck disable=SC2086 # one word a process
        [[ -z $pids ]] || kill -KILL $pids 2>/dev/null || true
        ip netns delete "$namespace"
    done
}

af_packet() { echo "net_af_packet$1,iface=$2,framesz=2048,blocksz=4096,framecnt=4096"; }

# veth_profile DIRECTORY: pktgen's, one mapping, shortest packets.
veth_profile() {
    cat >"$1/profile.toml" <<END
[generator]
core = 0
[port.guest]
device = "$(af_packet 0 guest)"
[port.uplink]
device = "$(af_packet 1 uplink)"
[traffic]
direction = "encode"
sizes = [82]
mappings = 1
END
    "$BINARIES/pktgen" world "$1/profile.toml" --out "$1"
}

# veth_capture DIRECTORY: the same packets with the UDP checksum that TAYGA insists on, from now on
# sent as they are and only counted.
veth_capture() {
    "$BINARIES/pktgen" pcap "$1/profile.toml" --out "$1" >/dev/null
    python3 - "$1/guest.pcap" "$1/with-checksums.pcap" <<'END'
import struct, sys
octets = bytearray(open(sys.argv[1], "rb").read())
at = 24
while at < len(octets):
    length = struct.unpack_from("<I", octets, at + 8)[0]
    ip, udp, end = at + 16 + 14, at + 16 + 34, at + 16 + length
    pseudo = bytes(octets[ip + 12 : ip + 20]) + struct.pack(">HH", 17, end - udp)
    words = pseudo + bytes(octets[udp:end]) + b"\0" * ((end - udp) % 2)
    total = sum(struct.unpack(f">{len(words) // 2}H", words))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    struct.pack_into(">H", octets, udp + 6, (0xFFFF - total) or 0xFFFF)
    at = end
open(sys.argv[2], "wb").write(octets)
END
    echo "capture = \"$1/with-checksums.pcap\"" >>"$1/profile.toml"
}

# veth_host DIRECTORY POLL: understudyd in the measured namespace; its process is in $measured.
veth_host() {
    cat >"$1/r.toml" <<END
include = ["fabric.toml"]
[host]
name = "r"
workers = [1]
poll = "$2"
socket = "$1/r.sock"
[uplink]
device = "$(af_packet 0 uplink)"
address = "2001:db8:0:1::2/64"
next_hop = "2001:db8:0:1::1"
next_hop_mac = "02:00:00:00:01:01"
mac = "02:00:00:00:01:02"
mtu = 1600
[[port]]
node = "z/guest"
device = "$(af_packet 1 guest)"
END
    rm -f "$1/r.log"
    ip netns exec $VETH_MEASURED "$BINARIES/understudyd" --config "$1/r.toml" >"$1/r.log" 2>&1 &
    measured=$!
    veth_await "grep -qs ready: '$1/r.log'" || fail "understudyd does not come up: $(tail -n 3 "$1/r.log")"
    "$BINARIES/understudy" --socket "$1/r.sock" mapping load "$1/mappings.txt" >/dev/null
}

# veth_tayga DIRECTORY: TAYGA in the measured namespace, on the core that understudyd would have.
veth_tayga() {
    local in_it=(ip netns exec "$VETH_MEASURED")
    cat >"$1/tayga.conf" <<END
tun-device nat64
ipv4-addr 192.168.255.1
prefix $VETH_PREFIX/96
map $VETH_DESTINATION 2001:db8:9::1
END
    "${in_it[@]}" sysctl -qw net.ipv4.conf.all.forwarding=1 net.ipv6.conf.all.disable_ipv6=0 \
        net.ipv6.conf.default.disable_ipv6=0 net.ipv6.conf.uplink.disable_ipv6=0 net.ipv6.conf.all.forwarding=1 \
        net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.guest.rp_filter=0
    "${in_it[@]}" tayga -c "$1/tayga.conf" --mktun >/dev/null
    ip -n $VETH_MEASURED link set nat64 up
    ip -n $VETH_MEASURED address add 192.168.255.2/32 dev nat64
    ip -n $VETH_MEASURED address add 10.0.0.1/24 dev guest
    ip -n $VETH_MEASURED route add $VETH_DESTINATION dev nat64
    ip -n $VETH_MEASURED -6 route add $VETH_PREFIX/96 dev nat64
    ip -n $VETH_MEASURED -6 address add 2001:db8:9::2/64 dev uplink nodad
    ip -n $VETH_MEASURED -6 neighbour add 2001:db8:9::1 lladdr 02:00:00:00:01:01 dev uplink
    "${in_it[@]}" taskset -c 1 tayga -c "$1/tayga.conf" -n >"$1/tayga.log" 2>&1 &
    measured=$!
    veth_await "ip -n $VETH_MEASURED -o link show nat64 | grep -q LOWER_UP" || fail "TAYGA does not come up: $(cat "$1/tayga.log")"
}

# veth_await CONDITION: within five seconds.
veth_await() {
    local deadline=$((SECONDS + 5))
    until eval "$1"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

veth_end() {
    kill "$measured" 2>/dev/null || true
    wait "$measured" 2>/dev/null || true
}

# veth_trial DIRECTORY RATE SECONDS: pktgen's answer.
veth_trial() {
    ip netns exec $VETH_GENERATOR "$BINARIES/pktgen" trial "$1/profile.toml" --rate "$2" --trial-s "$3" --json
}

# on_cpu_ns PID THREAD: time of that thread on a processor.
on_cpu_ns() {
    local task
    for task in /proc/"$1"/task/*; do
        [[ $(<"$task/comm") != "$2" ]] || awk '{ print $1 }' "$task/schedstat"
    done
}

# The worker's time while nothing comes, and how late packets are that come one by one.
veth_idle() {
    local directory=$1 round poll before answer
    for round in 1 2 3; do
        for poll in busy adaptive; do
            veth_host "$directory" $poll
            before=$(on_cpu_ns "$measured" worker-0)
            sleep 3
            before=$(($(on_cpu_ns "$measured" worker-0) - before))
            answer=$(veth_trial "$directory" 1000 3)
            veth_end
            jq -c --arg poll $poll --argjson round $round --argjson ns $before '.result
                | {round: $round, poll: $poll, idle_percent: ($ns / 3e7), lost, sent,
                   p50_us: (.latency.p50 / 1e3), p99_us: (.latency.p99 / 1e3), gaps}' <<<"$answer"
        done
    done >"$OUT/idle.jsonl"
    jq -rs '
        def median: sort | .[length / 2 | floor];
        def of(poll; field): [.[] | select(.poll == poll) | field] | median;
        "idle: \(of("adaptive"; .idle_percent) * 10 | round / 10) % of a core with adaptive polling, \(of("busy"; .idle_percent) * 10 | round / 10) % with busy",
        "  1,000 packets a second, latency p50 and p99: adaptive \(of("adaptive"; .p50_us)) and \(of("adaptive"; .p99_us)) us, busy \(of("busy"; .p50_us)) and \(of("busy"; .p99_us)) us; \([.[].lost] | add) of \([.[].sent] | add) packets lost"
    ' "$OUT/idle.jsonl"
}

# Packets a second that come out while more go in than anybody takes.
veth_against_tayga() {
    local directory=$1 round what answer
    veth_capture "$directory"
    for round in 1 2 3; do
        for what in understudyd tayga; do
            if [[ $what == tayga ]]; then veth_tayga "$directory"; else veth_host "$directory" busy; fi
            answer=$(veth_trial "$directory" 300000 2)
            veth_end
            # What one left behind shall not be in the other's way.
            veth_down
            veth_up
            jq -c --arg what $what --argjson round $round '.result
                | {round: $round, program: $what, sent_pps,
                   forwarded_pps: ((.sent - .lost) * .sent_pps / .sent)}' <<<"$answer"
        done
    done >"$OUT/tayga.jsonl"
    jq -rs '
        def median: sort | .[length / 2 | floor];
        def of(program): [.[] | select(.program == program) | .forwarded_pps] | median | round;
        "over veth: understudyd \(of("understudyd")) packets a second, TAYGA \(of("tayga")), of \([.[].sent_pps] | median | round) sent"
    ' "$OUT/tayga.jsonl"
}

# veth_bench idle|tayga
veth_bench() {
    local directory
    [[ $EUID == 0 ]] || fail "network namespaces need root"
    directory=$(mktemp -d /tmp/veth.XXXXXX)
    mkdir -p "$OUT"
    trap 'veth_down; return_hugepages; rm -rf "$directory"' EXIT
    take_hugepages 500
    veth_down
    veth_up
    veth_profile "$directory"
    case $1 in
        idle) veth_idle "$directory" ;;
        tayga) veth_against_tayga "$directory" ;;
    esac
    veth_down
    return_hugepages
    rm -rf "$directory"
    trap return_hugepages EXIT
}
