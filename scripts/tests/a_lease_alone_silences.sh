#!/usr/bin/env bash
# A primary that is cut off from all daemons falls silent by itself before j is promoted: nothing of
# it leaves its host, so that it does not matter whether a receiver checks. UNDERSTUDYD_UNCHECKED may
# name the directory of a build whose receivers do not.
BIN_UNCHECKED=${UNDERSTUDYD_UNCHECKED:-}
[[ ! $BIN_UNCHECKED ]] || export CARGO_TARGET_DIR=$BIN_UNCHECKED
. "$(dirname "$0")/_init.sh"

round=$WORK
await_protected
probe_in g udp source 10.0.0.2:7001 --tenant "$TENANT_Z" --count 16000 --per-second 4000 >/dev/null &
cut_host s control >/dev/null
eventually 5 owned_by t || fail "nobody was promoted: $(group_record)"
watch_stale s
sleep 1
stop_watch_stale
expect "sent by the old owner" "$(<"$WORK/stale_sent")" 0
(($(drops s encode_muted) >= 1000)) || fail "g's packets were not dropped as encode_muted: $(drops s encode_muted)"
expect "the new owner answers" "$(replies a 10.0.0.3)" 20
