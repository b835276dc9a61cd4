#!/usr/bin/env bash
# SIGTERM and Ctrl-C end a daemon cleanly within a second: code 0, no socket, no hugepage files.
. "$(dirname "$0")/_init.sh"

for signal in TERM INT; do
    pid=$(daemon_pid t)
    began=$(date +%s%N)
    kill -$signal "$pid"
    await_end "$pid" 3 || fail "it still runs 3 s after SIG$signal"
    took=$((($(date +%s%N) - began) / 1000000))
    ((took <= 1000)) || fail "SIG$signal took $took ms"
    echo "SIG$signal: ended in $took ms"
    [[ ! -e /run/understudy/t.sock ]] || fail "SIG$signal left /run/understudy/t.sock behind"
    left=$(find "$(awk '$3 == "hugetlbfs" { print $2; exit }' /proc/mounts)" -name 'understudy-t*' | wc -l)
    expect "hugepage files left" "$left" 0
    lab start t
done
expect "and it came back" "$(replies a 10.0.0.5)" 20
