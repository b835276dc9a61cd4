#!/usr/bin/env bash
# Nodes of a tenant reach each other on the same and on other hosts; nobody else is there.
. "$(dirname "$0")/_init.sh"

for pair in "a 10.0.0.3" "a 10.0.0.4" "a 10.0.0.5" "g 10.0.0.2" "g 10.0.0.5" "k 10.0.0.3" "k 10.0.0.4" "c 10.0.0.2" \
    "ya 10.0.0.3" "yg 10.0.0.2"; do
    read -r from address <<<"$pair"
    expect "$from to $address" "$(replies "$from" "$address")" 20
done
# Tenant Y has neither a c nor a k, though another tenant does.
expect "ya to 10.0.0.4" "$(replies ya 10.0.0.4 1)" 0
expect "yg to 10.0.0.5" "$(replies yg 10.0.0.5 1)" 0
