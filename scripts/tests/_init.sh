# shellcheck shell=bash
# Sourced first by every test: a lab of its own, gone at the end whatever happens.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
WORK=$(mktemp -d)
fail() {
    echo "FAILED: $*" | tee "$WORK/failure" >&2
    exit 1
}
for part in topology configs network hugepages daemons observe balance faults group rounds kinds native; do
    . "$ROOT/scripts/lab.d/$part.sh"
done

lab() { "$ROOT/scripts/lab" "$@"; }

finish() {
    local code=$?
    # shellcheck disable=SC2046 # one word a process
    kill $(jobs -p) 2>/dev/null || true
    ((code == 0)) || tail -n 20 "$LAB_STATE"/*.log >&2 || true
    # Once more, where whoever reads only the end sees it.
    cat "$WORK/failure" >&2 2>/dev/null || true
    lab down
    rm -rf "$WORK"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
lab up

# expect WHAT FOUND EXPECTED
expect() {
    [[ $2 == "$3" ]] || fail "$1: $2, expected $3"
    echo "$1: $2"
}

# replies FROM ADDRESS [COUNT]: how many of COUNT pings were answered.
replies() {
    in_lab "$1" ping -n -q -i 0.01 -W 1 -c "${3:-20}" "$2" | awk '/ received/ { print $4 }' || true
}

# eventually SECONDS COMMAND...: until it succeeds.
eventually() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

answers() { in_lab "$1" ping -n -q -W 1 -c 1 "$2" >/dev/null; }
