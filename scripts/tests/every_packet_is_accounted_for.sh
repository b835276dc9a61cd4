#!/usr/bin/env bash
# Under overload packets may be lost, but each loss has a reason and a counter, on every host.
export LAB_GROUP=none
. "$(dirname "$0")/_init.sh"

snapshot "$WORK/before"
load=(--tenant "$TENANT_Z" --count 300000 --per-second 0)
probe_in a udp source 10.0.0.3:7000 "${load[@]}" >/dev/null &
probe_in c udp source 10.0.0.5:7000 "${load[@]}" >/dev/null &
probe_in g udp source 10.0.0.2:7000 "${load[@]}" >/dev/null
wait
snapshot "$WORK/after"
account "$WORK/before" "$WORK/after" | tee "$WORK/balance"
(($(jq .sent "$WORK/balance") >= 900000)) || fail "not enough was sent to mean anything"
expect "unexplained" "$(jq .unexplained "$WORK/balance")" 0
