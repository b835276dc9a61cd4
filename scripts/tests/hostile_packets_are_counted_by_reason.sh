#!/usr/bin/env bash
# The corpus of hostile packets at the live ports of host r: af_packet at the uplink, af_xdp at the
# guests. Every counter rises by exactly what the files of bench/corpus say, and nothing else does.
export LAB_GROUP=none
. "$(dirname "$0")/_init.sh"

wire=${LAB_PREFIX}wire inside=$(namespace_of r)
# wire_to PORT MAC MTU: a port of r with nobody at its far end: what a stack says there would be counted.
wire_to() {
    local port=${1//\//-}
    ip -n "$inside" link add "x-$port" address "$2" type veth peer name "$port" netns "$wire"
    ip -n "$wire" link set "$port" mtu "$3" arp off up
    finish_checksums "$wire" "$port"
    ip -n "$inside" link set "x-$port" mtu "$3"
    own_by_daemon "$inside" "x-$port"
}

[[ -x $BIN/corpus ]] || fail "corpus is missing in $BIN: run \`cargo build --release -p corpus\`"
lab stop r
ip netns add "$wire"
sysctl_in "$wire" net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
wire_to uplink 02:00:00:00:01:02 1600
guest=0
script=(-e 's|^workers.*|&\nmemory_mib = 256|')
script+=(-e 's|net_ring0"|net_af_packet0,iface=x-uplink,framesz=2048,blocksz=4096,framecnt=4096"|')
for port in z/a z/c z/b y/a; do
    guest=$((guest + 1))
    wire_to $port "02:00:00:00:02:0$guest" 1500
    script+=(-e "s|net_ring$guest\"|net_af_xdp$guest,iface=x-${port//\//-},busy_budget=0\"\nrx_descriptors = 2048\ntx_descriptors = 2048|")
done
sed "${script[@]}" "$ROOT/bench/corpus/worlds/plain.toml" >"$WORK/r.toml"
LAB_CONFIGS=$WORK start_daemon r
await_daemon r

"$BIN/corpus" live plain "$WORK/corpus"
expect "counted before" "$(ask r | jq '[.ports[].rx_packets] | add')" 0
for port in uplink z/a z/c z/b y/a; do
    ip netns exec "$wire" "$PROBE" raw replay "$WORK/corpus/${port//\//-}.pcap" "${port//\//-}" >/dev/null
done

# counted: what expected.json has, as the daemon has it. What its controller sends is its own.
counted() {
    ask r | jq -S '(.balance.injected) as $own | {
        punted: .balance.punted,
        received: (.ports | map(select(.rx_packets > 0) | {(.name): .rx_packets}) | add),
        drops: (.ports | map(select(.drops != {}) | {(.name): .drops}) | add),
        transmitted: (.ports | map({(.name): (.tx_packets - (if .name == "uplink" then $own else 0 end))})
            | add | with_entries(select(.value > 0)))}'
}
jq -S '{punted, received, drops, transmitted}' "$WORK/corpus/expected.json" >"$WORK/expected"
as_expected() { counted >"$WORK/counted" && cmp -s "$WORK/expected" "$WORK/counted"; }
eventually 5 as_expected || fail "expected (<), counted (>): $(diff "$WORK/expected" "$WORK/counted")"
expect "unexplained" "$(ask r | jq .balance.unexplained)" 0
echo "packets: $(jq .sent "$WORK/corpus/expected.json") sent, each under its reason"
echo "left out: $(jq -c .left_out "$WORK/corpus/expected.json")"
