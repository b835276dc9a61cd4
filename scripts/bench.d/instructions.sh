# shellcheck shell=bash
# How many instructions do the packet path's parts take? valgrind counts them, the same on any day;
# bench/instructions.txt has what they took when somebody last looked.

INSTRUCTIONS_BASELINE=$ROOT/bench/instructions.txt
# A part may take so many per cent more or fewer than the baseline says, or so many instructions: of the
# smallest, one is more than that share.
INSTRUCTIONS_WITHIN=2

# count_instructions PROGRAM NAME TIMES: of one NAME.
count_instructions() {
    local collected
    collected=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
        --toggle-collect='*instructions*counted*' "$1" "$2" 2>&1 |
        awk '/Collected *:/ { print $NF }')
    [[ $collected =~ ^[1-9][0-9]*$ ]] || fail "callgrind counted nothing in $2"
    echo $((collected / $3))
}

# instructions [--update]
instructions() {
    local program name times now was directory=${CARGO_TARGET_DIR:-$ROOT/target} failed=0
    local -a names
    command -v valgrind >/dev/null || fail "valgrind is not installed: scripts/install-dependencies does"
    # A profile of its own: what the counts depend on does not depend on who builds.
    cargo build --quiet --locked --profile instructions -p micro --bin instructions
    program=$directory/instructions/instructions
    read -r times names < <("$program" list)
    read -ra names <<<"$names"
    if [[ ${1:-} == --update ]]; then
        for name in "${names[@]}"; do
            printf '%s %s\n' "$name" "$(count_instructions "$program" "$name" "$times")"
        done >"$INSTRUCTIONS_BASELINE.new"
        mv "$INSTRUCTIONS_BASELINE.new" "$INSTRUCTIONS_BASELINE"
        cat "$INSTRUCTIONS_BASELINE"
        return
    fi
    [[ -f $INSTRUCTIONS_BASELINE ]] || fail "there is no $INSTRUCTIONS_BASELINE to compare with: scripts/bench instructions --update makes it"
    for name in "${names[@]}"; do
        now=$(count_instructions "$program" "$name" "$times")
        was=$(awk -v name="$name" '$1 == name { print $2 }' "$INSTRUCTIONS_BASELINE")
        [[ -n $was ]] || fail "$INSTRUCTIONS_BASELINE does not know $name: scripts/bench instructions --update"
        awk -v name="$name" -v now="$now" -v was="$was" -v within=$INSTRUCTIONS_WITHIN 'BEGIN {
            change = (now / was - 1) * 100
            printf "%-14s %7d instructions, %+.1f %% against %d\n", name, now, change, was
            exit (change > within || change < -within) && (now - was > within || was - now > within)
        }' || failed=1
    done
    ((failed == 0)) || fail "more than $INSTRUCTIONS_WITHIN % from bench/instructions.txt: find out why, then scripts/bench instructions --update"
}
