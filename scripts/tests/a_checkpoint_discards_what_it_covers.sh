#!/usr/bin/env bash
# In buffer mode j's application gets nothing until it is promoted, and then only what came after the
# last checkpoint's mark; with the margin, a little more, never less.
export LAB_COPIES=buffer LAB_CHECKPOINT_MARGIN_MS=50
. "$(dirname "$0")/_init.sh"

send() { probe_in a udp source 10.0.0.3:7000 --tenant "$TENANT_Z" --count "$1" --per-second 5000 >/dev/null; }
kept() { group_record t | jq .buffer.packets; }
await_protected
group checkpoint "$GROUP"
before=$(kept)
send 3000
settled() { [[ $(($(kept) - before)) == 3000 ]]; }
eventually 3 settled || fail "t keeps $(kept) packets, expected $before + 3000"
sleep 0.5
group checkpoint "$GROUP"
emptied() { [[ $(kept) == 0 ]]; }
eventually 3 emptied || fail "t keeps $(kept) packets after a checkpoint"
start_receiver j "$WORK/j" udp sink 10.0.0.3:7000 --tenant "$TENANT_Z" --patience-ms 8000
send 2000
kill_daemon s >/dev/null
eventually 3 owned_by t || fail "nobody was promoted: $(group_record)"
wait "$receiver"
expect "released to j" "$(jq .received "$WORK/j")" 2000
