# shellcheck shell=bash
# A look at pktgen: two memif devices, understudyd between them, every packet accounted for.

# pktgen_host DIRECTORY: writes a profile and the host's configuration there.
pktgen_host() {
    local directory=$1
    mkdir -p "$directory"
    cat >"$directory/profile.toml" <<END
[generator]
core = 0
[port.guest]
device = "net_memif0,role=server,id=0,socket=$directory/guest.sock,socket-abstract=no"
[port.uplink]
device = "net_memif1,role=server,id=1,socket=$directory/uplink.sock,socket-abstract=no"
[traffic]
direction = "both"
sizes = "imix"
mappings = 1000
[device_under_test]
command = ["$BINARIES/understudyd", "--config", "$directory/r.toml"]
ready = "ready: host"
then = [["$BINARIES/understudy", "--socket", "$directory/r.sock", "mapping", "load", "$directory/mappings.txt"]]
END
    cat >"$directory/r.toml" <<END
include = ["fabric.toml"]
[host]
name = "r"
workers = [1]
socket = "$directory/r.sock"
[uplink]
device = "net_memif0,role=client,id=1,socket=$directory/uplink.sock,socket-abstract=no"
address = "2001:db8:0:1::2/64"
next_hop = "2001:db8:0:1::1"
next_hop_mac = "02:00:00:00:01:01"
mac = "02:00:00:00:01:02"
mtu = 1600
[[port]]
node = "z/guest"
device = "net_memif1,role=client,id=0,socket=$directory/guest.sock,socket-abstract=no"
END
    "$BINARIES/pktgen" world "$directory/profile.toml" --out "$directory"
}

# What came back must be what was sent, once; how much and how fast is not judged.
pktgen_smoke() {
    # Short: a socket's path has at most 107 bytes.
    local directory answer
    directory=$(mktemp -d /tmp/pktgen.XXXXXX)
    # shellcheck disable=SC2064 # the directory of now
    trap "return_hugepages; rm -rf '$directory'" EXIT
    take_hugepages "$PAGES_QUICK"
    pktgen_host "$directory"
    answer=$("$BINARIES/pktgen" trial "$directory/profile.toml" --rate 50000 --trial-s 1 --json)
    rm -rf "$directory"
    return_hugepages
    echo "$answer" | jq -e '.result
        | .originals.received > 0 and .compared > 0
          and .damaged == 0 and .foreign == 0 and .originals.duplicates == 0 and .originals.invented == 0' >/dev/null ||
        fail "pktgen: what came back is not what was sent: $answer"
    echo "$answer" | jq -r '.result | "pktgen: \(.sent) packets sent over memif, \(.lost) lost, none damaged or doubled"'
}
