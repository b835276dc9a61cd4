# shellcheck shell=bash
# What is in the lab: names and addresses, nothing that runs. See docs/lab.md for the picture.

# Every network namespace of the lab starts with this, so that nothing else is ever touched.
LAB_PREFIX=us-
LAB_STATE=$ROOT/target/lab
# Written by `lab up`: the files of scripts/lab.d, and the group as the environment wants it.
LAB_CONFIGS=$LAB_STATE/configs
BIN=${CARGO_TARGET_DIR:-$ROOT/target}/release

HOSTS=(r s t)
declare -A HOST_NUMBER=([r]=1 [s]=2 [t]=3)
declare -A LOCATOR=([r]=fd00:aa:0:100::/56 [s]=fd00:aa:0:200::/56 [t]=fd00:aa:0:300::/56)

# A guest's name in `lab exec`, then: namespace, host, interface there, address.
GUESTS=(a c g m j k ya yg)
declare -A GUEST=(
    [a]="za r z-a 10.0.0.2"
    [c]="zc r z-c 10.0.0.4"
    [g]="zg s z-g 10.0.0.3"
    # on a subnet of its own, and what lies behind it is its own as well
    [m]="zm s z-m 10.0.1.6"
    # g and j are one node in two places: the group z/10.0.0.3
    [j]="zj t z-j 10.0.0.3"
    [k]="zk t z-k 10.0.0.5"
    [ya]="ya r y-a 10.0.0.2"
    [yg]="yg s y-g 10.0.0.3"
)
export TENANT_Z=0x123456 TENANT_Y=0x654321

GUEST_MTU=1500
# The guest's packet, 20 bytes for the longer header, 8 for a Fragment header; and room to spare.
UPLINK_MTU=1600

# namespace_of NODE: the namespace of a guest, a host or the router.
namespace_of() {
    local node=$1 guest
    case $node in
        router | native | r | s | t) echo "$LAB_PREFIX$node" ;;
        *)
            guest=${GUEST[$node]:-}
            [[ $guest ]] || fail "no node \"$node\" in the lab; there are: ${GUESTS[*]} ${HOSTS[*]} router native"
            echo "$LAB_PREFIX${guest%% *}"
            ;;
    esac
}

# virtual_mac ADDRESS: the MAC address that belongs to a virtual IPv4 address, on every host.
virtual_mac() {
    local a b c d
    IFS=. read -r a b c d <<<"$1"
    printf '02:55:%02x:%02x:%02x:%02x\n' "$a" "$b" "$c" "$d"
}

namespaces() {
    ip netns list | awk -v prefix="$LAB_PREFIX" 'index($1, prefix) == 1 { print $1 }'
}
