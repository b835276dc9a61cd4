#!/usr/bin/env bash
# Guest c broadcasts as fast as it can. Of 2,000 copies a second, its budget after the fan-out, not one
# more leaves its host (and a tenth of a second's at once); the rest is counted. What its neighbour a
# broadcasts meanwhile reaches k on another host.
export LAB_MULTICAST=on LAB_GROUP=none
. "$(dirname "$0")/_init.sh"

BUDGET=2000 COUNT=200
copies() { ask r | jq '.multicast.to_hosts + .multicast.to_nodes'; }
millis() { echo $(($(date +%s%N) / 1000000)); }

start_receiver k "$WORK/k" udp sink 0.0.0.0:7001 --tenant "$TENANT_Z" --quiet-ms 2000
before=$(copies) start=$(millis)
probe_in c udp source 255.255.255.255:7002 --tenant "$TENANT_Z" --count 200000 --per-second 0 >"$WORK/c" &
flood=$!
sleep 0.3
probe_in a udp source 255.255.255.255:7001 --tenant "$TENANT_Z" --count "$COUNT" --per-second 200 >/dev/null
wait "$flood" "$receiver"
made=$(($(copies) - before)) took=$(($(millis) - start))
refused=$(drops r multicast_budget)

echo "c sent: $(jq -c . "$WORK/c"); copies in $took ms: $made, refused: $refused"
# a's packets have three receivers each: s, t and c.
((made - 3 * COUNT <= BUDGET * took / 1000 + BUDGET / 10)) || fail "$made copies in $took ms"
((refused > 10 * made)) || fail "that was no flood: $refused copies refused"
arrived=$(jq .received "$WORK/k")
((arrived >= COUNT * 95 / 100)) || fail "of $COUNT broadcasts of a, k got $arrived"
echo "of $COUNT broadcasts of a, k got $arrived"
balanced() { [[ $(ask r | jq .balance.unexplained) == 0 ]]; }
eventually 5 balanced || fail "unexplained: $(ask r | jq -c .balance)"
