# shellcheck shell=bash
# The hosts' configurations: the files of scripts/lab.d, and the group as the environment wants it.
# With LAB_GROUP=none there is no group and no j: hosts then say nothing to each other, so that their
# books can be held against the kernel's counters to the packet. With LAB_MULTICAST=on nodes of z may send
# to many; they are then asked every other second what they listen to.

# What the environment may say, and what holds if it does not.
group_settings() {
    : "${LAB_COPIES:=deliver}" "${LAB_FAN_OUT:=sender}" "${LAB_INTERVAL_MS:=50}" "${LAB_DETECT_MULT:=3}"
    : "${LAB_ON_ISOLATION:=mute}" "${LAB_CHECKPOINT_MARGIN_MS:=100}" "${LAB_GROUP_EXTRA:=}"
    : "${LAB_GROUP:=g+j}" "${LAB_MULTICAST:=off}"
}

# write_configs: into $LAB_CONFIGS.
write_configs() {
    local file without=()
    group_settings
    [[ $LAB_GROUP != none ]] || without+=(-e '/@GROUP@/,/@END@/d')
    [[ $LAB_MULTICAST != off ]] || without+=(-e '/@MULTICAST@/,/@END@/d')
    rm -rf "$LAB_CONFIGS"
    mkdir -p "$LAB_CONFIGS"
    for file in "$ROOT"/scripts/lab.d/*.toml; do
        sed -e "s|@STATE@|$LAB_STATE/state|" "${without[@]}" "$file" >"$LAB_CONFIGS/${file##*/}"
    done
    if [[ $LAB_GROUP == none ]]; then
        echo "# Written by scripts/lab: no group." >"$LAB_CONFIGS/group.toml"
        return
    fi
    cat >"$LAB_CONFIGS/group.toml" <<END
# Written by scripts/lab: g on s is the primary, j on t its replica, r decides.

[[group]]
network = "z"
address = "10.0.0.3"
members = ["g", "j"]
copies = "$LAB_COPIES"
fan_out = "$LAB_FAN_OUT"
interval_ms = $LAB_INTERVAL_MS
detect_mult = $LAB_DETECT_MULT
on_isolation = "$LAB_ON_ISOLATION"
checkpoint_margin_ms = $LAB_CHECKPOINT_MARGIN_MS
$LAB_GROUP_EXTRA

[manager]
host = "r"
state_dir = "$LAB_STATE/state/manager"
END
}
