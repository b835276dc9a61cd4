#!/usr/bin/env bash
# A primary that is cut off from all daemons falls silent by itself before j is promoted. It is shown
# with hosts that believe whoever speaks for a node: without its lease they would hear it.
set -euo pipefail
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
# Not optimised: what the other tests have built serves it too. Not left where others look for theirs.
(cd "$ROOT" && cargo build --quiet --locked -p daemon --features unchecked)
mkdir -p "$TARGET/unchecked"
mv "$TARGET/debug/understudyd" "$TARGET/unchecked/understudyd"
export LAB_DAEMON=$TARGET/unchecked/understudyd
. "$(dirname "$0")/_init.sh"
round=$WORK

# isolated WHAT: g goes on sending to a while its host is cut off and j takes over.
isolated() {
    local before
    await_protected
    probe_in g udp source 10.0.0.2:7001 --tenant "$TENANT_Z" --count 16000 --per-second 4000 >/dev/null &
    cut_host s control >/dev/null
    eventually 5 owned_by t || fail "nobody was promoted: $(group_record)"
    before=$(ask r | jq '.ports[] | select(.name == "z/a") | .tx_packets')
    watch_stale s
    sleep 1
    stop_watch_stale
    delivered=$(($(ask r | jq '.ports[] | select(.name == "z/a") | .tx_packets') - before))
}

isolated
expect "sent by the old owner" "$(<"$WORK/stale_sent")" 0
expect "delivered to a" "$delivered" 0
(($(drops s encode_muted) >= 1000)) || fail "g's packets were not dropped as encode_muted: $(drops s encode_muted)"
expect "the new owner answers" "$(replies a 10.0.0.3)" 20

LAB_ON_ISOLATION="continue" lab up >/dev/null
isolated
(($(<"$WORK/stale_sent") >= 1000 && delivered >= 1000)) ||
    fail "without a lease $(<"$WORK/stale_sent") packets left the old owner, $delivered reached a: what was to be shown without a lease does not show"
echo "without a lease: $(<"$WORK/stale_sent") sent, $delivered delivered"
