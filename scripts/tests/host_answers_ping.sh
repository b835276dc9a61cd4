#!/usr/bin/env bash
# A host answers ping on its uplink address and, routed like any other, on its control address.
. "$(dirname "$0")/_init.sh"

for number in 1 2 3; do
    expect "2001:db8:0:$number::2" "$(replies router "2001:db8:0:$number::2")" 20
done
for host in "${HOSTS[@]}"; do
    control=$(ask "$host" | jq -r '.hosts[] | select(.is_self) | .control_address')
    expect "control address of $host, $control" "$(replies router "$control")" 20
done
# An address of the locator that nobody has is dropped, not sent back.
expect "nobody's address" "$(replies router fd00:aa:0:100::99 1)" 0
