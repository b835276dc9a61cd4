#!/usr/bin/env bash
# The manager's host is killed after it has decided: once it is back it knows the same owner, at the
# same epoch, and decides again.
. "$(dirname "$0")/_init.sh"

await_protected
kill_daemon s >/dev/null
eventually 3 owned_by t || fail "nobody was promoted: $(group_record)"
restart s
await_protected
before=$(epoch)
kill_daemon r >/dev/null
expect "t goes on as" "$(role t)" primary
restart r
eventually 10 owned_by t || fail "the manager forgot the owner: $(group_record)"
await_protected
[[ $(jq -n --argjson a "$before" --argjson b "$(epoch)" '$b >= $a and $b[2] == $a[2]') == true ]] ||
    fail "the epoch was $before and is $(epoch)"
echo "epoch $before before, $(epoch) after"
kill_daemon t >/dev/null
eventually 5 owned_by s || fail "it no longer decides: $(group_record)"
expect "pings" "$(replies a 10.0.0.3)" 20
