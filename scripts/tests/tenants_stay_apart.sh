#!/usr/bin/env bash
# Two tenants use the same addresses and ports at the same time; no datagram changes sides.
. "$(dirname "$0")/_init.sh"

start_receiver g "$WORK/z" udp sink 10.0.0.3:7000 --tenant "$TENANT_Z"
z=$receiver
start_receiver yg "$WORK/y" udp sink 10.0.0.3:7000 --tenant "$TENANT_Y"
y=$receiver
probe_in a udp source 10.0.0.3:7000 --tenant "$TENANT_Z" --count 10000 >/dev/null &
probe_in ya udp source 10.0.0.3:7000 --tenant "$TENANT_Y" --count 10000 >/dev/null
wait "$z" "$y"
for sink in z y; do
    expect "received by $sink" "$(jq .received "$WORK/$sink")" 10000
    expect "foreign at $sink" "$(jq .foreign "$WORK/$sink")" 0
done
