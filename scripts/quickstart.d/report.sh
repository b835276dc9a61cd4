# shellcheck shell=bash
# What came of it: target/quickstart/report.json, and the summary that people read.

# result NAME: a step's figures, null if it failed.
result() { cat "$OUT/$1.json" 2>/dev/null || echo null; }

write_report() {
    local name arguments=()
    for name in ping tcp tcp-64 udp-64 sizes rate same-host same-host-tcp tenant-z tenant-y compare-ag \
        compare-ga seen-a seen-c seen-g seen-ya seen-yg forgeries watch balance failover move barriers other-modes; do
        arguments+=(--argjson "${name//-/_}" "$(result "$name")")
    done
    jq -n "${arguments[@]}" --argjson hosts "$(count_hosts)" \
        --argjson overlay_only "$([[ $overlay == yes ]] && echo true || echo false)" \
        -f "$ROOT/scripts/quickstart.d/report.jq" >"$OUT/report.json"
}

count_hosts() {
    local host count=0
    for host in "${HOSTS[@]}"; do
        ! daemon_pid "$host" >/dev/null || count=$((count + 1))
    done
    echo "$count"
}

# print_summary: a line for each criterion; fails if one does not hold.
print_summary() {
    echo
    jq -r '.criteria[] | [if .holds then "ok  " else "FAIL" end, .claim, .found] | @tsv' "$OUT/report.json" |
        while IFS=$'\t' read -r verdict claim found; do
            printf '%s  %-62s %s\n' "$verdict" "$claim" "$found"
        done
    echo
    echo "report: ${OUT#"$ROOT"/}/report.json"
    jq -e '.criteria | all(.holds)' "$OUT/report.json" >/dev/null
}
