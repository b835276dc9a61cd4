//! The closed set of reasons for which a packet ends (section 9, and three of
//! section 11).
//!
//! Nothing is dropped without one, and each is one counter.

use std::{fmt, str::FromStr};

/// What a drop says about the network, and so who should look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropClass {
    /// The octets break a rule of their protocol, or of ours.
    Malformed,
    /// The packet is well formed and not allowed or not wanted here.
    Policy,
    /// The packet was right for an owner that has since moved.
    Stale,
    /// Something was missing, full or down.
    Capacity,
}

impl DropClass {
    /// The name that counters and the command line show.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Policy => "policy",
            Self::Stale => "stale",
            Self::Capacity => "capacity",
        }
    }
}

impl fmt::Display for DropClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One row a reason: variant, class, counter name, what happened and what to do.
macro_rules! drop_reasons {
    ($($variant:ident $class:ident $name:literal $meaning:literal;)*) => {
        /// Why a packet was dropped. Its `as usize` is an index into an array of counters.
        #[repr(u8)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum DropReason {
            $(#[doc = $meaning] $variant,)*
        }

        impl DropReason {
            /// Every reason, in the order of its index.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant,)*];
            /// How many reasons there are.
            pub const COUNT: usize = [$($name,)*].len();

            /// The name of the counter.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The class that section 9 files this reason under.
            #[must_use]
            pub const fn class(self) -> DropClass {
                match self { $(Self::$variant => DropClass::$class,)* }
            }

            /// One sentence for the operator: what happened, and what to do.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

#[rustfmt::skip]
drop_reasons! {
    L2Malformed              Malformed "l2_malformed"               "A frame was shorter than its Ethernet or ARP header, or the ARP fields contradict each other; look at the sender's driver.";
    L2Ethertype              Malformed "l2_ethertype"               "A frame carried an EtherType other than IPv4 and ARP, such as a VLAN tag or IPv6; harmless unless the guest needs it.";
    DecodeMalformed          Malformed "decode_malformed"           "A substrate packet was truncated, not version 6, or longer than IPv4 can carry; look for a faulty link or a foreign sender.";
    DecodeBadPrefix          Malformed "decode_bad_prefix"          "An overlay address did not sum to 0xffff; a host runs another layout, or someone forges addresses.";
    DecodeBadLabel           Malformed "decode_bad_label"           "The flow label held TTL 0; a router on the path clears flow labels, which this overlay cannot cross.";
    DecodeBadFragment        Malformed "decode_bad_fragment"        "The fragment header was cut short or its reserved bits were set; the sender is not one of our hosts.";
    DecodeForbiddenProtocol  Malformed "decode_forbidden_protocol"  "The packet carried a protocol that IPv6 would read as an extension header or ICMPv6; its sender does not filter as our hosts do.";
    EncodeMalformed          Malformed "encode_malformed"           "A guest's IPv4 header was truncated, of another version, or of contradictory lengths; look at that guest.";
    EncodeIpChecksum         Malformed "encode_ip_checksum"         "A guest's IPv4 header checksum was wrong; look at that guest's driver and its offloads.";
    EncodeReservedFlag       Malformed "encode_reserved_flag"       "A guest set the reserved IPv4 flag, which cannot be carried; no ordinary stack does.";
    EncodeSourceRoute        Malformed "encode_source_route"        "A guest sent a source route option, which is never honoured.";
    EncodeForbiddenProtocol  Malformed "encode_forbidden_protocol"  "A guest sent a protocol that IPv6 would read as an extension header or ICMPv6; it cannot be carried.";
    EncodeMartian            Malformed "encode_martian"             "A guest used a source or destination that no unicast or group packet may have, such as 0/8 or 127/8.";

    L2SourceMac              Policy    "l2_source_mac"              "A guest sent from a MAC address that is not its port's; correct the port or the guest.";
    EncodeSpoofed            Policy    "encode_spoofed"             "A guest sent from an IPv4 address that its port does not own; correct the port or the guest.";
    DecodeNotOurs            Policy    "decode_not_ours"            "A substrate packet was for another host's locator; a router sends us a prefix that is not ours.";
    DecodeNativeOff          Policy    "decode_native_off"          "A packet came from outside the fabric prefix, and from no native IPv6 peer of its network; add the peer if that is wanted.";
    DecodeUnknownNetwork     Policy    "decode_unknown_network"     "A packet was for a network that is not configured here; the sender's tables are ahead of or behind ours.";
    DecodeUnknownDestination Policy    "decode_unknown_destination" "A packet was for an address that lives on no port here; the sender's mapping is out of date.";
    DecodeNetworkMismatch    Policy    "decode_network_mismatch"    "The source's network is neither the destination's nor peered with it; add a peering if that is wanted.";
    DecodeUnknownSource      Policy    "decode_unknown_source"      "No mapping is known yet for the inner source; if it lasts, this host misses updates.";
    DecodeSpoofed            Policy    "decode_spoofed"             "The inner source belongs to another host than the one that sent it; treat as an alarm.";
    PolicyDenied             Policy    "policy_denied"              "A rule denies this packet: ARP that is no request, a group that is never forwarded, or UDP without a checksum for a native peer.";
    IcmpRefused              Policy    "icmp_refused"               "An ICMP or IGMP message was for nobody here, quoted nothing that this host sent, was damaged, or has no counterpart for a native peer; ignore unless it is frequent.";
    EncodeReplicaSilent      Policy    "encode_replica_silent"      "A replica sent a packet; only the primary of a group may speak.";
    EncodeMuted              Policy    "encode_muted"               "A primary sent a packet without a lease; expected while it moves, else its replicas or its manager do not answer.";
    EncodeTtl                Policy    "encode_ttl"                 "A guest's TTL, or a native peer's hop limit, did not reach past the virtual routers; traceroute does this on purpose.";
    CopyBudget               Policy    "copy_budget"                "The budget of copies to a replica was used up, which is then out of step; raise the budget if the traffic is legitimate.";
    RateLimit                Policy    "rate_limit"                 "A rate limit was exceeded; raise it if the traffic is legitimate.";
    MulticastBudget          Policy    "multicast_budget"           "A guest's packets to groups and to all made more copies than its budget allows; raise [network.multicast] if the traffic is legitimate.";
    NoSubscriber             Policy    "no_subscriber"              "Nobody listens to the group that a packet was for; harmless, and at a receiving host expected for a while after its last node left.";

    DecodeStaleGeneration    Stale     "decode_stale_generation"    "The inner source has moved since the sender's generation; a deposed owner still speaks, or our update is late.";
    DecodeFenced             Stale     "decode_fenced"              "The destination is fenced on this host; the sender is told and should turn to the new owner.";
    DecodeNoOwner            Stale     "decode_no_owner"            "The group of the destination, or of the source, has no owner at present; see its fail-over state.";
    DecodeDuplicateCopy      Stale     "decode_duplicate_copy"      "A copy came right after a planned move to a member that gets the packet from its former host; expected during a move.";

    EncodeNoMapping          Capacity  "encode_no_mapping"          "No host is known for a guest's destination; check that the address exists and that mappings arrive.";
    EncodeTooBig             Capacity  "encode_too_big"             "A packet exceeds the path MTU; raise the substrate MTU or lower the guest's.";
    NoMbuf                   Capacity  "no_mbuf"                    "No packet buffer was free, or it had too little headroom; enlarge the pool.";
    TxQueueFull              Capacity  "tx_queue_full"              "A transmit queue was full; the device or the guest takes packets more slowly than they come.";
    HandoffFull              Capacity  "handoff_full"               "The ring to another worker was full; that worker is overloaded.";
    PuntFull                 Capacity  "punt_full"                  "The queue to the controller was full; control traffic comes faster than it is handled.";
    NoNextHop                Capacity  "no_next_hop"                "The MAC address of the substrate's next hop is not known; check the uplink and its router.";
    PortDown                 Capacity  "port_down"                  "The outgoing port is down; check its link or its guest.";
    BufferFull               Capacity  "buffer_full"                "A replica's buffer between checkpoints was full; checkpoint more often or enlarge it.";
    BufferExpired            Capacity  "buffer_expired"             "A buffered packet outlived its replica's time limit.";
    DeviceRx                 Capacity  "device_rx"                  "The device dropped on receive, before us; more queues or workers may help.";
    DeviceTx                 Capacity  "device_tx"                  "The device dropped on transmit; see its own counters.";
}

impl DropReason {
    /// The reason whose counter has this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The name is not in the closed set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDropReason(String);

impl fmt::Display for UnknownDropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is not a drop reason; docs/wire.md section 9 lists them all",
            self.0
        )
    }
}

impl std::error::Error for UnknownDropReason {}

impl FromStr for DropReason {
    type Err = UnknownDropReason;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or_else(|| UnknownDropReason(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Section 9, verbatim, and behind the policy and the stale ones what section 11 adds.
    const SECTIONS_9_AND_11: [(DropClass, &str); 4] = [
        (
            DropClass::Malformed,
            "l2_malformed l2_ethertype decode_malformed decode_bad_prefix decode_bad_label decode_bad_fragment decode_forbidden_protocol encode_malformed encode_ip_checksum encode_reserved_flag encode_source_route encode_forbidden_protocol encode_martian",
        ),
        (
            DropClass::Policy,
            "l2_source_mac encode_spoofed decode_not_ours decode_native_off decode_unknown_network decode_unknown_destination decode_network_mismatch decode_unknown_source decode_spoofed policy_denied icmp_refused encode_replica_silent encode_muted encode_ttl copy_budget rate_limit multicast_budget no_subscriber",
        ),
        (
            DropClass::Stale,
            "decode_stale_generation decode_fenced decode_no_owner decode_duplicate_copy",
        ),
        (
            DropClass::Capacity,
            "encode_no_mapping encode_too_big no_mbuf tx_queue_full handoff_full punt_full no_next_hop port_down buffer_full buffer_expired device_rx device_tx",
        ),
    ];

    #[test]
    fn the_set_and_its_classes_are_those_of_sections_9_and_11() {
        let written = SECTIONS_9_AND_11
            .iter()
            .flat_map(|(class, names)| names.split(' ').map(move |name| (*class, name)));
        let built = DropReason::ALL.map(|reason| (reason.class(), reason.name()));
        assert!(written.eq(built));
    }

    #[test]
    fn a_name_is_its_variant_in_snake_case() {
        for reason in DropReason::ALL {
            let flat: String = reason.name().split('_').collect();
            assert_eq!(flat, format!("{reason:?}").to_lowercase());
        }
    }

    #[test]
    fn names_and_indices_lead_back_to_the_reason() {
        for (index, reason) in DropReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
            assert_eq!(reason.name().parse(), Ok(reason));
        }
        let error = "l3_bored".parse::<DropReason>().unwrap_err();
        assert!(error.to_string().starts_with("\"l3_bored\" is not"));
    }

    #[test]
    fn every_meaning_is_one_sentence() {
        for reason in DropReason::ALL {
            let meaning = reason.meaning();
            assert!(meaning.ends_with('.') && meaning.matches(". ").count() == 0);
        }
    }
}
