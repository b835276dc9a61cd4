# The report of the quickstart. Every figure that must be zero stands beside the number of attempts
# that could have made it more. A step that failed left null, which no criterion accepts.

def sum(f): map(f // 0) | add;

def criterion($claim; $holds; $found): {claim: $claim, holds: ($holds == true), found: ($found | tostring)};

([$seen_a, $seen_c, $seen_g, $seen_ya, $seen_yg] | {searched: sum(.packets), foreign: sum(.foreign)}) as $seen
| ([$tenant_z, $tenant_y] | {received: sum(.received), foreign: sum(.foreign)}) as $sinks
| ([$compare_ag, $compare_ga] | {
    compared: sum(.compared), different: sum(.different), missing: sum(.missing),
    next_header_different: sum(.next_header_different), ttl_different: sum(.ttl_different),
    overhead: (map(.overhead_bytes_min, .overhead_bytes_max) | unique)
  }) as $compared
| {
    ping: $ping,
    tcp: (if $tcp then $tcp | {bytes, sha256_match, gbit_per_s, seconds, sha256} else null end),
    parallel: {
        tcp: ($tcp_64 | if . then {connections, bytes, sha256_match, gbit_per_s} else null end),
        udp: ($udp_64 | if . then {flows, sent, received, lost, duplicates, damaged, tries} else null end)
    },
    sizes: ($sizes | if . then {smallest_packet_bytes: 28, largest_packet_bytes: 1500, sizes, sent, received, lost, damaged, tries} else null end),
    rate: ($rate | if . then {packets_per_s: (.sent / .seconds | round), sent, received, lost, duplicates, tries} else null end),
    same_host: {
        packets_sent: $same_host.sent,
        tcp_bytes: $same_host_tcp.bytes, gbit_per_s: $same_host_tcp.gbit_per_s,
        lost: $same_host.lost, seen_on_substrate: $watch.same_host
    },
    isolation: {
        tenant_packets_checked: ($sinks.received + $seen.searched),
        tenants_with_same_address_mixed: ($sinks.foreign + $seen.foreign),
        spoofed_sent: (($forgeries.sent_by_guest // 0) + ($forgeries.sent_on_substrate // 0)),
        spoofed_sent_by_guest: $forgeries.sent_by_guest, encode_spoofed: $forgeries.encode_spoofed,
        spoofed_sent_on_substrate: $forgeries.sent_on_substrate, decode_spoofed: $forgeries.decode_spoofed,
        spoofed_delivered: $forgeries.delivered
    },
    substrate: {
        ipv6_packets_seen: $compare_ag.ipv6_packets,
        ipv4_packets_seen: (($compare_ag.ipv4_packets // 0) + ($watch.not_ipv6 // 0)),
        payload_compared: $compared.compared, payload_different: $compared.different,
        payload_missing: $compared.missing, next_header_different: $compared.next_header_different,
        ttl_different: $compared.ttl_different,
        overhead_bytes: (if ($compared.overhead | length) == 1 then $compared.overhead[0] else $compared.overhead end)
    },
    hosts: $hosts,
    balance: $balance,
    failover: $failover,
    planned_move: $move,
    barriers: $barriers,
    other_modes: $other_modes
  }
| . as $r
| .criteria = [
    criterion("1,000 pings a to g answered, TTL unchanged";
        $r.ping.sent == 1000 and $r.ping.received == 1000 and $r.ping.ttl_changed == 0 and $r.ping.duplicates == 0;
        "\($r.ping.received) of \($r.ping.sent)"),
    criterion("pings between the other pairs of nodes answered";
        $r.ping.pairs != null and ($r.ping.pairs | all(.sent == 100 and .received == 100));
        [$r.ping.pairs[]? | "\(.from)-\(.to) \(.received)"] | join(", ")),
    criterion("1 GiB over one TCP connection, same SHA-256";
        $r.tcp.bytes >= 1073741824 and $r.tcp.sha256_match; "\($r.tcp.bytes) bytes, \($r.tcp.gbit_per_s // 0 | . * 100 | round / 100) Gbit/s"),
    criterion("64 parallel TCP connections, same content";
        $r.parallel.tcp.connections == 64 and $r.parallel.tcp.sha256_match; "\($r.parallel.tcp.bytes) bytes"),
    criterion("64 parallel UDP flows, none lost, doubled or damaged";
        $r.parallel.udp.flows == 64 and $r.parallel.udp.lost == 0 and $r.parallel.udp.duplicates == 0 and $r.parallel.udp.damaged == 0;
        "\($r.parallel.udp.received) of \($r.parallel.udp.sent)"),
    criterion("packets of every size from 28 to 1,500 bytes pass";
        $r.sizes.sizes == 1473 and $r.sizes.lost == 0 and $r.sizes.damaged == 0; "\($r.sizes.sizes) sizes"),
    criterion("20,000 packets a second, none lost";
        $r.rate.sent >= 200000 and $r.rate.lost == 0 and $r.rate.packets_per_s >= 19000;
        "\($r.rate.received) of \($r.rate.sent)"),
    criterion("tenants with the same addresses never mixed";
        $r.isolation.tenant_packets_checked >= 10000 and $sinks.received >= 10000 and $r.isolation.tenants_with_same_address_mixed == 0;
        "\($r.isolation.tenants_with_same_address_mixed) of \($r.isolation.tenant_packets_checked)"),
    criterion("forged by a guest: refused as encode_spoofed";
        $r.isolation.spoofed_sent_by_guest >= 1000 and $r.isolation.encode_spoofed == $r.isolation.spoofed_sent_by_guest;
        "\($r.isolation.encode_spoofed) of \($r.isolation.spoofed_sent_by_guest)"),
    criterion("forged on the substrate: refused as decode_spoofed";
        $r.isolation.spoofed_sent_on_substrate >= 1000 and $r.isolation.decode_spoofed == $r.isolation.spoofed_sent_on_substrate;
        "\($r.isolation.decode_spoofed) of \($r.isolation.spoofed_sent_on_substrate)"),
    criterion("no forged packet delivered"; $r.isolation.spoofed_sent >= 2000 and $r.isolation.spoofed_delivered == 0;
        "\($r.isolation.spoofed_delivered) of \($r.isolation.spoofed_sent)"),
    criterion("the router sees IPv6 only";
        $r.substrate.ipv6_packets_seen >= 2000 and $r.substrate.ipv4_packets_seen == 0 and $watch.not_ipv6 == 0;
        "\($r.substrate.ipv4_packets_seen) others beside \($r.substrate.ipv6_packets_seen)"),
    criterion("payload, protocol and TTL on the wire as the guest sent them";
        $r.substrate.payload_compared >= 1000 and $r.substrate.payload_different == 0
            and $r.substrate.next_header_different == 0 and $r.substrate.ttl_different == 0;
        "\($r.substrate.payload_different) of \($r.substrate.payload_compared) differ"),
    criterion("it costs 20 bytes a packet"; $r.substrate.overhead_bytes == 20; $r.substrate.overhead_bytes),
    criterion("traffic within a host never crosses the wire";
        $r.same_host.packets_sent >= 5000 and $r.same_host.lost == 0 and $same_host_tcp.sha256_match and $r.same_host.seen_on_substrate == 0;
        "\($r.same_host.seen_on_substrate) of \($r.same_host.packets_sent) and \($r.same_host.tcp_bytes) TCP bytes"),
    criterion("three hosts ran to the end"; $r.hosts == 3; $r.hosts),
    criterion("sent = delivered + dropped, on every host";
        $r.balance.sent > 100000 and $r.balance.unexplained == 0;
        "\($r.balance.sent) = \($r.balance.delivered) + \($r.balance.dropped | [.[]?] | add // 0), \($r.balance.unexplained) unexplained"),
    criterion("host s died \($failover.wanted) times, j on t answered each time";
        $failover != null and $failover.rounds >= $failover.wanted and $failover.promoted == $failover.rounds and $failover.disagreed == 0;
        "\($failover.promoted) of \($failover.rounds)"),
    criterion("its first answer within 250 ms of the death (50 ms x 3)";
        $failover.first_answer_ms != null and ($failover.timers != "50ms x 3" or $failover.first_answer_ms.max <= 250);
        "\($failover.first_answer_ms.p50) ms, \($failover.first_answer_ms.max) at most, \($failover.timers)"),
    # With copies that are delivered, or made by the dying host, losses are counted and printed.
    criterion("no inbound packet lost";
        $failover != null and $failover.inbound_sent >= 20000 * $failover.wanted and ($failover.inbound_lost == 0 or $failover.mode == "deliver" or $failover.fan_out == "primary");
        "\($failover.inbound_lost) of \($failover.inbound_sent), \($failover.mode) mode"),
    criterion("every request answered, though it was sent once";
        $failover != null and ($failover.unanswered == 0 or $failover.mode == "deliver" or $failover.fan_out == "primary");
        "\($failover.unanswered) unanswered, \($failover.duplicates) answered twice"),
    criterion("nothing of the deposed host accepted"; $failover.stale_accepted == 0;
        "\($failover.stale_accepted) of \($failover.stale_sent)"),
    criterion("a sees the same address, MAC and TTL";
        $failover.answers_from_elsewhere == 0 and $failover.arp_changed == 0 and $failover.ttl_changed == 0;
        "\($failover.arp_changed) and \($failover.ttl_changed) of \($failover.rounds) rounds changed"),
    criterion("\($move.wanted) planned moves: nothing lost, nothing doubled";
        $move != null and $move.rounds >= $move.wanted and $move.moved == $move.rounds and $move.lost == 0 and ($move.duplicated == 0 or $move.mode == "deliver");
        "\($move.lost) lost, \($move.duplicated) doubled of \($move.inbound_sent), gap \($move.gap_ms.max) ms"),
    criterion("a deposed host that goes on is refused by all who hear it";
        $barriers.goes_on.stale_sent >= 1000 and $barriers.goes_on.accepted == 0;
        "\($barriers.goes_on.accepted) of \($barriers.goes_on.stale_sent) accepted"),
    criterion("its frames from before its death are refused after a failback";
        $barriers.replayed.replayed >= 1000 and $barriers.replayed.accepted == 0;
        "\($barriers.replayed.accepted) of \($barriers.replayed.replayed) accepted"),
    criterion("deaths with copies delivered, or made by the dying host: survived";
        $other_modes != null and ($other_modes | length == 3 and all(.rounds >= .wanted and .promoted == .rounds and .stale_accepted == 0));
        [$other_modes[]? | "\(.mode)/\(.fan_out): \(.inbound_lost) lost, \(.unanswered) unanswered"] | join("; "))
]
# The criteria before the first death are those of the overlay.
| if $overlay_only then .criteria |= .[:(map(.claim | startswith("host s died")) | index(true))] else . end
