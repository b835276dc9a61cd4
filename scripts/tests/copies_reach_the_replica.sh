#!/usr/bin/env bash
# Everything sent to the group reaches g and, as a copy, j: from another host and from j's own.
. "$(dirname "$0")/_init.sh"

await_protected
for from in a k; do
    start_receiver g "$WORK/g" udp sink 10.0.0.3:7000 --tenant "$TENANT_Z"
    g=$receiver
    start_receiver j "$WORK/j" udp sink 10.0.0.3:7000 --tenant "$TENANT_Z"
    j=$receiver
    probe_in "$from" udp source 10.0.0.3:7000 --tenant "$TENANT_Z" --count 5000 >/dev/null
    wait "$g" "$j"
    for guest in g j; do
        expect "from $from, received by $guest" "$(jq .received "$WORK/$guest")" 5000
        expect "of them twice" "$(jq .duplicates "$WORK/$guest")" 0
    done
done
# A provider bills by them: r has made a's copies, t has made k's.
for host in r t; do
    copies=$(group_record "$host" | jq '[.members[] | select(.host == "t") | .copies.packets] | add')
    ((copies >= 5000)) || fail "host $host counts $copies copies for t, expected 5000"
    echo "copies for t counted on $host: $copies"
done
