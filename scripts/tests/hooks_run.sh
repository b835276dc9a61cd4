#!/usr/bin/env bash
# The hook is run on promotion and on demotion, with group, epoch and role.
HOOKS=$(mktemp -d)
cat >"$HOOKS/hook" <<END
#!/bin/sh
echo "\$*" >>$HOOKS/calls
END
chmod +x "$HOOKS/hook"
export LAB_GROUP_EXTRA="hook = \"$HOOKS/hook\"
hook_wait = true"
. "$(dirname "$0")/_init.sh"

await_protected
move_to t
await_protected
called() { grep -q "$1" "$HOOKS/calls" 2>/dev/null; }
eventually 3 called "$GROUP .*primary" || fail "no call on promotion: $(cat "$HOOKS/calls")"
eventually 3 called "$GROUP .*demoted" || fail "no call on demotion: $(cat "$HOOKS/calls")"
cat "$HOOKS/calls"
rm -rf "$HOOKS"
expect "pings" "$(replies a 10.0.0.3)" 20
