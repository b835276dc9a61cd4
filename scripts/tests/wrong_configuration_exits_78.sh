#!/usr/bin/env bash
# A configuration that cannot run ends with 78 before anything is touched, and names its line.
. "$(dirname "$0")/_init.sh"

cp "$LAB_CONFIGS"/{fabric,group}.toml "$WORK/"
sed 's/mtu = 1600/mtu = 1500/' "$LAB_CONFIGS/r.toml" >"$WORK/r.toml"
for verb in "check" "--config"; do
    code=0
    "$BIN/understudyd" "$verb" "$WORK/r.toml" >"$WORK/message" 2>&1 || code=$?
    cat "$WORK/message"
    expect "exit code of $verb" "$code" 78
    grep -q 'r.toml' "$WORK/message" || fail "the message does not name the file"
done
"$BIN/understudyd" check "$LAB_CONFIGS/r.toml" || fail "the lab's own configuration is refused"
expect "the lab goes on" "$(replies a 10.0.0.3)" 20
