# shellcheck shell=bash
# Each of the two barriers against a deposed host, with the other one off.

# The lab is built anew for it: a primary that is cut off goes on without a lease. What it sends then
# is refused by those who receive it, and so are its own frames from before its death.
barriers() {
    LAB_ON_ISOLATION="continue" "$ROOT/scripts/lab" up >/dev/null
    progress "the old primary goes on without a lease"
    goes_on
    progress "frames from before a death and a failback, again"
    old_frames
    jq -s '{goes_on: .[0], replayed: .[1]}' "$OUT/goes-on.json" "$OUT/old-frames.json" >"$OUT/barriers.json"
    jq -r '"\n       \(.goes_on.accepted) of \(.goes_on.stale_sent) accepted, \(.replayed.accepted) of \(.replayed.replayed) old frames accepted"' \
        "$OUT/barriers.json"
}

# What r handed to a, and what it refused because of who had sent it.
delivered_to_a() { ask r | jq '.ports[] | select(.name == "z/a") | .tx_packets'; }
refused_by_r() { echo $(($(drops r decode_spoofed) + $(drops r decode_stale_generation))); }

# The hosts no longer hear from s, but its guest's packets pass: g goes on sending while j takes over.
goes_on() {
    local source delivered refused
    await_protected
    move_to s
    await_protected
    round=$OUT/goes-on
    mkdir -p "$round"
    ip netns exec "$(namespace_of g)" "$PROBE" udp source 10.0.0.2:7001 --tenant "$TENANT_Z" \
        --count 20000 --per-second 4000 >"$round/sent" &
    source=$!
    cut_host s control >/dev/null
    await_owner_leaves s 5 || fail "nobody was promoted: $(group_record | jq -c .)"
    sleep 0.1
    delivered=$(delivered_to_a) refused=$(refused_by_r)
    watch_stale s
    sleep 1
    stop_watch_stale
    wait "$source"
    jq -n --argjson stale_sent "$(<"$round/stale_sent")" --argjson accepted $(($(delivered_to_a) - delivered)) \
        --argjson refused $(($(refused_by_r) - refused)) '{$stale_sent, $refused, $accepted}' >"$OUT/goes-on.json"
    heal
    await_protected
}

# Frames that s sent as the primary, captured before its death, come again when it is the primary
# anew, under another generation.
old_frames() {
    local delivered refused mac
    await_protected
    move_to s
    round=$OUT/old-frames
    mkdir -p "$round"
    start_capture s "$OUT/old.pcap" -Q in -c 2000 "ip6[20:4] = 0x0a000003"
    round_begins "$round"
    round_ends capture "$("$PROBE" clock)"
    wait "$capture" || true
    await_protected
    kill_daemon s >/dev/null
    await_owner_leaves s 5 || fail "nobody was promoted: $(group_record | jq -c .)"
    restart s
    await_protected
    # An address does not return to a host within a second of leaving it.
    sleep 1
    move_to s
    await_protected
    delivered=$(delivered_to_a) refused=$(refused_by_r)
    mac=$(ask r | jq -r .uplink.mac)
    probe_in router raw replay "$OUT/old.pcap" to-r --to-mac "$mac" >"$round/replayed"
    sleep 0.3
    jq --argjson accepted $(($(delivered_to_a) - delivered)) --argjson refused $(($(refused_by_r) - refused)) \
        '{replayed, $refused, $accepted}' "$round/replayed" >"$OUT/old-frames.json"
    rm -f "$OUT/old.pcap"
}
