# shellcheck shell=bash
# Is every packet accounted for? The hosts' own counters are held against the kernel's counters at
# the far ends of their veth pairs, which no host can influence.

# snapshot FILE: all counters, once no guest's packet moves any more. Heartbeats never rest: they are
# in every counter of the uplink, and in the host's own as punted and injected.
snapshot() {
    local file=$1 deadline=$((SECONDS + 30))
    read_counters >"$file"
    until sleep 0.2 && read_counters >"$file.next" && [[ $(at_rest "$file") == $(at_rest "$file.next") ]]; do
        ((SECONDS < deadline)) || fail "the counters do not come to rest: something still sends"
        mv "$file.next" "$file"
    done
    rm -f "$file.next"
}

# at_rest FILE: what does not change while hosts only talk among themselves.
at_rest() {
    jq -c 'map_values([.kernel.offered - .daemon.balance.punted, .kernel.emitted - .daemon.balance.injected, .daemon.drops])' "$1"
}

read_counters() {
    local host
    for host in "${HOSTS[@]}"; do
        host_counters "$host"
    done | jq -s add
}

# host_counters HOST: the host's books and the kernel's at its uplink as they were at one moment: no
# heartbeat came or went between two readings of the books that are equal.
host_counters() {
    local host=$1 router inside before='' after uplink own
    router=$(namespace_of router) inside=$(namespace_of "$host")
    after=$(ask "$host")
    until [[ $(books <<<"$after") == "$before" ]]; do
        before=$(books <<<"$after")
        uplink=$(ip -n "$router" -s -j link show dev "to-$host")
        own=$(ip -n "$inside" -s -j link show dev uplink)
        after=$(ask "$host")
    done
    jq -n --arg host "$host" --argjson daemon "$before" \
        --argjson kernel "$({ veth_counters "$uplink" "$own" && guest_counters "$host"; } | sum)" \
        '{($host): {$daemon, $kernel}}'
}

# books: of a status, what is held against the kernel's counters.
books() { jq -c '{balance, drops: (.drops | map({(.reason): .packets}) | add)}'; }

sum() { jq -cs 'reduce (.[] | to_entries[]) as $e ({}; .[$e.key] += $e.value)'; }

# guest_counters HOST: what its guests handed it and got from it, and what the veth pairs lost, which
# no daemon can see.
guest_counters() {
    local host=$1 guest owner interface
    for guest in "${GUESTS[@]}"; do
        read -r _ owner interface _ <<<"${GUEST[$guest]}"
        [[ $owner != "$host" ]] ||
            veth_counters "$(ip -n "$(namespace_of "$guest")" -s -j link show dev eth0)" \
                "$(ip -n "$(namespace_of "$host")" -s -j link show dev "$interface")"
    done
}

# veth_counters PEER OWN: of the two ends' descriptions; the peer is the guest's or the router's.
veth_counters() {
    jq -n --argjson peer "$1" --argjson own "$2" '($peer[0].stats64) as $peer | ($own[0].stats64) as $own | {
            offered: ($peer.tx.packets + $peer.tx.dropped),
            emitted: $peer.rx.packets,
            kernel_to_host: $peer.tx.dropped,
            kernel_from_host: $own.tx.dropped
        }'
}

# account BEFORE AFTER: per host and in total, what came of everything that was sent in between.
account() {
    jq -n --slurpfile before "$1" --slurpfile after "$2" -f "$ROOT/scripts/lab.d/balance.jq"
}
