#!/usr/bin/env bash
# A primary that is cut off from all daemons and goes on without a lease: j is promoted, and every
# packet that g still sends is refused by its receiver, with the counter that names it.
export LAB_ON_ISOLATION=continue
. "$(dirname "$0")/_init.sh"

round=$WORK
await_protected
probe_in g udp source 10.0.0.2:7001 --tenant "$TENANT_Z" --count 16000 --per-second 4000 >/dev/null &
cut_host s control >/dev/null
eventually 5 owned_by t || fail "nobody was promoted: $(group_record)"
sleep 0.2
delivered() { ask r | jq '.ports[] | select(.name == "z/a") | .tx_packets'; }
refused() { echo $(($(drops r decode_spoofed) + $(drops r decode_stale_generation))); }
before=$(delivered) refused_before=$(refused)
watch_stale s
sleep 1
stop_watch_stale
expect "accepted" $(($(delivered) - before)) 0
sent=$(<"$WORK/stale_sent")
((sent >= 1000)) || fail "the old owner sent only $sent packets: nothing is shown"
(($(refused) - refused_before >= sent)) || fail "r refused $(($(refused) - refused_before)) of $sent"
echo "sent by the old owner: $sent, all refused"
heal
await_protected
expect "s is a replica again" "$(role s)" replica
