# shellcheck shell=bash
# What can go wrong with a host, a link, a process, a guest; and how it is healed again. Faults that
# begin at an instant print it, in ns of CLOCK_MONOTONIC, which the probe reads too.

# kill_now HOST SIGNAL: the time right before kill(2).
kill_now() {
    local pid
    pid=$(daemon_pid "$1") || fail "host $1 has no daemon"
    "$BIN/probe" kill "$pid" "$2" | jq .ns
}

# kill_daemon HOST: as a crash would, without a chance to clean up. Prints when.
kill_daemon() {
    local pid
    pid=$(daemon_pid "$1") || fail "host $1 has no daemon"
    kill_now "$1" KILL
    await_end "$pid" "$STOP_SECONDS"
    rm -f "$LAB_STATE/$1.pid"
}

# pause_daemon HOST: prints when. Its workers' gaps mean nothing from then on.
pause_daemon() {
    touch "$LAB_STATE/$1.paused"
    kill_now "$1" STOP
}

resume_daemon() { kill_now "$1" CONT >/dev/null; }

# cut HOST [in|out|both|control]: `both` is a pulled cable; `in` and `out` drop in the router what is
# for the host or from it; `control` leaves its guests' packets alone. Prints when it began.
cut_host() {
    local host=$1 direction=${2:-both} router control
    router=$(namespace_of router)
    [[ -v LOCATOR[$host] ]] || fail "no host \"$host\"; there are: ${HOSTS[*]}"
    case $direction in
        both) at_once "$router" "link set to-$host down" ;;
        in) drop_in_router to "${LOCATOR[$host]}" ;;
        out) drop_in_router from "${LOCATOR[$host]}" ;;
        control)
            control=$(control_address "$host")
            # Both at once: a host that is not heard but still hears would learn of its successor.
            at_once "$router" "rule add to $control blackhole"$'\n'"rule add from $control blackhole"
            ;;
        *) fail "cut $host what? in, out, both or control" ;;
    esac
}

# cut_link FROM TO: what the one sends to the other. Prints when it began.
cut_link() {
    [[ -v LOCATOR[$1] && -v LOCATOR[$2] ]] || fail "between which two of ${HOSTS[*]}?"
    drop_in_router from "${LOCATOR[$1]}" to "${LOCATOR[$2]}"
}

# drop_in_router SELECTOR...: a routing rule that drops silently, as a broken path does.
drop_in_router() { at_once "$(namespace_of router)" "rule add $* blackhole"; }

# at_once NAMESPACE COMMAND: an `ip` command, or several, one a line. Prints the time right before it: the process that
# obeys is there already, since starting one takes up to 30 ms on a busy machine.
at_once() {
    local pipe process
    exec {pipe}> >(exec ip -6 -n "$1" -batch -)
    process=$!
    sleep 0.1
    "$BIN/probe" clock
    echo "$2" >&"$pipe"
    exec {pipe}>&-
    wait "$process"
}

# narrow HOST MTU: on the way to it a hop takes packets of so many octets only. The router says so
# to the sender of a larger one.
narrow() {
    local host=$1 mtu=$2
    ip -n "$(namespace_of router)" route replace "${LOCATOR[$host]}" \
        via "2001:db8:0:${HOST_NUMBER[$host]}::2" mtu lock "$mtu"
}

control_address() {
    ask r | jq -er --arg host "$1" '.hosts[] | select(.name == $host) | .control_address' ||
        fail "host r does not say what the control address of $1 is"
}

# heal: every cut of every host and link.
heal() {
    local host router
    router=$(namespace_of router)
    # No pipe: grep would end it early, and so it would count as failed.
    while [[ $(ip -n "$router" -6 rule show) == *blackhole* ]]; do
        ip -n "$router" -6 rule delete blackhole
    done
    for host in "${HOSTS[@]}"; do
        [[ $(ip -n "$router" link show "to-$host" up) ]] || connect_router "$host"
    done
}

# close_port GUEST, open_port GUEST: its link goes down as if the guest had been stopped.
close_port() {
    at_once "$(namespace_of "$1")" "link set eth0 down"
}

open_port() {
    local namespace address
    namespace=$(namespace_of "$1") address=${GUEST[$1]##* }
    ip -n "$namespace" link set eth0 up
    # The kernel forgets the routes of an interface that goes down.
    ip -n "$namespace" route replace default via "${address%.*}.1"
}
