# shellcheck shell=bash
# The same measurement with keepalived's VRRP: an address that moves between two namespaces on one
# Ethernet, the same requests, the same clock. The owner's cable is pulled; VRRP has no lease and no
# replicas, so that requests in between are lost.

# Not the lab's own prefix: `lab down` must not take it, nor this the lab.
VRRP_PREFIX=usv-
VRRP_ADDRESS=10.9.0.3
declare -A VRRP_HOST=([m]=10.9.0.11 [b]=10.9.0.12) VRRP_ID=([m]=1 [b]=2)

vrrp_up() {
    local timers=$1 host
    vrrp_down
    ip netns add ${VRRP_PREFIX}net
    # No spanning tree and no learning delay: it forwards from the first frame on.
    ip -n ${VRRP_PREFIX}net link add bridge type bridge stp_state 0 forward_delay 0 mcast_snooping 0
    ip -n ${VRRP_PREFIX}net link set bridge up
    vrrp_attach a 10.9.0.2
    for host in m b; do
        vrrp_attach "$host" "${VRRP_HOST[$host]}"
        # The application serves the address before its host has it, as a replica's does.
        ip netns exec "$VRRP_PREFIX$host" sysctl -qw net.ipv4.ip_nonlocal_bind=1
        vrrp_config "$host" "$timers" >"$1.$host.conf"
        vrrp_start "$host" "$1.$host.conf"
    done
    await 15 vrrp_owner_exists || fail "keepalived gave $VRRP_ADDRESS to nobody: see $1.m.log"
}

# vrrp_attach NAME ADDRESS: a namespace on the bridge.
vrrp_attach() {
    local name=$1
    ip netns add "$VRRP_PREFIX$name"
    ip -n "$VRRP_PREFIX$name" link set lo up
    ip -n "$VRRP_PREFIX$name" link add eth0 type veth peer name "to-$name" netns ${VRRP_PREFIX}net
    ip -n ${VRRP_PREFIX}net link set "to-$name" master bridge up
    ip -n "$VRRP_PREFIX$name" link set eth0 up
    ip -n "$VRRP_PREFIX$name" address add "$2/24" dev eth0
}

# vrrp_config HOST default|fastest: whoever has the address keeps it, so that rounds can follow each
# other. One second is keepalived's default; a centisecond is the least that VRRP can say.
vrrp_config() {
    local interval=1 version=2 priority=101
    [[ $2 != *fastest ]] || interval=0.01 version=3
    [[ $1 == m ]] || priority=100
    cat <<END
global_defs {
    vrrp_version $version
    vrrp_garp_master_delay 1
}
vrrp_instance address {
    interface eth0
    state BACKUP
    nopreempt
    virtual_router_id 7
    priority $priority
    advert_int $interval
    virtual_ipaddress {
        $VRRP_ADDRESS/24
    }
}
END
}

# vrrp_start HOST CONFIG: in the foreground, so that its process is known.
vrrp_start() {
    local host=$1 file=$2 run=$LAB_STATE/vrrp-$1
    mkdir -p "$run"
    ip netns exec "$VRRP_PREFIX$host" keepalived --dont-fork --log-console --vrrp --use-file "$file" \
        --pid "$run/keepalived.pid" --vrrp_pid "$run/vrrp.pid" >"${file%.conf}.log" 2>&1 </dev/null &
    disown
}

# vrrp_owner: the host that has the address and a link.
vrrp_owner() {
    local host
    for host in m b; do
        if [[ $(ip -n "$VRRP_PREFIX$host" -4 address show dev eth0 up to "$VRRP_ADDRESS/32" 2>/dev/null) ]] &&
            [[ $(ip -n ${VRRP_PREFIX}net link show "to-$host" up) ]]; then
            echo "$host"
        fi
    done
}
vrrp_owner_exists() { [[ $(vrrp_owner) == ? ]]; }
vrrp_owned_by() { [[ $(vrrp_owner) == "$1" ]]; }

vrrp_down() {
    local name pids
    for name in $(ip netns list | awk -v prefix=$VRRP_PREFIX 'index($1, prefix) == 1 { print $1 }'); do
        pids=$(ip netns pids "$name")
        # shellcheck disable=SC2086 # one word a process
        [[ -z $pids ]] || kill -KILL $pids 2>/dev/null || true
        ip netns delete "$name"
    done
    rm -rf "$LAB_STATE"/vrrp-*
}

# vrrp_round DIRECTORY: leaves DIRECTORY/round.json with the fields of the lab's own rounds.
vrrp_round() {
    local directory=$1 host from to fault_ns
    rm -rf "$directory"
    mkdir -p "$directory"
    await 15 vrrp_owner_exists || fail "keepalived: nobody has the address"
    for host in m b; do
        ip netns exec "$VRRP_PREFIX$host" "$PROBE" requests answer "$VRRP_ADDRESS:$ROUND_PORT" \
            --id "${VRRP_ID[$host]}" --log "$directory/log-$host" 2>"$directory/$host.err" &
        vrrp_answerer[$host]=$!
        await_line "$directory/$host.err" '^listening' "${vrrp_answerer[$host]}"
    done
    ip netns exec ${VRRP_PREFIX}a "$PROBE" requests ask "$VRRP_ADDRESS:$ROUND_PORT" \
        --per-second "$ROUND_RATE" --seconds 60 --drain-ms 200 --report "$directory/asked" &
    local asker=$!
    sleep "$ROUND_BEFORE"
    # Only now: with the fastest timers it may have moved by itself.
    await 15 vrrp_owner_exists || fail "keepalived: both have the address, or nobody"
    from=$(vrrp_owner)
    [[ $from == m ]] && to=b || to=m
    fault_ns=$(at_once ${VRRP_PREFIX}net "link set to-$from down")
    await 10 vrrp_owned_by "$to" || fail "keepalived: $to did not take over"
    sleep "$ROUND_AFTER"
    kill -TERM "$asker"
    wait "$asker"
    kill -TERM "${vrrp_answerer[@]}"
    wait "${vrrp_answerer[@]}"
    "$PROBE" requests judge "$directory/asked" "$directory"/log-[mb] >"$directory/verdict"
    jq -n --arg kind keepalived --argjson fault_ns "$fault_ns" --arg victim "$from" --argjson gaps '{}' --argjson drops '{}' \
        --argjson taken "$(jq .sent "$directory/asked")" --argjson stale_sent null \
        --slurpfile asked "$directory/asked" --slurpfile verdict "$directory/verdict" \
        -f "$ROOT/scripts/lab.d/round.jq" |
        jq --arg from "$from" --arg to "$to" '. + {$from, $to}' >"$directory/round.json"
    rm -f "$directory"/{asked,log-m,log-b,verdict}
    ip -n ${VRRP_PREFIX}net link set "to-$from" up
}
declare -A vrrp_answerer=()
