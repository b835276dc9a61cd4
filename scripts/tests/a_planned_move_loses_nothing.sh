#!/usr/bin/env bash
# The address moves to t and back under load: every request is received by one of the two, and
# answered once.
export LAB_COPIES=buffer
. "$(dirname "$0")/_init.sh"

for to in t s t s; do
    # A guest that loses its core for longer than the 20 ms in which the old owner's output passes
    # leaves answers unsent: one more try, and the same is not forgiven twice.
    for try in 1 2; do
        await_protected
        [[ $(owner) != "$to" ]] || move_to "$(peer_of "$to")"
        await_protected
        round_begins "$WORK/round"
        began=$("$PROBE" clock)
        move_to "$to"
        round_ends planned_move "$began"
        at() { jq ".$1" "$WORK/round/round.json"; }
        echo "to $to: $(round_line), gap $(at gap_ms) ms"
        (($(at unanswered) > 0 && try == 1)) || break
    done
    for figure in inbound_lost unanswered duplicates stale_accepted; do
        expect "to $to: $figure" "$(at $figure)" 0
    done
    expect "to $to: changes of answerer" "$(at takeovers)" 1
done
