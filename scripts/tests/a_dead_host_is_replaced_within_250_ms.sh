#!/usr/bin/env bash
# kill -9 of the primary's host at 50 ms x 3: the replica's first answer comes within 250 ms, and
# nothing of the old owner is accepted after it. In buffer mode nothing is lost on the way in, and
# each request is answered though it is sent once.
export LAB_COPIES=buffer
. "$(dirname "$0")/_init.sh"

# A machine that stands still for longer than the 100 ms that are left, or keeps a worker off its core
# until the ring before it is full, gets another try.
in_time() {
    jq -e '.first_answer_ms != null and .first_answer_ms <= 250 and .unanswered == 0' \
        "$WORK/round/round.json" >/dev/null
}

for kind in host_killed process_paused uplink_cut; do
    for try in 1 2 3; do
        run_round "$kind" "$try" "$WORK/round"
        echo "$kind: $(round_line)"
        ! in_time || break
    done
    at() { jq ".$1" "$WORK/round/round.json"; }
    in_time ||
        fail "$kind: first answer after $(at first_answer_ms) ms, $(at unanswered) unanswered, a worker's gap was $(jq -c .worker_gap_ms "$WORK/round/round.json")"
    expect "$kind: inbound lost of $(at inbound_sent)" "$(at inbound_lost)" 0
    expect "$kind: stale accepted" "$(at stale_accepted)" 0
    expect "$kind: all hosts agree" "$(at agree)" true
done
