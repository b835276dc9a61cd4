# The rounds in which host s died. Input: [round.json...].

def percentile($p): sort | .[((length - 1) * $p / 100) | floor];
def total(f): map(f // 0) | add;

map(select(.failed == null)) as $rounds
| {
    $mode, $fan_out, $tried_again, $wanted, rounds: ($rounds | length),
    inbound_sent: ($rounds | total(.inbound_sent)), inbound_lost: ($rounds | total(.inbound_lost)),
    unanswered: ($rounds | total(.unanswered)),
    first_answer_ms: ([$rounds[].first_answer_ms | select(. != null)] | if . == [] then null else {p50: percentile(50), p99: percentile(99), max: max} end),
    stale_sent: ($rounds | total(.stale_sent)), stale_accepted: ($rounds | total(.stale_accepted)),
    duplicates: ($rounds | total(.duplicates)),
    $timers,
    worst_worker_gap_ms: ([$rounds[].worker_gap_ms[]] | max),
    promoted: ([$rounds[] | select(.from == "s" and .to == "t" and .first_answer_ms != null)] | length),
    answers_from_elsewhere: ($rounds | total(.unknown)),
    arp_changed: ([$rounds[] | select(.arp_unchanged != true)] | length),
    ttl_changed: ([$rounds[] | select(.ttl != 64)] | length),
    disagreed: ([$rounds[] | select(.agree != true)] | length),
    by_death: ($rounds | group_by(.kind) | map({(.[0].kind): {rounds: length, first_answer_ms: ([.[].first_answer_ms] | max), inbound_lost: total(.inbound_lost), unanswered: total(.unanswered), stale_sent: total(.stale_sent)}}) | add)
  }
