# shellcheck shell=bash
# Kinds of faults: how each is inflicted while requests flow, and how the lab is whole again after.
# `inflict_KIND` is called with $current, the owner's host, and $other; it sets $fault_ns and $victim.

# Kind, what it is, and whether the owner changes: yes, no, or either.
KINDS=(host_killed uplink_cut process_paused guest_closed manager_killed both_restarted
    link_one_way link_both_ways replica_killed)
declare -A KIND_TITLE=(
    [host_killed]="host killed"
    [uplink_cut]="uplink cut"
    [process_paused]="process paused"
    [guest_closed]="guest port closed"
    [link_one_way]="link to the replica cut one way"
    [link_both_ways]="link to the replica cut both ways"
    [manager_killed]="host killed, then the manager"
    [replica_killed]="replica killed"
    [both_restarted]="both restarted"
)
declare -A KIND_PROMOTES=(
    [host_killed]=yes [uplink_cut]=yes [process_paused]=yes [guest_closed]=yes
    [link_one_way]=no [link_both_ways]=no [manager_killed]=yes [replica_killed]=no
    [both_restarted]=either
)
# Longer than any promotion: whoever has not taken over by then never will.
PROMOTION_SECONDS=3

fault_ns=
victim=
current=
other=

inflict_host_killed() {
    victim=$current
    fault_ns=$(kill_daemon "$victim")
    await_owner_leaves "$victim" $PROMOTION_SECONDS || true
}
restore_host_killed() { restart "$victim"; }

# The cable is plugged in again while requests still flow: what the old owner has left to say must
# reach nobody.
inflict_uplink_cut() {
    victim=$current
    fault_ns=$(cut_host "$victim" both)
    await_owner_leaves "$victim" $PROMOTION_SECONDS || true
    watch_stale "$victim"
    heal
    sleep 0.3
    stop_watch_stale
}
restore_uplink_cut() { heal; }

inflict_process_paused() {
    victim=$current
    fault_ns=$(pause_daemon "$victim")
    await_owner_leaves "$victim" $PROMOTION_SECONDS || true
    watch_stale "$victim"
    resume_daemon "$victim"
    sleep 0.3
    stop_watch_stale
}
restore_process_paused() { :; }

inflict_guest_closed() {
    victim=$current
    fault_ns=$(close_port "${MEMBER[$victim]}")
    await_owner_leaves "$victim" $PROMOTION_SECONDS || true
}
restore_guest_closed() { open_port "${MEMBER[$victim]}"; }

# In turn what the owner says to its replica and what the replica says to the owner.
inflict_link_one_way() {
    victim=$other
    if ((round_number % 2)); then
        fault_ns=$(cut_link "$current" "$other")
    else
        fault_ns=$(cut_link "$other" "$current")
    fi
    sleep 0.6
}
restore_link_one_way() { heal; }

inflict_link_both_ways() {
    victim=$other
    fault_ns=$(cut_link "$current" "$other")
    cut_link "$other" "$current" >/dev/null
    sleep 0.6
}
restore_link_both_ways() { heal; }

# The manager goes while it gathers evidence. Its host is also a's: requests are lost with it, and
# its counters, so that this kind's losses are not counted.
inflict_manager_killed() {
    victim=$current
    fault_ns=$(kill_daemon "$victim")
    sleep 0.05
    kill_daemon r >/dev/null
    restart r
    counted=no
    await_owner_leaves "$victim" 10 || true
}
restore_manager_killed() { restart "$victim"; }

inflict_replica_killed() {
    victim=$other
    fault_ns=$(kill_daemon "$victim")
    sleep 0.6
}
restore_replica_killed() { restart "$victim"; }

has_owner() { [[ $(owner) ]]; }
inflict_both_restarted() {
    victim=$current
    fault_ns=$(kill_daemon "$current")
    kill_daemon "$other" >/dev/null
    start_daemon "$current"
    start_daemon "$other"
    await_daemon "$current"
    await_daemon "$other"
    await 10 has_owner || true
}
restore_both_restarted() { :; }

# run_round KIND NUMBER DIRECTORY: a protected group, the fault, and a protected group again. In the
# end the owner is where the fault has driven it: the next round strikes there.
# ROUND_SPACING: seconds between two faults, where a group that flaps is damped.
: "${ROUND_SPACING:=0}"
round_number=0
run_round() {
    local kind=$1 before after began
    round_number=$2
    counted=yes
    await_protected
    await_spacing
    current=$(owner) other=$(peer_of "$current")
    before=$(epoch)
    round_begins "$3"
    # Under load a member may have lost a copy since: a second fault is another matter.
    await_protected
    "inflict_$kind"
    round_ends "$kind" "$fault_ns" "$victim"
    "restore_$kind"
    began=$(date +%s%N)
    await_protected
    after=$(epoch)
    jq --arg from "$current" --arg to "$(owner)" --argjson before "$before" --argjson after "$after" \
        --argjson agree "$(agree_soon)" --argjson protected_ms "$((($(date +%s%N) - began) / 1000000))" \
        '. + {$from, $to, epoch_before: $before, epoch_after: $after, $agree, $protected_ms}' \
        "$round/round.json" >"$round/round.next"
    mv "$round/round.next" "$round/round.json"
    rm -f "$round"/{asked,log-s,log-t,verdict,stale.pcap}
}

await_spacing() {
    local file=$LAB_STATE/last-fault last=0
    [[ ! -e $file ]] || last=$(<"$file")
    while (($(date +%s) - last < ROUND_SPACING)); do
        sleep 0.1
    done
    date +%s >"$file"
}

agree_soon() { if await 3 agree; then echo true; else echo false; fi; }

# round_line: what came of the last round, in a few words.
round_line() {
    jq -r '"\(.from) to \(.to), \(if .first_answer_ms then "first answer after \(.first_answer_ms) ms" else "longest gap \(.gap_ms) ms" end), "
        + "\(.inbound_lost // "?") of \(.inbound_sent // "?") lost, \(.unanswered // "?") unanswered, \(.duplicates) doubled"' \
        "$round/round.json"
}
