# What `probe plot` draws: a row a kind.
{
    title: "How long nobody answers: \(.kinds[0].rounds) rounds of each fault",
    note: "\(.per_second) requests a second from a third host, \(.timers), \(.mode) mode; \(.machine); \(.date)",
    rows: [.kinds[] | {
        label: .title,
        section: (if .kind | startswith("keepalived") then "keepalived (VRRP), the owner\u2019s cable pulled"
            elif .should_promote == "no" then "Understudy: the owner stays, longest gap"
            else "Understudy: from the fault to the first answer after it" end),
        ms: .times_ms
    }],
    marks: [{ms: .detection_ms, label: "our detection, \(.detection_ms) ms"}]
}
