# shellcheck shell=bash
# What happens when a host dies, and when an address moves on purpose: rounds under load.

: "${FAILOVER_ROUNDS:=20}" "${MOVE_ROUNDS:=20}" "${OTHER_MODE_ROUNDS:=5}"

run_failovers() {
    step "host s dies $FAILOVER_ROUNDS times under $ROUND_RATE requests a second" host_dies
    step "$MOVE_ROUNDS planned moves under the same load" planned_moves
    step "a deposed host that goes on, and old frames again" barriers
    step "deaths with copies delivered, and made by the primary's host" other_modes
}

# progress TEXT...: a line of its own below the step's title.
progress() { printf '\n       %s' "$*" >&3; }

# The three ways to die, in turn. Each time s is the primary again; who answers a, and with which
# MAC address and TTL, must not show.
host_dies() {
    local deaths=(host_killed uplink_cut process_paused) kind round_at tried_again
    in_lab a ping -q -n -c 1 -W 2 10.0.0.3 >/dev/null
    tried_again=0
    for ((round_at = 1; round_at <= FAILOVER_ROUNDS; round_at++)); do
        kind=${deaths[(round_at - 1) % 3]}
        await_protected
        move_to s
        neighbour_of_a >"$OUT/neighbour-before"
        run_round "$kind" "$round_at" "$OUT/failover/$round_at"
        neighbour_of_a >"$OUT/neighbour-after"
        same_at_a
        progress "$(printf '%2d/%d  %-14s %s' "$round_at" "$FAILOVER_ROUNDS" "${KIND_TITLE[$kind]}" "$(round_line)")"
        ! machine_stood_still "$FAILOVER_ROUNDS" || round_at=$((round_at - 1))
    done
    summarise failover "$FAILOVER_ROUNDS" "$OUT"/failover/*/round.json
    jq -r '"first answer after \(.first_answer_ms.p50) ms, \(.first_answer_ms.max) at most; \(.inbound_lost) of \(.inbound_sent) lost, \(.stale_accepted) of \(.stale_sent) stale accepted"' \
        "$OUT/failover.json"
}

# machine_stood_still ROUNDS: whether the round is to be tried again. A worker of the owner that loses
# its core for longer than the lease must be mute when it comes back, and so the answers that waited
# for it are lost: on a shared machine that is no fault of the hosts. Only that is tried again, and
# only in half of the rounds; what else goes wrong stands, and the report says how often it was.
machine_stood_still() {
    (($(jq '.unanswered // 0' "$round/round.json") > 0 && tried_again < ($1 + 1) / 2)) || return 1
    tried_again=$((tried_again + 1))
    printf ' (tried again)' >&3
}

# neighbour_of_a: the MAC address that a sends to.
neighbour_of_a() { ip -n "$(namespace_of a)" -j neighbour show 10.0.0.3 dev eth0 | jq -r '.[0].lladdr // "none"'; }

# same_at_a: notes in the round whether ARP entry and TTL are what they were.
same_at_a() {
    local ttl unchanged=false
    ttl=$(in_lab a ping -n -c 1 -W 2 10.0.0.3 | sed -n 's/.* ttl=\([0-9]*\) .*/\1/p')
    ! cmp -s "$OUT/neighbour-before" "$OUT/neighbour-after" || unchanged=true
    jq --argjson arp_unchanged "$unchanged" --argjson ttl "${ttl:-null}" '. + {$arp_unchanged, $ttl}' \
        "$round/round.json" >"$round/round.next"
    mv "$round/round.next" "$round/round.json"
}

# Where a replica's guest hears everything at once, and where the dying host itself makes the copies:
# what that loses is counted, whatever it is. The lab is built anew for each.
other_modes() {
    local settings copies fan_out
    for settings in "deliver sender" "buffer primary" "deliver primary"; do
        read -r copies fan_out <<<"$settings"
        LAB_COPIES=$copies LAB_FAN_OUT=$fan_out LAB_ON_ISOLATION="mute" deaths_in_mode "$OUT/mode-$copies-$fan_out"
    done
    jq -s . "$OUT"/mode-*.json >"$OUT/other-modes.json"
    printf '\n       '
    jq -r '[.[] | "\(.mode)/\(.fan_out) \(.inbound_lost) of \(.inbound_sent) lost"] | join(", ")' "$OUT/other-modes.json"
}

# deaths_in_mode DIRECTORY: as the environment says.
deaths_in_mode() {
    local round_at
    "$ROOT/scripts/lab" up >/dev/null
    for ((round_at = 1; round_at <= OTHER_MODE_ROUNDS; round_at++)); do
        await_protected
        move_to s
        run_round host_killed "$round_at" "$1/$round_at"
        progress "$(printf '%d/%d  %-8s %-8s %s' "$round_at" "$OTHER_MODE_ROUNDS" "$LAB_COPIES" "$LAB_FAN_OUT" "$(round_line)")"
    done
    jq -s --argjson wanted "$OTHER_MODE_ROUNDS" --arg mode "$LAB_COPIES" --arg fan_out "$LAB_FAN_OUT" \
        --arg timers "${LAB_INTERVAL_MS}ms x $LAB_DETECT_MULT" --argjson tried_again 0 \
        -f "$ROOT/scripts/quickstart.d/failover.jq" "$1"/*/round.json |
        jq 'del(.arp_changed, .ttl_changed, .by_death)' >"$1.json"
}

# From s to t and back: the old owner is alive and helps.
planned_moves() {
    local round_at moved_ns before tried_again=0
    for ((round_at = 1; round_at <= MOVE_ROUNDS; round_at++)); do
        await_protected
        current=$(owner) other=$(peer_of "$current") before=$(epoch)
        counted=yes
        round_begins "$OUT/move/$round_at"
        moved_ns=$("$PROBE" clock)
        move_to "$other"
        round_ends planned_move "$moved_ns"
        jq --arg from "$current" --arg to "$(owner)" --argjson before "$before" --argjson after "$(epoch)" \
            '. + {$from, $to, epoch_before: $before, epoch_after: $after}' \
            "$round/round.json" >"$round/round.next"
        mv "$round/round.next" "$round/round.json"
        rm -f "$round"/{asked,log-s,log-t,verdict}
        progress "$(printf '%2d/%d  %s' "$round_at" "$MOVE_ROUNDS" "$(round_line)")"
        ! machine_stood_still "$MOVE_ROUNDS" || round_at=$((round_at - 1))
    done
    summarise move "$MOVE_ROUNDS" "$OUT"/move/*/round.json
    jq -r '"\(.moved) of \(.rounds) moved, gap \(.gap_ms.p50) ms, \(.gap_ms.max) at most; \(.lost) lost, \(.duplicated) doubled"' \
        "$OUT/move.json"
}

# summarise NAME WANTED ROUND...: leaves NAME.json, and starts the outcome on a line of its own.
summarise() {
    local name=$1 wanted=$2
    shift 2
    jq -s --argjson wanted "$wanted" --arg mode "$LAB_COPIES" --arg fan_out "$LAB_FAN_OUT" \
        --arg timers "${LAB_INTERVAL_MS}ms x $LAB_DETECT_MULT" \
        --argjson tried_again "$tried_again" \
        -f "$ROOT/scripts/quickstart.d/$name.jq" "$@" >"$OUT/$name.json"
    printf '\n       '
}
