#!/usr/bin/env bash
# `lab up` that is interrupted half way, by Ctrl-C or SIGTERM, takes down what it has built.
. "$(dirname "$0")/_init.sh"

lab down
pages=$(<"$HUGEPAGES/nr_hugepages")
for signal in INT TERM; do
    for seconds in 0.1 0.3 0.5 0.8; do
        timeout -s $signal "$seconds" "$ROOT/scripts/lab" up >/dev/null 2>&1 || true
        expect "namespaces left by SIG$signal after $seconds s" "$(namespaces | wc -l)" 0
        for host in "${HOSTS[@]}"; do
            ! daemon_pid "$host" || fail "host $host's daemon still runs"
        done
        expect "hugepages" "$(<"$HUGEPAGES/nr_hugepages")" "$pages"
    done
done
lab up
expect "and it works again" "$(replies a 10.0.0.3)" 20
