#!/usr/bin/env bash
# A stop of the primary shorter than G - 2I (50 ms at 50 ms x 3) never causes a promotion.
. "$(dirname "$0")/_init.sh"

: "${STOPS:=200}"
await_protected
generation=$(group_record | jq .generation)
pid=$(daemon_pid s)
for ((stop = 1; stop <= STOPS; stop++)); do
    # The probe waits by itself: a shell's sleep would be longer, and no such stop.
    "$PROBE" kill "$pid" STOP --resume-after-ms 40 >>"$WORK/stops"
    sleep 0.1
done
long=$(jq -s 'map(select(.stopped_ns > 50000000)) | length' "$WORK/stops")
echo "$STOPS stops, $long of them longer than they should have been: this machine's own doing"
((long < STOPS / 4)) || fail "this machine is too busy: $long stops of $STOPS were too long"
if ((long == 0)); then
    expect "generation after $STOPS stops" "$(group_record | jq .generation)" "$generation"
    expect "owner" "$(owner)" s
fi
expect "pings" "$(replies a 10.0.0.3)" 20
