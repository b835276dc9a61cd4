# shellcheck shell=bash
# What has happened in the lab: counters of the hosts and of the kernel, captures, both ends of a probe.

PROBE=$BIN/probe
# The process that start_receiver or start_capture started last.
receiver=
capture=

in_lab() { "$ROOT/scripts/lab" exec "$@"; }

# drops HOST REASON: how many packets a host has dropped for a reason.
drops() {
    ask "$1" | jq --arg reason "$2" '[.drops[] | select(.reason == $reason) | .packets] | add // 0'
}

# probe_in NODE ARGS...: runs the probe in a node.
probe_in() {
    local node=$1
    shift
    in_lab "$node" "$PROBE" "$@"
}

# start_receiver NODE OUTPUT ARGS...: starts a probe that receives and waits until it listens. Its
# process is in $receiver, its report will be in OUTPUT.
start_receiver() {
    local node=$1 output=$2
    shift 2
    "$ROOT/scripts/lab" exec "$node" "$PROBE" "$@" >"$output" 2>"$output.log" &
    receiver=$!
    await_line "$output.log" '^listening' "$receiver"
}

# start_capture WHERE FILE [ARGS]: captures whole packets. Its process is in $capture.
start_capture() {
    local where=$1 file=$2
    shift 2
    "$ROOT/scripts/lab" capture "$where" -w "$file" "${CAPTURE_OPTIONS[@]}" "$@" 2>"$file.log" &
    capture=$!
    await_line "$file.log" 'listening on' "$capture"
}

# Room for a second of traffic, no waiting for full blocks, and the file stays root's.
CAPTURE_OPTIONS=(-s 0 -B 65536 --immediate-mode -Z root)

# stop_captures PID...: lets them write what they have seen.
stop_captures() {
    sleep 0.3
    kill -INT "$@"
    wait "$@" 2>/dev/null || true
}

# await_line FILE PATTERN PID: until the process has said so.
await_line() {
    local tries=200
    until grep -q "$2" "$1" 2>/dev/null; do
        if ((tries-- == 0)) || ! kill -0 "$3" 2>/dev/null; then
            fail "a process did not start: $(cat "$1")"
        fi
        sleep 0.05
    done
}
