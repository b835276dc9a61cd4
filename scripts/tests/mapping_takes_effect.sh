#!/usr/bin/env bash
# A mapping added on the command line takes effect for the next packet, and so does its removal.
. "$(dirname "$0")/_init.sh"

understudy() { "$BIN/understudy" --host r "$@"; }
# The guest needs no answer to its ARP request: the question is what the host does.
in_lab a ip neighbour add 10.0.0.9 lladdr "$(virtual_mac 10.0.0.9)" dev eth0
send_to_nobody() { probe_in a udp source 10.0.0.9:7000 --tenant "$TENANT_Z" --count 100 >/dev/null; }
counts() { echo "$(drops r encode_no_mapping) on r, $(drops s decode_unknown_destination) on s"; }
# settles WHAT EXPECTED: the last packets may still be on their way.
settles() {
    arrived() { [[ $(counts) == "$1" ]]; }
    eventually 3 arrived "$2" || true
    expect "$1" "$(counts)" "$2"
}

send_to_nobody
settles "without a mapping" "100 on r, 0 on s"
understudy mapping add z 10.0.0.9 s
send_to_nobody
settles "with a mapping to s" "100 on r, 100 on s"
understudy mapping remove z 10.0.0.9
send_to_nobody
settles "after its removal" "200 on r, 100 on s"

printf 'z 10.0.2.%d t\n' {1..200} | understudy mapping load - && fail "addresses outside the subnet were taken"
printf 'z 10.0.0.%d t\n' {100..200} | understudy mapping load -
expect "mappings" "$(ask r | jq .mappings)" 108
