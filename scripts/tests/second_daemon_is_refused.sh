#!/usr/bin/env bash
# A second daemon of the same name is refused with a sentence, and the first goes on.
. "$(dirname "$0")/_init.sh"

code=0
timeout 10 ip netns exec "$(namespace_of r)" "$BIN/understudyd" --config "$LAB_CONFIGS/r.toml" \
    >"$WORK/second" 2>&1 || code=$?
cat "$WORK/second"
((code != 0 && code < 124)) || fail "the second daemon ended with code $code"
grep -qi 'already\|another' "$WORK/second" || fail "its message does not say that another one runs"
expect "the first goes on" "$(replies a 10.0.0.3)" 20
