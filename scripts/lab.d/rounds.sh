# shellcheck shell=bash
# One round: numbered requests from a while something happens to the group, and what came of them.
# Needs topology, daemons, observe, faults and group. Everything of a round is in one directory.

ROUND_PORT=7100
: "${ROUND_RATE:=20000}"
# Before the fault, and after it was survived.
: "${ROUND_BEFORE:=0.5}" "${ROUND_AFTER:=0.5}"

# round_begins DIRECTORY: both applications start with empty logs, a starts to ask.
round_begins() {
    round=$1
    rm -rf "$round"
    mkdir -p "$round"
    start_answerer s
    start_answerer t
    # In buffer mode the replica keeps what came since the last mark.
    [[ ${LAB_COPIES:-deliver} != buffer ]] || group checkpoint "$GROUP" >/dev/null
    port_of_a >"$round/before"
    ip netns exec "$(namespace_of a)" "$PROBE" requests ask "10.0.0.3:$ROUND_PORT" --flows 8 \
        --per-second "$ROUND_RATE" --seconds 60 --drain-ms 1500 --report "$round/asked" &
    asker=$!
    sleep "$ROUND_BEFORE"
}

# start_answerer HOST: the application in the member's guest there.
start_answerer() {
    local guest=${MEMBER[$1]}
    ip netns exec "$(namespace_of "$guest")" "$PROBE" requests answer "0.0.0.0:$ROUND_PORT" \
        --id "${ANSWERER[$1]}" --log "$round/log-$1" 2>"$round/log-$1.err" &
    answerer[$1]=$!
    await_line "$round/log-$1.err" '^listening' "${answerer[$1]}"
}
declare -A answerer=()
asker=
round=

# port_of_a: requests that r's worker took from a's port. ARP is answered there and is none.
port_of_a() {
    ask r | jq '(.ports[] | select(.name == "z/a") | .rx_packets) - ([.workers[].arp_answered] | add)'
}

# taken_from_a: since the round began; null if r's counters did not last.
taken_from_a() {
    if [[ $counted == yes ]]; then
        echo $(($(port_of_a) - $(<"$round/before")))
    else
        echo null
    fi
}
counted=yes

# round_ends KIND FAULT_NS [VICTIM]: stops all three and judges. Leaves DIRECTORY/round.json.
round_ends() {
    local kind=$1 fault_ns=$2 victim=${3:-} taken
    sleep "$ROUND_AFTER"
    kill -TERM "$asker"
    wait "$asker" || fail "the asker failed: see $round"
    taken=$(taken_from_a)
    kill -TERM "${answerer[@]}"
    wait "${answerer[@]}" || fail "an answerer failed: see $round"
    "$PROBE" requests judge "$round/asked" "$round"/log-[st] >"$round/verdict"
    jq -n --arg kind "$kind" --argjson fault_ns "$fault_ns" --arg victim "$victim" \
        --argjson taken "$taken" --argjson gaps "$(worker_gaps)" --argjson drops "$(drops_by_place)" \
        --argjson stale_sent "$(cat "$round/stale_sent" 2>/dev/null || echo null)" \
        --slurpfile asked "$round/asked" --slurpfile verdict "$round/verdict" \
        -f "$ROOT/scripts/lab.d/round.jq" >"$round/round.json"
}

# worker_gaps: the longest time that a worker did not look, of each host that was not paused.
worker_gaps() {
    local host
    for host in "${HOSTS[@]}"; do
        [[ -e $LAB_STATE/$host.paused ]] ||
            ask "$host" | jq --arg host "$host" '{($host): ([.workers[].longest_gap_us] | max)}'
    done | jq -s 'add // {}'
}

# drops_by_place: what the hosts have dropped since they began, by reason, and what the kernels of the
# group's guests and of a did not get out of their door.
drops_by_place() {
    local host guest
    {
        for host in "${HOSTS[@]}"; do
            ask "$host" | jq --arg host "$host" '{($host): (.drops | map({(.reason): .packets}) | add // {})}'
        done
        for guest in a "${MEMBER[@]}"; do
            ip -n "$(namespace_of "$guest")" -s -j link show dev eth0 |
                jq --arg guest "$guest" '{($guest): {kernel: .[0].stats64.tx.dropped}}'
        done
    } | jq -s 'add | map_values(with_entries(select(.value > 0))) | with_entries(select(.value != {}))'
}

# watch_stale HOST: from now on counts what a deposed host sends to r from the group's address.
watch_stale() {
    "$ROOT/scripts/lab" capture r -Q out -w "$round/stale.pcap" "${CAPTURE_OPTIONS[@]}" \
        "src net ${LOCATOR[$1]} and ip6[20:4] = 0x0a000003" 2>"$round/stale.log" &
    stale_watch=$!
    await_line "$round/stale.log" 'listening on' "$stale_watch"
}
stale_watch=

stop_watch_stale() {
    stop_captures "$stale_watch"
    tcpdump -nr "$round/stale.pcap" 2>/dev/null | wc -l >"$round/stale_sent"
}

# restart HOST: after its daemon was killed.
restart() {
    start_daemon "$1"
    await_daemon "$1"
}

