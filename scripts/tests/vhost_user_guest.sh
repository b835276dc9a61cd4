#!/usr/bin/env bash
# A guest behind vhost-user, as QEMU would attach one: dpdk-testpmd's virtio_user is the guest's side
# and serves the socket, host t connects to it. Its packets reach a on host r; after kill -9 of the
# daemon they flow again, without a word to the guest.
. "$(dirname "$0")/_init.sh"

lab stop t
sed -e "s|^include.*|include = [\"$LAB_CONFIGS/fabric.toml\"]|" \
    -e "s|^device = \"net_af_xdp2.*|device = \"net_vhost0,iface=$WORK/k.sock,client=1\"|" \
    -e 's|^memory_mib.*|memory_mib = 160|' "$LAB_CONFIGS/t.toml" >"$WORK/t.toml"
cp "$LAB_CONFIGS"/{fabric,group}.toml "$WORK"
LAB_CONFIGS=$WORK start_daemon t
await_daemon t
expect "link before the guest is there" "$(ask t | jq -r '.ports[] | select(.name == "z/k") | .link_up')" false

# Single file segments: vhost-user passes at most eight pieces of memory. It runs until its stdin ends.
dpdk-testpmd --lcores 0@0,1@1 --no-pci --single-file-segments --file-prefix understudy-guest -m 64 \
    --vdev "net_virtio_user0,path=$WORK/k.sock,server=1,mac=02:55:0a:00:00:05" -- \
    --forward-mode=txonly --tx-ip=10.0.0.5,10.0.0.2 --eth-peer=0,02:55:0a:00:00:02 \
    --total-num-mbufs=4096 >"$WORK/testpmd.log" 2>&1 < <(exec sleep 60) &

arrived() { ask r | jq '.ports[] | select(.name == "z/a") | .tx_packets'; }
flows() {
    local before
    before=$(arrived)
    sleep 0.3
    (($(arrived) > before + 1000))
}
eventually 10 flows || fail "nothing arrives: $(tail -n 5 "$WORK/testpmd.log")"
expect "link" "$(ask t | jq -r '.ports[] | select(.name == "z/k") | .link_up')" true
expect "dropped at the guest's port" "$(ask t | jq -c '.ports[] | select(.name == "z/k") | .drops')" '{}'

kill -KILL "$(daemon_pid t)"
await_end "$(<"$LAB_STATE/t.pid")" 3
LAB_CONFIGS=$WORK start_daemon t
eventually 10 flows || fail "nothing arrives after the daemon was killed: $(tail -n 5 "$LAB_STATE/t.log")"
echo "packets flow again after kill -9"
