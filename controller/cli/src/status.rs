//! How the host is doing, printed.

use std::io::{self, Write};

use api::{
    Balance, MessageStatus, MulticastStatus, NativeStatus, Status, UplinkStatus, percentile_ns,
};
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

use crate::arguments::Format;

/// Prints the status; `all` includes the drop reasons that never happened.
pub fn write(out: &mut impl Write, status: &Status, format: Format, all: bool) -> io::Result<()> {
    if format == Format::Json {
        serde_json::to_writer_pretty(&mut *out, status)?;
        return writeln!(out);
    }
    head(out, status)?;
    for part in [hosts(status), ports(status), nodes(status), workers(status)] {
        writeln!(out, "\n{part}")?;
    }
    if !status.path_mtus.is_empty() {
        writeln!(out, "\n{}", path_mtus(status))?;
    }
    if !status.native.peers.is_empty() {
        writeln!(out, "\n{}", natives(status))?;
    }
    if status.multicast != MulticastStatus::default() {
        writeln!(out, "\n{}", multicast(&status.multicast))?;
    }
    writeln!(out, "\n{}", drops(status, all))?;
    writeln!(out, "\n{}", balance(&status.balance))
}

fn head(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let Status {
        host,
        version,
        pid,
        uptime_s,
        table_version,
        mappings,
        uplink,
        ..
    } = status;
    let UplinkStatus {
        device,
        driver,
        address,
        mac,
        next_hop,
        next_hop_mac,
        mtu,
    } = uplink;
    let up = duration(*uptime_s);
    let router = match next_hop_mac {
        Some(mac) => format!("at {mac}"),
        None => "not found yet: nothing can be sent".to_owned(),
    };
    writeln!(
        out,
        "host      {host}, understudyd {version}, process {pid}, up {up}"
    )?;
    let built = match percentile_ns(&status.tables_built, 0.99) {
        Some(ns) => format!(", changed in {} (p99)", microseconds(ns)),
        None => String::new(),
    };
    writeln!(
        out,
        "tables    version {table_version}, {mappings} mappings{built}"
    )?;
    writeln!(
        out,
        "uplink    {device} ({driver}), {address}, {mac}, MTU {mtu}"
    )?;
    writeln!(out, "next hop  {next_hop}, {router}")?;
    match status.controller.messages {
        messages if messages == MessageStatus::default() => Ok(()),
        messages => writeln!(out, "messages  {}", self::messages(&messages)),
    }
}

/// What became of messages between hosts.
fn messages(messages: &MessageStatus) -> String {
    let MessageStatus {
        received,
        refused,
        over_budget,
        sent,
        unsent,
        notes_lost,
    } = messages;
    format!(
        "received {received}, refused {refused}, over budget {over_budget}; sent {sent}, without a \
         session {unsent}; events lost {notes_lost}"
    )
}

fn hosts(status: &Status) -> String {
    let rows = status.hosts.iter().map(|host| {
        [
            this(&host.name, host.is_self),
            host.locator.clone(),
            host.control_address.to_string(),
        ]
    });
    table(["HOST", "LOCATOR", "CONTROL ADDRESS"], rows, &[])
}

fn path_mtus(status: &Status) -> String {
    let rows = status.path_mtus.iter().map(|path| {
        [
            path.host.clone(),
            path.mtu.to_string(),
            duration(path.forgotten_in_s),
        ]
    });
    table(["PATH TO", "MTU", "FORGOTTEN IN"], rows, &[1])
}

fn natives(status: &Status) -> String {
    let native = &status.native;
    let rows = native.peers.iter().map(|peer| {
        let name = format!("{}/{}", peer.network, peer.address);
        [name, peer.ipv6.clone()]
    });
    let NativeStatus {
        up, down, errors, ..
    } = native;
    let peers = table(["NATIVE PEER", "IPV6"], rows, &[]);
    format!("{peers}\n{up} packets to native peers, {down} from them, {errors} errors to them")
}

fn multicast(multicast: &MulticastStatus) -> String {
    let MulticastStatus {
        groups,
        sent,
        to_hosts,
        to_nodes,
        queries,
        reports,
        announced,
    } = multicast;
    let rows = groups.iter().map(|group| {
        [
            format!("{}/{}", group.network, group.address),
            group.subnet.clone(),
            listed(&group.nodes),
            listed(&group.hosts),
        ]
    });
    let groups = table(["GROUP", "SUBNET", "LISTENING HERE", "AND AT"], rows, &[]);
    format!(
        "{groups}\nnodes sent {sent} to many: {to_hosts} copies to other hosts; {to_nodes} copies to \
         nodes; {queries} queries, {reports} reports heard, {announced} announced"
    )
}

/// Names with commas between them.
fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "-".to_owned()
    } else {
        names.join(", ")
    }
}

fn ports(status: &Status) -> String {
    let rows = status.ports.iter().map(|port| {
        [
            port.name.clone(),
            port.device.clone(),
            or_dash(port.worker),
            if port.link_up { "up" } else { "down" }.to_owned(),
            port.rx_packets.to_string(),
            port.rx_bytes.to_string(),
            port.tx_packets.to_string(),
            port.tx_bytes.to_string(),
            port.drops.values().sum::<u64>().to_string(),
        ]
    });
    let header = [
        "PORT",
        "DEVICE",
        "WORKER",
        "LINK",
        "RX PACKETS",
        "RX BYTES",
        "TX PACKETS",
        "TX BYTES",
        "DROPPED",
    ];
    table(header, rows, &[2, 4, 5, 6, 7, 8])
}

fn nodes(status: &Status) -> String {
    let rows = status.nodes.iter().map(|node| {
        [
            format!("{}/{}", node.network, node.name.as_deref().unwrap_or("-")),
            node.address.to_string(),
            this(&node.host, node.local),
            node.mac.to_string(),
            node.generation.to_string(),
        ]
    });
    table(["NODE", "ADDRESS", "HOST", "MAC", "GENERATION"], rows, &[4])
}

fn workers(status: &Status) -> String {
    let rows = status.workers.iter().map(|worker| {
        [
            worker.lcore.to_string(),
            worker.rounds.to_string(),
            or_dash((worker.rounds > 0).then(|| {
                let share = worker.busy_rounds as f64 / worker.rounds as f64;
                format!("{:.1} %", share * 100.0)
            })),
            format!("{} us", worker.longest_gap_us),
            worker.table_version.to_string(),
            or_dash(percentile_ns(&worker.tables_taken_up, 0.99).map(microseconds)),
        ]
    });
    table(
        [
            "WORKER",
            "ROUNDS",
            "BUSY",
            "LONGEST GAP",
            "TABLES",
            "TAKEN UP IN (P99)",
        ],
        rows,
        &[0, 1, 2, 3, 4, 5],
    )
}

fn microseconds(ns: u64) -> String {
    format!("{:.1} us", ns as f64 / 1_000.0)
}

fn drops(status: &Status, all: bool) -> String {
    let shown = status.drops.iter().filter(|drop| all || drop.packets > 0);
    let rows: Vec<_> = shown
        .map(|drop| {
            [
                drop.reason.clone(),
                drop.class.clone(),
                drop.packets.to_string(),
                drop.meaning.clone(),
            ]
        })
        .collect();
    if rows.is_empty() {
        return "no packet was dropped".to_owned();
    }
    table(["DROPPED FOR", "CLASS", "PACKETS", "MEANING"], rows, &[2])
}

fn balance(balance: &Balance) -> String {
    let Balance {
        received,
        injected,
        copied,
        generated,
        delivered,
        transmitted,
        punted,
        dropped,
        kept,
        unexplained,
    } = balance;
    format!(
        "received {received} + injected {injected} + copied {copied} \
         + generated {generated} = delivered {delivered} \
         + transmitted {transmitted} + punted {punted} \
         + dropped {dropped} + kept {kept} + unexplained {unexplained}"
    )
}

/// Columns as wide as they need; a terminal's width is kept by wrapping the cells. `numbers` are
/// set flush right.
pub fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    numbers: &[usize],
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.map(|title| Cell::new(title).add_attribute(Attribute::Bold)));
    table.add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if numbers.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

fn this(host: &str, is_self: bool) -> String {
    if is_self {
        format!("{host} (this)")
    } else {
        host.to_owned()
    }
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// The two largest units of a time.
fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
