#!/usr/bin/env bash
# Guest c floods host r: random destinations and headers, ARP, IGMP, errors, no TTL, others' names. An
# established flow of a, behind the same worker, keeps its rate, as it does beside honest packets of c
# at full speed; no heartbeat is missed; and r's memory stays as it was.
. "$(dirname "$0")/_init.sh"

: "${FLOW_PER_SECOND:=2000}" "${LOAD_SECONDS:=6}"
await_protected
before_epoch=$(epoch)

# flow OUTPUT LOAD...: the flow of a to k while LOAD runs in c; how much of it arrived, in 1/1000.
flow() {
    local output=$1 load
    shift
    start_receiver k "$output" udp sink 10.0.0.5:7000 --tenant "$TENANT_Z" --quiet-ms 2000
    probe_in c "$@" >"$output.load" 2>"$output.load.log" &
    load=$!
    sleep 0.5
    probe_in a udp source 10.0.0.5:7000 --tenant "$TENANT_Z" --per-second "$FLOW_PER_SECOND" \
        --count $((FLOW_PER_SECOND * (LOAD_SECONDS - 2))) >"$output.sent"
    wait "$load" "$receiver"
    jq -n --slurpfile got "$output" --slurpfile sent "$output.sent" \
        '(1000 * $got[0].received / $sent[0].sent) | floor'
}
memory_kib() { awk '/^VmRSS/ { print $2 }' "/proc/$(daemon_pid r)/status"; }

# The first load also touches whatever memory a load touches. It goes to m, on s, and not to the group:
# its members share a core, which then has more to do than it can.
honest=$(flow "$WORK/honest" udp source 10.0.1.6:7001 --tenant "$TENANT_Z" --per-second 0 --count 2000000)
memory=$(memory_kib)
flooded=$(flow "$WORK/flooded" flood eth0 --own 10.0.0.4 --neighbour 10.0.0.3 --seconds "$LOAD_SECONDS")
grown=$(($(memory_kib) - memory))

echo "of the flow arrived: $honest/1000 beside $(jq -c . "$WORK/honest.load")"
echo "of the flow arrived: $flooded/1000 beside $(jq -c . "$WORK/flooded.load")"
echo "refused of the flood: $(ask r | jq -c '.ports[] | select(.name == "z/c") | .drops')"
((flooded >= 950 * honest / 1000)) || fail "the flood took more than 5 % of the flow: $flooded/1000, $honest/1000 before"
((flooded >= 950)) || echo "note: honest packets of c took as much; these cores carry no more"
(($(ask r | jq '.ports[] | select(.name == "z/c") | [.drops[]] | add') > 100000)) || fail "that was no flood"
expect "the group's epoch" "$(epoch)" "$before_epoch"
expect "protected" "$(is_protected && echo yes)" yes
((grown < 1024)) || fail "host r's memory grew by $grown KiB"
echo "memory grew by $grown KiB"
balanced() { [[ $(ask r | jq .balance.unexplained) == 0 ]]; }
eventually 5 balanced || fail "unexplained: $(ask r | jq -c .balance)"
