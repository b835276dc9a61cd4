# shellcheck shell=bash
# What is measured: each step leaves its figures in $OUT/NAME.json and prints one line.

STEPS=12
PORT=7000

run_steps() {
    step "1,000 pings from a (host r) to g (host s)" ping_across
    step "two tenants with equal addresses, captured" two_tenants
    step "1 GiB over one TCP connection from a to g" one_stream
    step "64 TCP connections and 64 UDP flows at once" parallel_flows
    step "every packet size from 28 to 1,500 bytes" every_size
    step "20,000 packets a second for 10 seconds" steady_rate
    step "a to c, both on host r" same_host
    step "1,000 forged packets from a guest, 1,000 from the substrate" forgeries
}

# start_watch: everything in the router, all the time, that must never be there: anything but IPv6,
# and traffic between a and c, which share a host.
start_watch() {
    local a='0x0a000002' c='0x0a000004'
    local pair="(ip6[20:4] = $a and ip6[36:4] = $c) or (ip6[20:4] = $c and ip6[36:4] = $a)"
    "$ROOT/scripts/lab" exec router tcpdump -i any -w "$OUT/watch.pcap" "${CAPTURE_OPTIONS[@]}" "not ip6 or $pair" 2>"$OUT/watch.log" &
    watch=$!
    await_line "$OUT/watch.log" 'listening on' "$watch"
}

stop_watch() {
    local file=$OUT/watch.pcap
    stop_captures "$watch"
    jq -n --argjson ipv4 "$(tcpdump -r "$file" 'not ip6' 2>/dev/null | wc -l)" \
        --argjson same_host "$(tcpdump -r "$file" ip6 2>/dev/null | wc -l)" \
        '{not_ipv6: $ipv4, $same_host}' >"$OUT/watch.json"
}

# ping_pair FROM TO ADDRESS COUNT: as JSON. A reply counts only with the TTL that its sender gave it.
ping_pair() {
    in_lab "$1" ping -n -i 0.005 -c "$4" -W 2 "$3" | awk -v from="$1" -v to="$2" '
        / bytes from / { if (/ ttl=64 /) whole++; else changed++; if (/DUP!/) twice++ }
        / packets transmitted/ { sent = $1 }
        /^rtt / { split($4, t, "/"); average = t[2] }
        END {
            printf "{\"from\": \"%s\", \"to\": \"%s\", \"sent\": %d, \"received\": %d, ", from, to, sent, whole
            printf "\"ttl_changed\": %d, \"duplicates\": %d, \"rtt_avg_ms\": %.3f}\n", changed, twice, average
        }'
}

ping_across() {
    {
        ping_pair a g 10.0.0.3 1000
        ping_pair a k 10.0.0.5 100
        ping_pair g k 10.0.0.5 100
        ping_pair ya yg 10.0.0.3 100
    } | jq -s '.[0] + {pairs: .[1:]}' >"$OUT/ping.json"
    jq -r '"\(.received) of \(.sent) answered, \(.rtt_avg_ms) ms, TTL unchanged"' "$OUT/ping.json"
}

# udp_pair TENANT NAME FROM TO ADDRESS SOURCE-ARGUMENTS...: sends from a source to a sink of the
# same tenant; leaves NAME.json with what both ends counted.
udp_pair() {
    local tenant=$1 name=$2 from=$3 to=$4 address=$5
    shift 5
    start_receiver "$to" "$OUT/$name.received" udp sink "$address:$PORT" --tenant "$tenant"
    local sink=$receiver
    probe_in "$from" udp source "$address:$PORT" --tenant "$tenant" "$@" >"$OUT/$name.sent"
    wait "$sink"
    jq -s '.[0] * .[1] | .lost = .sent - .received' "$OUT/$name.sent" "$OUT/$name.received" >"$OUT/$name.json"
}

# udp_lossless, as udp_pair: up to three tries, since a shared machine now and then takes the cores
# away for longer than the rings last. Only a loss is tried again; the report says how many tries.
udp_lossless() {
    local name=$2 try
    for try in 1 2 3; do
        udp_pair "$@"
        jq --argjson tries "$try" '.tries = $tries' "$OUT/$name.json" >"$OUT/$name.tmp"
        mv "$OUT/$name.tmp" "$OUT/$name.json"
        [[ $(jq '.lost > 0 and .duplicates + .damaged + .foreign == 0' "$OUT/$name.json") == true ]] || return 0
    done
}

# Both tenants use 10.0.0.2 and 10.0.0.3, the same port, at the same time; every interface that
# could see a packet too many is captured.
two_tenants() {
    local where captures=() y
    for where in r a c g ya yg; do
        start_capture "$where" "$OUT/at-$where.pcap"
        captures+=("$capture")
    done
    local load=(--count 12000 --per-second 4000 --payload-min 20 --payload-max 1472 --flows 64)
    udp_pair "$TENANT_Y" tenant-y ya yg 10.0.0.3 "${load[@]}" &
    y=$!
    udp_pair "$TENANT_Z" tenant-z a g 10.0.0.3 "${load[@]}"
    wait "$y"
    tcp_pair captured-tcp a g 10.0.0.3 2000000 1
    in_lab a ping -q -n -i 0.005 -c 200 10.0.0.3 >/dev/null
    stop_captures "${captures[@]}"
    judge_captures
    jq -rs '"\(.[0].compared + .[1].compared) payloads compared, \(.[2].packets) frames of Y searched"' \
        "$OUT/compare-ag.json" "$OUT/compare-ga.json" "$OUT/seen-yg.json"
}

judge_captures() {
    local node tenant
    "$PROBE" capture compare "$OUT/at-r.pcap" "$OUT/at-a.pcap" --network "$TENANT_Z" \
        --from 10.0.0.2 --to 10.0.0.3 >"$OUT/compare-ag.json"
    "$PROBE" capture compare "$OUT/at-r.pcap" "$OUT/at-g.pcap" --network "$TENANT_Z" \
        --from 10.0.0.3 --to 10.0.0.2 >"$OUT/compare-ga.json"
    for node in a c g ya yg; do
        tenant=$TENANT_Z
        [[ $node != y* ]] || tenant=$TENANT_Y
        "$PROBE" capture tenants "$OUT/at-$node.pcap" --tenant "$tenant" >"$OUT/seen-$node.json"
    done
    rm -f "$OUT"/at-*.pcap
}

# tcp_pair NAME FROM TO ADDRESS BYTES CONNECTIONS: leaves NAME.json with both ends' digests compared.
tcp_pair() {
    local name=$1 from=$2 to=$3 address=$4 bytes=$5 connections=$6
    start_receiver "$to" "$OUT/$name.received" tcp receive "$address:$PORT" --connections "$connections"
    local sink=$receiver
    probe_in "$from" tcp send "$address:$PORT" --bytes "$bytes" --connections "$connections" >"$OUT/$name.sent"
    wait "$sink"
    jq -s '.[1] + {sha256_match: (.[0].sha256 == .[1].sha256 and .[0].bytes == .[1].bytes)}' \
        "$OUT/$name.sent" "$OUT/$name.received" >"$OUT/$name.json"
}

one_stream() {
    tcp_pair tcp a g 10.0.0.3 $((1 << 30)) 1
    jq -r '"\(.gbit_per_s * 100 | round / 100) Gbit/s, SHA-256 \(if .sha256_match then "equal" else "DIFFERENT" end)"' \
        "$OUT/tcp.json"
}

parallel_flows() {
    tcp_pair tcp-64 a g 10.0.0.3 $((4 << 20)) 64
    udp_lossless "$TENANT_Z" udp-64 a g 10.0.0.3 --count 64000 --per-second 20000 --flows 64
    jq -rs '"\(.[0].connections) connections, \(.[1].flows) flows, \(.[1].lost) datagrams lost"' \
        "$OUT/tcp-64.json" "$OUT/udp-64.json"
}

# A UDP payload of 0 to 1,472 bytes makes a packet of 28 to 1,500.
every_size() {
    udp_lossless "$TENANT_Z" sizes a g 10.0.0.3 --count 2946 --per-second 2000 --payload-min 0 --payload-max 1472
    jq -r '"\(.sizes) sizes, \(.lost) packets lost"' "$OUT/sizes.json"
}

steady_rate() {
    udp_lossless "$TENANT_Z" rate a g 10.0.0.3 --count 200000 --per-second 20000
    jq -r '"\(.sent) sent, \(.lost) lost, try \(.tries)"' "$OUT/rate.json"
}

same_host() {
    tcp_pair same-host-tcp a c 10.0.0.4 $((64 << 20)) 1
    udp_pair "$TENANT_Z" same-host a c 10.0.0.4 --count 5000 --per-second 5000
    jq -rs '"\(.[0].gbit_per_s * 100 | round / 100) Gbit/s, \(.[1].lost) datagrams lost"' \
        "$OUT/same-host-tcp.json" "$OUT/same-host.json"
}

# Guest a claims to be c towards g. Then the router carries packets from a's address that come
# from host t, where a does not live. A sink at g would take either.
forgeries() {
    local encode decode mac
    encode=$(drops r encode_spoofed) decode=$(drops s decode_spoofed)
    local datagram=(--tenant "$TENANT_Z" --destination "10.0.0.3:$PORT" --count 1000)
    start_receiver g "$OUT/forged.received" udp sink "10.0.0.3:$PORT" --tenant "$TENANT_Z" --patience-ms 4000
    local sink=$receiver
    probe_in a forge guest eth0 --to-mac "$(virtual_mac 10.0.0.3)" --source 10.0.0.4 "${datagram[@]}" >"$OUT/forged-guest.json"
    mac=$(ask s | jq -r .uplink.mac)
    probe_in router forge substrate to-s --to-mac "$mac" --source 10.0.0.2 \
        --from-locator "${LOCATOR[t]}" --to-locator "${LOCATOR[s]}" "${datagram[@]}" >"$OUT/forged-substrate.json"
    wait "$sink"
    encode=$(($(drops r encode_spoofed) - encode)) decode=$(($(drops s decode_spoofed) - decode))
    jq -s --argjson encode "$encode" --argjson decode "$decode" '{
        sent_by_guest: .[0].forged, encode_spoofed: $encode,
        sent_on_substrate: .[1].forged, decode_spoofed: $decode,
        delivered: .[2].received
    }' "$OUT"/forged-{guest,substrate}.json "$OUT/forged.received" >"$OUT/forgeries.json"
    jq -r '"\(.encode_spoofed) and \(.decode_spoofed) refused, \(.delivered) delivered"' "$OUT/forgeries.json"
}
