# shellcheck shell=bash
# The hosts' processes: start, wait until they forward, stop.

# A daemon starts in half a second; a busy machine gets its time.
READY_SECONDS=20
STOP_SECONDS=3

start_daemon() {
    local host=$1 log=$LAB_STATE/$1.log
    rm -f "$LAB_STATE/$host.paused"
    # A session of its own: Ctrl-C is for the script, which then stops the daemons in order.
    setsid ip netns exec "$(namespace_of "$host")" \
        "${LAB_DAEMON:-$BIN/understudyd}" --config "$LAB_CONFIGS/$host.toml" </dev/null >>"$log" 2>&1 &
    echo $! >"$LAB_STATE/$host.pid"
    # Not a job of this shell: it would tell of each kill, and wait for it.
    disown
}

# daemon_pid HOST: its process, if it is alive and really ours.
daemon_pid() {
    local pid file=$LAB_STATE/$1.pid
    [[ -e $file ]] || return 1
    pid=$(<"$file")
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) =~ ^(understudyd|ip|setsid)$ ]] || return 1
    echo "$pid"
}

# await_daemon HOST: until it answers and knows its next hop, so that it can forward.
await_daemon() {
    local host=$1 deadline=$((SECONDS + READY_SECONDS))
    until [[ $(ask "$host" | jq -r '.uplink.next_hop_mac // empty') ]]; do
        daemon_pid "$host" >/dev/null || fail_with_log "$host" "host $host's daemon ended"
        ((SECONDS < deadline)) || fail_with_log "$host" "host $host is not ready after $READY_SECONDS s"
        sleep 0.1
    done
}

# ask HOST [ARGS]: what `understudy status` says of a host, as JSON.
ask() {
    "$BIN/understudy" --host "$1" status -o json 2>/dev/null || true
}

stop_daemon() {
    local host=$1 pid
    if pid=$(daemon_pid "$host"); then
        kill -TERM "$pid" 2>/dev/null || true
        await_end "$pid" "$STOP_SECONDS" || {
            echo "host $host did not end within $STOP_SECONDS s: killed" >&2
            kill -KILL "$pid" 2>/dev/null || true
            await_end "$pid" "$STOP_SECONDS" || true
        }
    fi
    rm -f "$LAB_STATE/$host.pid"
}

# await_end PID SECONDS: until the process is gone; a zombie counts as gone.
await_end() {
    local pid=$1 tenths=$(($2 * 10))
    while [[ -d /proc/$pid && $(awk '{ print $3 }' "/proc/$pid/stat" 2>/dev/null) != [ZX] ]]; do
        ((tenths-- > 0)) || return 1
        sleep 0.1
    done
}

fail_with_log() {
    {
        echo "--- the end of $LAB_STATE/$1.log:"
        tail -n 20 "$LAB_STATE/$1.log"
        echo "---"
    } >&2
    fail "$2"
}
