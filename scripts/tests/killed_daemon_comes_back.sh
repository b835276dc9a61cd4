#!/usr/bin/env bash
# After kill -9 a daemon starts again at once, over the ports and files that it left behind.
export LAB_GROUP=none
. "$(dirname "$0")/_init.sh"

for round in 1 2 3; do
    lab kill s
    expect "round $round, while s is dead" "$(replies a 10.0.0.3 1)" 0
    began=$(date +%s%N)
    lab start s
    answers a 10.0.0.3 || fail "g does not answer after a restart of its host"
    echo "round $round: back after $((($(date +%s%N) - began) / 1000000)) ms"
    expect "round $round, pings" "$(replies a 10.0.0.3)" 20
done
