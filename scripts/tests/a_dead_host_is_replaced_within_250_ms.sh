#!/usr/bin/env bash
# kill -9 of the primary's host at 50 ms x 3: the replica's first answer comes within 250 ms, and
# nothing of the old owner is accepted after it. In buffer mode nothing is lost on the way in.
export LAB_COPIES=buffer
. "$(dirname "$0")/_init.sh"

for kind in host_killed process_paused uplink_cut; do
    run_round "$kind" 1 "$WORK/round"
    echo "$kind: $(round_line)"
    at() { jq ".$1" "$WORK/round/round.json"; }
    [[ $(jq '.first_answer_ms != null and .first_answer_ms <= 250' "$WORK/round/round.json") == true ]] ||
        fail "$kind: first answer after $(at first_answer_ms) ms, a worker's gap was $(jq -c .worker_gap_ms "$WORK/round/round.json")"
    expect "$kind: inbound lost of $(at inbound_sent)" "$(at inbound_lost)" 0
    expect "$kind: unanswered" "$(at unanswered)" 0
    expect "$kind: stale accepted" "$(at stale_accepted)" 0
    expect "$kind: all hosts agree" "$(at agree)" true
done
