# All rounds in figures. Input: [{kind, rounds: [round.json...]}].

def percentile($p): sort | if length == 0 then null else .[((length - 1) * $p / 100) | floor] end;
def spread: map(select(. != null)) | if length == 0 then null else
    {p50: percentile(50), p90: percentile(90), p99: percentile(99), max: max} end;
def total(f): map(f) | if all(. == null) then null else map(. // 0) | add end;

# How long nobody served: until the new owner's first answer, else the longest gap.
def time: .first_answer_ms // .gap_ms;

# What a round must never show, each as a sentence.
def violations:
    if .failed then ["the round failed: \(.failed)"] else [
        (select(.stale_accepted > 0) | "\(.stale_accepted) answers of a deposed owner were accepted"),
        (select(.leaked > 0) | "a replica was heard before anything had happened"),
        (select(.agree == false) | "the hosts do not agree on owner and epoch"),
        (select(.epoch_before != null and .epoch_after < .epoch_before) | "the epoch fell from \(.epoch_before) to \(.epoch_after)")
    ] end;
# More changes of owner than one fault asks for. Where all members are gone the group is nobody's
# before it is somebody's again.
def changes_of_owner: {both_restarted: 2}[.kind] // 1;
def contentions:
    select(.failed == null)
    | select(.takeovers > 1 or .stale_accepted > 0 or .leaked > 0
        or (.epoch_before != null and .epoch_after[2] - .epoch_before[2] > changes_of_owner));

. as $all
| {
    date: $date, machine: $machine, per_second: $per_second, mode: $mode, fan_out: $fan_out,
    on_isolation: $on_isolation, timers: "\($interval_ms)ms x \($detect_mult)",
    detection_ms: ($interval_ms * $detect_mult),
    machine_late_ms_max: ($stall[0].late_us_max / 1000),
    machine_stalls: [$stall[0].listed[]? | .ns / 1000000] ,
    worst_worker_gap_ms: ([$all[].rounds[].worker_gap_ms? // {} | .[]] | max),
    kinds: [$all[] | .kind as $kind | .rounds as $rounds | ($promotes[$kind] // "yes") as $expected
        | [$rounds[] | select(.failed == null)] as $good
        | ([$good[] | select(.from != .to)] | length) as $promoted
        | {
            $kind,
            title: ($titles[$kind] // ($kind | sub("keepalived_"; "keepalived, ") + " timers")),
            rounds: ($rounds | length), failed: (($rounds | length) - ($good | length)),
            should_promote: $expected, $promoted,
            time_ms: ([$good[] | time] | spread),
            first_answer_ms: ([$good[].first_answer_ms] | spread),
            gap_ms: ([$good[].gap_ms] | spread),
            protected_again_ms: ([$good[].protected_ms] | spread),
            inbound_sent: ($good | total(.inbound_sent)), inbound_lost: ($good | total(.inbound_lost)),
            unanswered: ($good | total(.unanswered)), duplicates: ($good | total(.duplicates)),
            stale_sent: ($good | total(.stale_sent)), stale_accepted: ($good | total(.stale_accepted)),
            contentions: ([$good[] | contentions] | length),
            violations: ([$rounds[] | violations[]] | length),
            found: ([$rounds[] | violations[]]
                + (if $expected == "yes" and $promoted < ($good | length)
                    then ["\(($good | length) - $promoted) of \($good | length) rounds without a promotion"] else [] end)),
            # A false promotion is harmless, but it is counted.
            promoted_without_need: (if $expected == "no" then $promoted else 0 end),
            times_ms: [$good[] | time]
        }]
  }
