# The planned moves. Input: [round.json...].

def percentile($p): sort | .[((length - 1) * $p / 100) | floor];
def total(f): map(f // 0) | add;

. as $rounds
| {
    rounds: length,
    moved: ([.[] | select(.from != .to and .takeovers == 1)] | length),
    inbound_sent: total(.inbound_sent),
    # A request that neither received, or that nobody answered.
    lost: ([.[] | [.inbound_lost, .unanswered] | max] | add),
    # In deliver mode both members receive every request; only one of them is heard.
    duplicated: (total(.duplicates) + (if $mode == "buffer" then total(.received_by_both) else 0 end)),
    stale_accepted: total(.stale_accepted),
    gap_ms: ([.[].gap_ms] | {p50: percentile(50), p99: percentile(99), max: max}),
    $mode, $fan_out, $tried_again, $wanted, $timers
  }
