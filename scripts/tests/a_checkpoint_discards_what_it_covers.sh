#!/usr/bin/env bash
# In buffer mode j's application gets nothing until it is promoted, and then only what came after the
# last checkpoint's mark; with the margin, a little more, never less.
export LAB_COPIES=buffer LAB_CHECKPOINT_MARGIN_MS=50
. "$(dirname "$0")/_init.sh"

# Prints how many left: one that the kernel refuses, since nobody listens at g, did not.
send() { probe_in a udp source 10.0.0.3:7000 --tenant "$TENANT_Z" --count "$1" --per-second 5000 | jq .sent; }
kept() { group_record t | jq .buffer.packets; }
await_protected
group checkpoint "$GROUP"
before=$(kept)
sent=$(send 3000)
settled() { [[ $(($(kept) - before)) == "$sent" ]]; }
eventually 3 settled || fail "t keeps $(kept) packets, expected $before + $sent"
sleep 0.5
group checkpoint "$GROUP"
emptied() { [[ $(kept) == 0 ]]; }
eventually 3 emptied || fail "t keeps $(kept) packets after a checkpoint"
start_receiver j "$WORK/j" udp sink 10.0.0.3:7000 --tenant "$TENANT_Z" --patience-ms 8000
sent=$(send 2000)
kill_daemon s >/dev/null
eventually 3 owned_by t || fail "nobody was promoted: $(group_record)"
wait "$receiver"
expect "released to j" "$(jq .received "$WORK/j")" "$sent"
