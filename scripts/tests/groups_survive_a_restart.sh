#!/usr/bin/env bash
# Every daemon is restarted, one after the other and then all at once: the group has its owner, and
# what was counted is not forgotten.
. "$(dirname "$0")/_init.sh"

await_protected
move_to t
await_protected
in_lab a ping -n -q -i 0.01 -c 100 10.0.0.3 >/dev/null
copies() { group_record r | jq '[.members[].copies.packets // 0] | add'; }
# Counts are written now and then: a crash may lose the last second.
sleep 2
before=$(copies)
for host in s r; do
    lab stop "$host"
    lab start "$host"
    await_protected
    expect "owner after a restart of $host" "$(owner)" t
done
(($(copies) >= before)) || fail "r counted $before copies before its restart and $(copies) after"
for host in "${HOSTS[@]}"; do
    kill_daemon "$host" >/dev/null
done
for host in "${HOSTS[@]}"; do
    start_daemon "$host"
done
for host in "${HOSTS[@]}"; do
    await_daemon "$host"
done
eventually 15 is_protected || fail "the group did not come back: $(group_record)"
eventually 5 answers a 10.0.0.3 || fail "10.0.0.3 does not answer"
agree || fail "the hosts do not agree"
