# shellcheck shell=bash
# What came of all rounds: target/chaos/report.json, a table, a picture.

write_report() {
    local kind titles promotes
    titles=$(for kind in "${KINDS[@]}"; do jq -n --arg k "$kind" --arg t "${KIND_TITLE[$kind]}" '{($k): $t}'; done | jq -s add)
    promotes=$(for kind in "${KINDS[@]}"; do jq -n --arg k "$kind" --arg p "${KIND_PROMOTES[$kind]}" '{($k): $p}'; done | jq -s add)
    # Each kind's rounds, in the order in which the kinds ran.
    for kind in "${KINDS[@]}" keepalived_fastest keepalived_default; do
        [[ ! -d $OUT/$kind ]] || cat "$OUT/$kind"/*/round.json | jq -cs --arg kind "$kind" '{$kind, rounds: .}'
    done | jq -s --argjson titles "$titles" --argjson promotes "$promotes" \
        --arg mode "$LAB_COPIES" --arg fan_out "$LAB_FAN_OUT" --arg on_isolation "$LAB_ON_ISOLATION" \
        --argjson interval_ms "$LAB_INTERVAL_MS" --argjson detect_mult "$LAB_DETECT_MULT" \
        --arg date "$(date -u +%F)" --arg machine "$(machine)" --argjson per_second "$ROUND_RATE" \
        --slurpfile stall "$OUT/stall.json" \
        -f "$ROOT/scripts/chaos.d/report.jq" >"$OUT/report.json"
    jq -f "$ROOT/scripts/chaos.d/chart.jq" "$OUT/report.json" >"$OUT/chart.json"
    "$PROBE" plot "$OUT/chart.json" "$OUT/report.svg"
}

machine() {
    echo "$(nproc) cores ($(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo)), Linux $(uname -r)"
}

# print_table: fails if something happened that must not.
print_table() {
    echo
    {
        printf 'kind\trounds\tpromoted\tp50 ms\tp99 ms\tmax ms\tsent\tlost\tunanswered\tdoubled\tstale sent\taccepted\tcontentions\tviolations\n'
        jq -r '.kinds[] | [.title, .rounds, .promoted, .time_ms.p50, .time_ms.p99, .time_ms.max, .inbound_sent,
            .inbound_lost, .unanswered, .duplicates, .stale_sent, .stale_accepted, .contentions, .violations]
            | map(. // "-") | @tsv' "$OUT/report.json"
    } | column -t -s $'\t'
    echo
    jq -r '"times: to the first answer of the new owner, else the longest gap; \(.per_second) requests a second, \(.mode) mode, \(.fan_out) fans out, \(.timers)",
        "this machine ran a thread up to \(.machine_late_ms_max) ms late, a worker up to \(.worst_worker_gap_ms) ms; \(.machine)"' "$OUT/report.json"
    jq -r '.kinds[] | .title as $title | .found[] | "FOUND in \($title): \(.)"' "$OUT/report.json"
    echo "report: ${OUT#"$ROOT"/}/report.json, ${OUT#"$ROOT"/}/report.svg"
    jq -e '[.kinds[].found[]] == []' "$OUT/report.json" >/dev/null
}
