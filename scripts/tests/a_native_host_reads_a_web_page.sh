#!/usr/bin/env bash
# A host of the substrate that knows nothing of ours reads a page in a guest, and guests on two hosts
# read one of its, by the virtual address that stands for it. Its kernel drops wrong checksums.
. "$(dirname "$0")/_init.sh"

add_native
head -c 3000000 /dev/urandom >"$WORK/page"
guest=$(substrate_address s "$TENANT_Y" 10.0.0.3)
echo "the guest's substrate address: $guest"

# read_page NODE URL: as it was written.
read_page() {
    in_lab "$1" curl -gsS --max-time 20 -o "$WORK/read" "$2" || fail "$1 cannot read $2"
    cmp "$WORK/page" "$WORK/read" || fail "$1 read something else from $2"
    echo "$1 read $2"
}

serve yg 10.0.0.3 "$WORK"
serve native "$NATIVE_ADDRESS" "$WORK"
read_page native "http://[$guest]/page"
read_page ya "http://$NATIVE_DUMMY/page"
read_page yg "http://$NATIVE_DUMMY/page"
for node in native ya yg; do
    expect "wrong checksums in $node" "$(wrong_checksums "$node")" 0
done

# Tenant Z has no native peers: neither of the two finds the other.
expect "replies to a guest of Z" "$(replies a "$NATIVE_DUMMY" 1)" 0
expect "replies to the native host" "$(replies native "$(substrate_address s "$TENANT_Z" 10.0.0.3)" 1)" 0
expect "unexplained" "$(ask s | jq .balance.unexplained)" 0
