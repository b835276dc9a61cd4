#!/usr/bin/env bash
# A guest with another's address, and the substrate with the wrong host's: dropped, counted, named.
. "$(dirname "$0")/_init.sh"

datagram=(--tenant "$TENANT_Z" --destination 10.0.0.3:7000 --count 500)
start_receiver g "$WORK/g" udp sink 10.0.0.3:7000 --tenant "$TENANT_Z" --patience-ms 3000
probe_in a forge guest eth0 --to-mac "$(virtual_mac 10.0.0.3)" --source 10.0.0.4 "${datagram[@]}" >/dev/null
probe_in router forge substrate to-s --to-mac "$(ask s | jq -r .uplink.mac)" --source 10.0.0.2 \
    --from-locator "${LOCATOR[t]}" --to-locator "${LOCATOR[s]}" "${datagram[@]}" >/dev/null
wait "$receiver"
expect "encode_spoofed on r" "$(drops r encode_spoofed)" 500
expect "decode_spoofed on s" "$(drops s decode_spoofed)" 500
expect "delivered to g" "$(jq .received "$WORK/g")" 0

# The same frames with the true source and host do arrive: nothing but the forgery was refused.
start_receiver g "$WORK/honest" udp sink 10.0.0.3:7000 --tenant "$TENANT_Z" --patience-ms 3000
probe_in a forge guest eth0 --to-mac "$(virtual_mac 10.0.0.3)" --source 10.0.0.2 "${datagram[@]}" >/dev/null
probe_in router forge substrate to-s --to-mac "$(ask s | jq -r .uplink.mac)" --source 10.0.0.5 \
    --from-locator "${LOCATOR[t]}" --to-locator "${LOCATOR[s]}" "${datagram[@]}" >/dev/null
wait "$receiver"
expect "honest ones delivered to g" "$(jq .received "$WORK/honest")" 1000
