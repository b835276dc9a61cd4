# shellcheck shell=bash
# What `understudy group` says of the lab's only group; nothing else reads its output.

GROUP=z/10.0.0.3
# A member's guest and the id of its answers, by host.
declare -A MEMBER=([s]=g [t]=j) ANSWERER=([s]=1 [t]=2)
# How long a member may take to be listed in-sync again.
PROTECTED_SECONDS=15

# group VERB ARGS...: asked of the manager's host.
group() { "$BIN/understudy" --host r group "$@"; }

# group_record [HOST]: the group as a host sees it, {} if it does not answer.
group_record() {
    "$BIN/understudy" --host "${1:-r}" group show "$GROUP" -o json 2>/dev/null || echo '{}'
}

# owner: the host of the primary, as the manager's host knows it; empty if there is none.
owner() { group_record | jq -r '.owner // empty'; }

# peer_of HOST: the other member's host.
peer_of() { [[ $1 == s ]] && echo t || echo s; }

# epoch [HOST]: term, sequence and generation, in the order in which they are compared.
epoch() {
    group_record "${1:-r}" | jq -c '(.epoch // "0.0" | split(".") | map(tonumber)) + [.generation // 0]'
}

# role HOST: what a host says that it is in the group.
role() { group_record "$1" | jq -r '.role // "unknown"'; }

# is_protected: somebody owns it, and the other member may be promoted.
is_protected() {
    group_record | jq -e '
        .state == "active" and .owner != null
        and ([.members[] | select(.state == "in_sync") | .host] | unique == ["s", "t"])' >/dev/null
}

# agree: all hosts name the same owner and epoch.
agree() {
    local host records
    records=$(for host in "${HOSTS[@]}"; do group_record "$host"; done)
    jq -es 'map([.owner, .epoch, .generation]) | unique | length == 1 and .[0][0] != null' \
        <<<"$records" >/dev/null
}

# await SECONDS COMMAND...: until it succeeds.
await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

# In buffer mode a replica that came back is in step from the next checkpoint on.
is_protected_soon() {
    is_protected && return
    [[ ${LAB_COPIES:-deliver} != buffer ]] || group checkpoint "$GROUP" >/dev/null 2>&1 || true
    sleep 0.2
    is_protected
}

await_protected() {
    await $PROTECTED_SECONDS is_protected_soon ||
        fail "the group is not protected again after $PROTECTED_SECONDS s: $(group_record | jq -c .)"
}

owned_by() { [[ $(owner) == "$1" ]]; }

# move_to HOST: a planned move, unless it is there already.
move_to() {
    ! owned_by "$1" || return 0
    group move "$GROUP" --to "$1" >/dev/null
    await 5 owned_by "$1" || fail "the group did not move to $1: $(group_record | jq -c .)"
}

# await_owner_leaves HOST SECONDS
await_owner_leaves() {
    await "$2" owned_by_another "$1"
}

owned_by_another() {
    local now
    now=$(owner)
    [[ $now && $now != "$1" ]]
}
