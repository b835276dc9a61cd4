#!/usr/bin/env bash
# The address moves to t and back under load: every request is received. In the moment in
# which the sender's host knows of the move and the old owner's does not yet, some are answered twice.
export LAB_COPIES=buffer
. "$(dirname "$0")/_init.sh"

for to in t s t; do
    await_protected
    round_begins "$WORK/round"
    began=$("$PROBE" clock)
    move_to "$to"
    round_ends planned_move "$began"
    echo "to $to: $(round_line), gap $(jq .gap_ms "$WORK/round/round.json") ms"
    echo "to $to: unanswered: $(jq .unanswered "$WORK/round/round.json"), counted and not judged"
    for figure in inbound_lost stale_accepted; do
        expect "to $to: $figure" "$(jq ".$figure" "$WORK/round/round.json")" 0
    done
    expect "to $to: changes of answerer" "$(jq .takeovers "$WORK/round/round.json")" 1
done
