# shellcheck shell=bash
# pktgen over two memif devices, with understudyd between them.

# pktgen_host DIRECTORY: writes a profile and the host's configuration there.
pktgen_host() {
    local directory=$1
    mkdir -p "$directory"
    cat >"$directory/profile.toml" <<END
[generator]
core = 0
[port.guest]
device = "net_memif0,role=server,id=0,socket=$directory/guest.sock,socket-abstract=no"
[port.uplink]
device = "net_memif1,role=server,id=1,socket=$directory/uplink.sock,socket-abstract=no"
[traffic]
direction = "both"
sizes = "imix"
mappings = 1000
[device_under_test]
command = ["$BINARIES/understudyd", "--config", "$directory/r.toml"]
ready = "ready: host"
then = [["$BINARIES/understudy", "--socket", "$directory/r.sock", "mapping", "load", "$directory/mappings.txt"]]
END
    cat >"$directory/r.toml" <<END
include = ["fabric.toml"]
[host]
name = "r"
workers = [1]
socket = "$directory/r.sock"
[uplink]
device = "net_memif0,role=client,id=1,socket=$directory/uplink.sock,socket-abstract=no"
address = "2001:db8:0:1::2/64"
next_hop = "2001:db8:0:1::1"
next_hop_mac = "02:00:00:00:01:01"
mac = "02:00:00:00:01:02"
mtu = 1600
[[port]]
node = "z/guest"
device = "net_memif1,role=client,id=0,socket=$directory/guest.sock,socket-abstract=no"
END
    "$BINARIES/pktgen" world "$directory/profile.toml" --out "$directory"
}

# pktgen_over_memif COMMAND ARGUMENT...: pktgen's answer as JSON.
pktgen_over_memif() {
    # Short: a socket's path has at most 107 bytes.
    local directory
    directory=$(mktemp -d /tmp/pktgen.XXXXXX)
    # shellcheck disable=SC2064 # the directory of now
    trap "return_hugepages; rm -rf '$directory'" EXIT
    take_hugepages "$PAGES_QUICK"
    pktgen_host "$directory" >&2
    "$BINARIES/pktgen" "$1" "$directory/profile.toml" "${@:2}" --json
    rm -rf "$directory"
    return_hugepages
    trap return_hugepages EXIT
}

# What came back must be what was sent, once; how much and how fast is not judged.
pktgen_smoke() {
    local answer
    answer=$(pktgen_over_memif trial --rate 50000 --trial-s 1)
    echo "$answer" | jq -e '.result
        | .originals.received > 0 and .compared > 0
          and .damaged == 0 and .foreign == 0 and .originals.duplicates == 0 and .originals.invented == 0' >/dev/null ||
        fail "pktgen: what came back is not what was sent: $answer"
    echo "$answer" | jq -r '.result | "pktgen: \(.sent) packets sent over memif, \(.lost) lost, none damaged or doubled"'
}

# How late packets are at shares of the greatest rate of which at most half a per cent is lost.
pktgen_latency() {
    local found rate
    mkdir -p "$OUT"
    found=$(pktgen_over_memif throughput --loss 0.5 --trial-s 1)
    rate=$(jq .result.rate_pps <<<"$found")
    pktgen_over_memif latency --rate "$rate" |
        jq --argjson found "$found" '{throughput: $found.result, latency: .result}' >"$OUT/latency.json"
    jq -r '
        "latency over memif, IMIX both ways, of \(.throughput.rate_pps | round) packets a second each way:",
        (.latency[] | .[0] as $share | .[1].latency
            | "  at \($share * 100 | round) %: p50 \(.p50 / 1e3) us, p90 \(.p90 / 1e3), p99 \(.p99 / 1e3), p99.9 \(.p99_9 / 1e3), max \(.max / 1e3)")
    ' "$OUT/latency.json"
}
