# shellcheck shell=bash
# Is every packet accounted for? The hosts' own counters are held against the kernel's counters at
# the far ends of their veth pairs, which no host can influence.

# snapshot FILE: all counters, once nothing moves any more.
snapshot() {
    local file=$1 tries=50
    read_counters >"$file"
    until sleep 0.2 && read_counters >"$file.next" && cmp -s "$file" "$file.next"; do
        ((tries-- > 0)) || fail "the counters do not come to rest: something still sends"
        mv "$file.next" "$file"
    done
    rm -f "$file.next"
}

# read_counters: of all hosts at once, for the longer it takes the more moves meanwhile.
read_counters() {
    jq -s add <(host_counters r) <(host_counters s) <(host_counters t)
}

host_counters() {
    local host=$1
    jq -n --arg host "$host" \
        --argjson daemon "$(ask "$host" | jq -c '{balance, drops: (.drops | map({(.reason): .packets}) | add)}')" \
        --argjson kernel "$(kernel_counters "$host")" \
        '{($host): {$daemon, $kernel}}'
}

# kernel_counters HOST: what its peers handed it and got from it, and what the veth pairs lost,
# which no daemon can see.
kernel_counters() {
    local host=$1 guest owner interface
    {
        veth_counters "$(namespace_of router)" "to-$host" "$(namespace_of "$host")" uplink
        for guest in "${GUESTS[@]}"; do
            read -r _ owner interface _ <<<"${GUEST[$guest]}"
            [[ $owner != "$host" ]] ||
                veth_counters "$(namespace_of "$guest")" eth0 "$(namespace_of "$host")" "$interface"
        done
    } | jq -cs 'reduce (.[] | to_entries[]) as $e ({}; .[$e.key] += $e.value)'
}

# veth_counters NAMESPACE PEER NAMESPACE INTERFACE: the peer is the guest's or the router's end.
veth_counters() {
    jq -n --argjson peer "$(ip -n "$1" -s -j link show dev "$2" | jq '.[0].stats64')" \
        --argjson own "$(ip -n "$3" -s -j link show dev "$4" | jq '.[0].stats64')" '{
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
