# One round's figures. Times in ms from the fault.
# $asked: the asker's report, $verdict: the judge's, $taken: requests that r's worker took from a.

def ms($ns): ($ns / 10000 | round) / 100;

$asked[0] as $a | $verdict[0] as $v
| (if $taken then [$a.sent, $taken] | min else null end) as $inbound_sent
| ($a.takeovers[0]) as $takeover
| {
    kind: $kind, victim: $victim,
    sent: $a.sent,
    # What r's worker took. What a's own kernel lost before is nobody's packet.
    inbound_sent: $inbound_sent,
    inbound_lost: (if $taken then [$inbound_sent - $v.received, 0] | max else null end),
    unanswered: (if $taken then [$inbound_sent - $a.answered, 0] | max else null end),
    duplicates: $a.duplicates,
    stale_sent: $stale_sent,
    stale_accepted: $a.stale,
    # Answers from another address than was asked, or no answers at all.
    unknown: $a.unknown,
    takeovers: ($a.takeovers | length),
    # An answer of the replica before anything had happened.
    leaked: ([$a.answerers[1:][] | select(.first_ns < $fault_ns)] | length),
    first_answer_ms: (if $takeover then ms($takeover.new_first_ns - $fault_ns) else null end),
    last_old_answer_ms: (if $takeover then ms($takeover.old_last_ns - $fault_ns) else null end),
    gap_ms: ms($a.longest_gap.ns),
    own_pause_ms: ms($a.own_pause_ns_max),
    received_by_both: $v.received_by_several,
    worker_gap_ms: ($gaps | map_values(. / 10 | round / 100)),
    # Since the hosts and the lab began; tells where answers that are missing were lost.
    drops: $drops
  }
